// Packs picture files into one array: decoded, brought to one size, in the order of the catalogue.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Progress } from '../engine/stage.ts';
import { CorruptPicture, decodePicture, type Fit } from './decode.ts';
import { NpyWriter } from './npy.ts';

export interface PackOptions<Entry> {
  /** Folder that the entries' paths are relative to. */
  readonly root: string;
  /** Pictures in the order that their rows shall have. */
  readonly entries: readonly Entry[];
  /** Width and height of each row's picture, pixels. */
  readonly size: number;
  readonly fit: Fit;
  /** The .npy file to write: `uint8 [N, size, size, 3]`, RGB. */
  readonly file: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Packed<Entry> {
  /** The entries that have a row, in the order of the rows. */
  readonly rows: Entry[];
  /** The entries that could not be decoded, in the order of the catalogue. */
  readonly corrupt: { readonly path: string; readonly reason: string }[];
}

/**
 * Decodes and resizes pictures into one .npy file. A picture that can't be decoded is left out and listed.
 *
 * The rows' order is that of the entries, whichever picture is decoded first; memory is bounded by a few pictures a core.
 */
export async function packPictures<Entry extends { readonly path: string }>(
  options: PackOptions<Entry>,
): Promise<Packed<Entry>> {
  const { root, entries, size, fit, file, onProgress } = options;
  // Many small pictures at once are faster than many threads on one, and none is decoded twice, so nothing need be cached.
  sharp.concurrency(1);
  sharp.cache(false);
  const writer = await NpyWriter.open(file, 'uint8', [size, size, 3]);
  const packed: Packed<Entry> = { rows: [], corrupt: [] };
  const ahead: ReturnType<typeof decode>[] = [];
  const atOnce = 2 * availableParallelism();
  try {
    for (let next = 0, done = 0; done < entries.length; done++) {
      while (next < entries.length && ahead.length < atOnce) {
        ahead.push(decode(join(root, (entries[next++] as Entry).path), size, fit));
      }
      const entry = entries[done] as Entry;
      const result = await (ahead.shift() as (typeof ahead)[number]);
      if ('reason' in result) {
        packed.corrupt.push({ path: entry.path, reason: result.reason });
      } else {
        await writer.append(result.pixels);
        packed.rows.push(entry);
      }
      onProgress?.({ done: done + 1, total: entries.length, unit: 'pictures' });
    }
  } catch (error) {
    await Promise.allSettled(ahead);
    await writer.abort();
    throw error;
  }
  await writer.close();
  return packed;
}

async function decode(
  file: string,
  size: number,
  fit: Fit,
): Promise<{ pixels: Uint8Array<ArrayBuffer> } | { reason: string }> {
  try {
    return { pixels: await decodePicture(file, size, fit) };
  } catch (error) {
    if (error instanceof CorruptPicture) return { reason: error.message };
    throw error;
  }
}
