// Unpacks from a wheel, which is a zip archive, only what the binding needs: two libraries and the C headers.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import yauzl from 'yauzl';
import { UserError } from '../../engine/stage.ts';

const includeFolder = 'tensorflow/include/';
/** The C API, and the C strings that it refers to. */
const neededHeaders = [/^tensorflow\/c\//, /^tensorflow\/core\/platform\/ctstring/, /^tsl\/(c|platform)\//];

/** Where the parts of the wheel go. */
export interface Unpacked {
  /** Gets the libraries. */
  readonly libraries: string;
  /** Gets the headers, in their tree. */
  readonly headers: string;
}

/**
 * @param libraryNames file names in the wheel's `tensorflow/` folder
 * @throws UserError where the wheel has no such library
 */
export async function unpackWheel(
  wheel: string,
  libraryNames: readonly string[],
  to: Unpacked,
): Promise<void> {
  const archive = await promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)(wheel, {
    lazyEntries: true,
    autoClose: false,
  });
  try {
    const missing = new Set(libraryNames);
    for await (const entry of entries(archive)) {
      const target = targetOf(entry.fileName, libraryNames, to);
      if (target === undefined) continue;
      missing.delete(basename(target));
      await mkdir(dirname(target), { recursive: true });
      const stream = await promisify<yauzl.Entry, NodeJS.ReadableStream>(
        archive.openReadStream.bind(archive),
      )(entry);
      // Flushed to disk: the folder is renamed into place later, and must then be whole even after a power cut.
      await pipeline(stream, createWriteStream(target, { flush: true, highWaterMark: 1 << 20 }));
    }
    if (missing.size > 0) throw new UserError(`the TensorFlow wheel lacks ${[...missing].join(' and ')}`);
  } finally {
    archive.close();
  }
}

/** yauzl refuses absolute names and `..` in entries itself. */
function targetOf(name: string, libraryNames: readonly string[], to: Unpacked): string | undefined {
  if (name.startsWith(includeFolder) && name.endsWith('.h')) {
    const header = name.slice(includeFolder.length);
    return neededHeaders.some((pattern) => pattern.test(header)) ? join(to.headers, header) : undefined;
  }
  const library = libraryNames.find((each) => name === `tensorflow/${each}`);
  return library === undefined ? undefined : join(to.libraries, library);
}

async function* entries(archive: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (let read = 0; read < archive.entryCount; read++) {
    yield await new Promise<yauzl.Entry>((resolve, reject) => {
      archive.once('error', reject);
      archive.once('entry', (entry) => {
        archive.off('error', reject);
        resolve(entry);
      });
      archive.readEntry();
    });
  }
}
