// Unpacks from a wheel, which is a zip archive, only what the binding needs: libraries and the C headers.
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

/**
 * @param targets gives the file that an entry of the archive goes to; undefined leaves it out
 * @param needed the files that must be among them
 * @throws UserError where the wheel lacks one
 */
export async function unpackWheel(
  wheel: string,
  targets: (name: string) => string | undefined,
  needed: readonly string[],
): Promise<void> {
  const archive = await promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)(wheel, {
    lazyEntries: true,
    autoClose: false,
  });
  try {
    const missing = new Set(needed);
    for await (const entry of entries(archive)) {
      const target = targets(entry.fileName);
      if (target === undefined) continue;
      missing.delete(target);
      await mkdir(dirname(target), { recursive: true });
      const stream = await promisify<yauzl.Entry, NodeJS.ReadableStream>(
        archive.openReadStream.bind(archive),
      )(entry);
      // Flushed to disk: the folder is renamed into place later, and must then be whole even after a power cut.
      await pipeline(stream, createWriteStream(target, { flush: true, highWaterMark: 1 << 20 }));
    }
    if (missing.size > 0) {
      const names = [...missing].map((file) => basename(file));
      throw new UserError(`the wheel ${basename(wheel)} lacks ${names.join(' and ')}`);
    }
  } finally {
    archive.close();
  }
}

/**
 * Where a header of the C API goes, in its tree; undefined for anything else. yauzl refuses absolute names and `..` in entries itself.
 * @param name of an entry in TensorFlow's wheel
 */
export function headerTarget(name: string, folder: string): string | undefined {
  if (!name.startsWith(includeFolder) || !name.endsWith('.h')) return undefined;
  const header = name.slice(includeFolder.length);
  return neededHeaders.some((pattern) => pattern.test(header)) ? join(folder, header) : undefined;
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
