// Size and hashes of a file, read once.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface Checksums {
  /** In bytes. */
  readonly size: number;
  /** In lower-case hexadecimal digits, as `sha256`. */
  readonly md5: string;
  readonly sha256: string;
}

/** Size, MD5 and SHA-256 of a file, streamed. */
export async function checksumsOf(file: string): Promise<Checksums> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    md5.update(chunk);
    sha256.update(chunk);
    size += chunk.length;
  }
  return { size, md5: md5.digest('hex'), sha256: sha256.digest('hex') };
}
