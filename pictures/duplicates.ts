// Finds pictures with equal pixels, so that none of them can stand on both sides of a split.
import { createHash } from 'node:crypto';
import type { Progress } from '../engine/stage.ts';
import type { NpyFile } from './npy.ts';

/** What is left of the rows, and why the others are not. */
export interface Deduplicated {
  /** Rows that stay, ascending: of equal pictures of one class the first. */
  readonly kept: readonly number[];
  /** Rows dropped because an earlier row of the same class has the same pixels. */
  readonly duplicates: readonly number[];
  /** Rows dropped because a row of another class has the same pixels: no label is right for them. */
  readonly ambiguous: readonly number[];
}

const rowsAtOnce = 64;

/**
 * SHA-256 of each row's bytes. Files with the same bytes have the same pixels, so these find byte-identical files and those
 * that became the same by resizing alike. Near-duplicates (another compression, a shifted crop) are not found.
 */
export async function pixelDigests(
  pictures: NpyFile<'uint8'>,
  onProgress?: (progress: Progress) => void,
): Promise<string[]> {
  const digests: string[] = [];
  while (digests.length < pictures.length) {
    const count = Math.min(rowsAtOnce, pictures.length - digests.length);
    const first = digests.length;
    const block = await pictures.rows(Array.from({ length: count }, (_, i) => first + i));
    for (let i = 0; i < count; i++) {
      const row = block.subarray(i * pictures.rowElements, (i + 1) * pictures.rowElements);
      digests.push(createHash('sha256').update(row).digest('base64'));
    }
    onProgress?.({ done: digests.length, total: pictures.length, unit: 'pictures' });
  }
  return digests;
}

/**
 * Drops all but the first of equal pictures of one class, and all of those that stand in several classes.
 *
 * @param digests of the rows' pixels
 * @param classes of the rows
 */
export function deduplicate(digests: readonly string[], classes: readonly string[]): Deduplicated {
  const classOf = new Map<string, string | null>(); // null: in several classes
  for (const [row, digest] of digests.entries()) {
    const seen = classOf.get(digest);
    classOf.set(digest, seen === undefined || seen === classes[row] ? (classes[row] as string) : null);
  }
  const kept: number[] = [];
  const duplicates: number[] = [];
  const ambiguous: number[] = [];
  const seen = new Set<string>();
  for (const [row, digest] of digests.entries()) {
    if (classOf.get(digest) === null) ambiguous.push(row);
    else if (seen.has(digest)) duplicates.push(row);
    else kept.push(row);
    seen.add(digest);
  }
  return { kept, duplicates, ambiguous };
}
