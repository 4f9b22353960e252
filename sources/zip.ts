// Unpacks files out of a zip archive that nobody vouches for.
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { UserError } from '../engine/stage.ts';

export interface ZipLimits {
  /** Largest unpacked file, in bytes. */
  readonly file: number;
  /** Largest sum of unpacked files, in bytes. */
  readonly total: number;
}

/**
 * Unpacks the files for which `target` gives a path, relative to `out`.
 *
 * Checked for every entry, unpacked or not: the name stays inside (no absolute path, `..` or `\`) and it is no symbolic
 * link. Checked for what is unpacked: the limits, against the declared sizes before anything is written; that a file
 * unpacks to exactly its declared size; its CRC-32; that no two entries have one target.
 *
 * @param onEntry called after each entry with how many were read, and how many there are
 * @returns the targets, in the archive's order
 * @throws UserError that names the archive, the entry and what is wrong with it
 */
export async function unzip(
  archive: string,
  out: string,
  target: (path: string) => string | undefined,
  limits: ZipLimits,
  onEntry?: (done: number, total: number) => void,
): Promise<string[]> {
  const zip = await openPromise(archive, { autoClose: false }).catch((error: Error) => {
    throw new UserError(`${archive} is not a complete zip archive: ${error.message}.`);
  });
  const targets = new Set<string>();
  let total = 0;
  let done = 0;
  try {
    for await (const entry of entriesOf(zip, archive)) {
      onEntry?.(++done, zip.entryCount);
      const path = entry.fileName.endsWith('/') ? undefined : target(entry.fileName);
      if (path === undefined) continue;
      total += entry.uncompressedSize;
      requireWithin(limits, entry, total);
      if (targets.has(path)) throw bad(entry, 'is there twice');
      targets.add(path);
      await mkdir(dirname(join(out, path)), { recursive: true });
      await unpack(zip, entry, join(out, path));
    }
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${archive}: ${error.message}`);
    throw error;
  } finally {
    zip.close();
  }
  return [...targets];
}

/** The entries, with names checked by yauzl and none a link. */
async function* entriesOf(zip: ZipFile, archive: string): AsyncGenerator<Entry> {
  const entries = zip.eachEntry();
  for (;;) {
    const next = await entries.next().catch((error: Error) => {
      throw new UserError(`the list of its files is damaged or not safe: ${error.message}.`);
    });
    if (next.done) return;
    const entry = next.value;
    const unixType = (entry.externalFileAttributes >>> 16) & 0o170000;
    if (unixType === 0o120000) throw bad(entry, 'is a symbolic link, which a data set has no use for');
    if (entry.isEncrypted()) throw bad(entry, `is encrypted; ${archive} must be readable without a password`);
    yield entry;
  }
}

function requireWithin(limits: ZipLimits, entry: Entry, total: number): void {
  if (entry.uncompressedSize > limits.file) {
    throw bad(entry, `unpacks to ${entry.uncompressedSize} bytes, more than the ${limits.file} allowed`);
  }
  if (total > limits.total) {
    throw bad(entry, `brings the unpacked files to ${total} bytes, more than the ${limits.total} allowed`);
  }
}

async function unpack(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  const file = await open(path, 'wx');
  let checksum = 0;
  try {
    // yauzl ends the stream with an error when more or fewer bytes come out than the entry declares.
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      checksum = crc32(chunk, checksum);
      await file.appendFile(chunk);
    }
  } catch (error) {
    throw bad(entry, `can't be unpacked: ${(error as Error).message}`);
  } finally {
    await file.close();
  }
  if (checksum !== entry.crc32) throw bad(entry, 'is damaged: its CRC-32 is not the one that was stored');
}

function bad(entry: Entry, what: string): UserError {
  return new UserError(`${JSON.stringify(entry.fileName)} ${what}.`);
}
