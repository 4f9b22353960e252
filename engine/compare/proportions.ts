// What a metrics file's confusion matrix says: right answers of how many, and the size of each class.
import type { Proportion } from '../statistics/fisher.ts';
import { isMapping } from './flatten.ts';
import type { MetricsFile } from './results.ts';

/**
 * The proportion behind a file's `accuracy`, out of its `confusion.matrix`; undefined if there is none that agrees with it.
 *
 * A matrix that sums over seeds has each image several times. As these are no independent answers, both counts are
 * divided by the number of seeds.
 */
export function proportionOf(file: MetricsFile): Proportion | undefined {
  const matrix = matrixOf(file);
  const accuracy = file.metrics.get('accuracy');
  if (matrix === undefined || accuracy === undefined) return undefined;
  const right = matrix.reduce((sum, row, i) => sum + row[i]!, 0);
  const all = matrix.flat().reduce((sum, count) => sum + count, 0);
  // An accuracy that is not the matrix's (of other images, or something else) can't be tested with it.
  if (all === 0 || !(Math.abs(right / all - accuracy.value) < 0.001)) return undefined;
  const seeds = seedsOf(file);
  return { successes: Math.round(right / seeds), trials: Math.round(all / seeds) };
}

/** How many images of each class the file is about, in the order of its matrix; undefined if it has none. */
export function supportsOf(file: MetricsFile): number[] | undefined {
  const seeds = seedsOf(file);
  return matrixOf(file)?.map((row) => row.reduce((sum, count) => sum + count, 0) / seeds);
}

const seedsOf = ({ metrics }: MetricsFile): number => metrics.get('accuracy')?.scores?.size || 1;

function matrixOf({ document }: MetricsFile): number[][] | undefined {
  const confusion = isMapping(document) ? document.confusion : undefined;
  const matrix = isMapping(confusion) ? confusion.matrix : undefined;
  return isCountMatrix(matrix) ? matrix : undefined;
}

const isCountMatrix = (matrix: unknown): matrix is number[][] =>
  Array.isArray(matrix) &&
  matrix.length > 0 &&
  matrix.every(
    (row) =>
      Array.isArray(row) &&
      row.length === matrix.length &&
      row.every((count) => Number.isInteger(count) && count >= 0),
  );
