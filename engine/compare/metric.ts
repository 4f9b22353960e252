// The metrics of a metrics file: plain numbers, and numbers that several seeds gave.
import { type DottedKey, flattenLeaves, isMapping } from './flatten.ts';

/** A metric in one version. */
export interface Metric {
  /** The number, or the mean over seeds; NaN if the file has null or NaN. */
  readonly value: number;
  /** Each seed's number; null for a plain number. Seeds that diverged are left out. */
  readonly scores: ReadonlyMap<string, number> | null;
  /** The sample standard deviation over seeds; null for fewer than two seeds. */
  readonly sd: number | null;
  /** Seeds that gave no finite number. */
  readonly diverged: readonly string[];
  /** Whether the file has null: that is a metric only if the other version has a number. */
  readonly isNull: boolean;
}

/** What JSON can't write as numbers, as the texts that most writers choose. */
const nonFinite = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Parses a metrics file. NaN and infinities may be written bare, as Python's json module does. */
export function parseMetrics(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    );
    if (quoted === text) throw error;
    return JSON.parse(quoted);
  }
}

/**
 * All metrics of a document by dotted key.
 *
 * Lists are left out: the rows of a confusion matrix or the epochs of a curve say little number by number, and the file
 * has their sums. The texts `NaN`, `Infinity` and `-Infinity` are numbers; other texts and booleans are no metrics. An object
 * `{ mean, sd, n, values: { SEED: number } }` is one metric, measured with several seeds.
 */
export function metricsOf(document: unknown): Map<DottedKey, Metric> {
  const metrics = new Map<DottedKey, Metric>();
  for (const [key, leaf] of flattenLeaves(document, isReplicated)) {
    const metric = isMapping(leaf) && isReplicated(leaf) ? replicated(leaf) : plain(leaf);
    if (metric !== undefined) metrics.set(key, metric);
  }
  return metrics;
}

interface Replicated extends Record<string, unknown> {
  readonly values: Record<string, unknown>;
}

const replicatedKeys = ['mean', 'n', 'sd', 'values'];

function isReplicated(mapping: Record<string, unknown>): mapping is Replicated {
  const keys = Object.keys(mapping).sort();
  if (keys.length !== replicatedKeys.length || !replicatedKeys.every((key, i) => keys[i] === key))
    return false;
  const { values, mean } = mapping;
  return isMapping(values) && isNumber(mean) && Object.values(values).every(isNumber);
}

const isNumber = (value: unknown): boolean => value === null || numberOf(value) !== undefined;

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'string' ? nonFinite.get(value) : undefined;

function plain(value: unknown): Metric | undefined {
  if (value === null) return { ...unmeasured, isNull: true };
  const number = numberOf(value);
  return number === undefined ? undefined : { ...unmeasured, value: number };
}

const unmeasured: Metric = { value: Number.NaN, scores: null, sd: null, diverged: [], isNull: false };

/** Mean and standard deviation are those of the values, whatever the file says beside them. */
function replicated({ values }: Replicated): Metric {
  const scores = new Map<string, number>();
  const diverged: string[] = [];
  for (const [seed, value] of Object.entries(values)) {
    const number = numberOf(value);
    if (number !== undefined && Number.isFinite(number)) scores.set(seed, number);
    else diverged.push(seed);
  }
  const numbers = [...scores.values()];
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const squares = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0);
  const sd = numbers.length < 2 ? null : Math.sqrt(squares / (numbers.length - 1));
  return { value: mean, scores, sd, diverged, isNull: false };
}
