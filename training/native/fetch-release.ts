// Downloads the wheels of a release, and lays out what is needed of them as in Python's site-packages.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadWheel } from './download.ts';
import { partOf, progressBar } from './progress-bar.ts';
import { headerTarget, unpackWheel } from './unpack.ts';
import { type NvidiaWheel, type Release, tensorflowVersion, type Wheel } from './versions.ts';

/** Where a release goes. */
export interface ReleaseFolders {
  /** Gets the folder `nvidia`, where the release has wheels for it. */
  readonly entry: string;
  /** Gets TensorFlow's libraries. */
  readonly libraries: string;
  /** Gets the headers, in their tree. */
  readonly headers: string;
  /** Holds one download at a time; is not there afterwards. */
  readonly downloads: string;
}

/**
 * One wheel after the other, each removed when it is unpacked, so that the disk never holds all of them.
 *
 * @returns the libraries' files
 * @throws UserError where a wheel can't be had, is not the pinned one or lacks a library
 */
export async function fetchRelease(
  release: Release,
  to: ReleaseFolders,
  python: string,
  report: (line: string) => void,
): Promise<string[]> {
  const unpackings = [
    tensorflowUnpacking(release, to),
    ...release.nvidia.map((wheel) => nvidiaUnpacking(wheel, to)),
  ];
  const total = unpackings.reduce((sum, { wheel }) => sum + wheel.bytes, 0);
  const title = `Downloading TensorFlow ${tensorflowVersion}${release.nvidia.length > 0 ? ' and CUDA' : ''}`;
  const bar = progressBar(title, total, report);
  try {
    let before = 0;
    for (const { wheel, files, others } of unpackings) {
      const file = await downloadWheel(wheel, python, to.downloads, partOf(bar, before));
      await unpackWheel(file, (name) => files.get(name) ?? others(name), [...files.values()]);
      await rm(to.downloads, { recursive: true });
      before += wheel.bytes;
    }
  } finally {
    bar.end();
  }
  return unpackings.flatMap(({ files }) => [...files.values()]);
}

/** What of a wheel goes where. */
interface Unpacking {
  readonly wheel: Wheel;
  /** The file that each needed entry of the wheel goes to. */
  readonly files: ReadonlyMap<string, string>;
  /** The same for what the cache doesn't keep. */
  readonly others: (name: string) => string | undefined;
}

function tensorflowUnpacking({ tensorflow }: Release, to: ReleaseFolders): Unpacking {
  return {
    wheel: tensorflow,
    files: new Map(tensorflow.libraries.map((name) => [`tensorflow/${name}`, join(to.libraries, name)])),
    others: (name) => headerTarget(name, to.headers),
  };
}

function nvidiaUnpacking(wheel: NvidiaWheel, to: ReleaseFolders): Unpacking {
  const folder = join(to.entry, 'nvidia', wheel.soughtIn ?? wheel.folder, 'lib');
  const files = wheel.libraries.map(
    (name) => [`nvidia/${wheel.folder}/lib/${name}`, join(folder, name)] as const,
  );
  return { wheel, files: new Map(files), others: () => undefined };
}
