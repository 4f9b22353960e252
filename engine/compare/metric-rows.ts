// The rows of a comparison: each metric's change and what the tests say about it.

import { type Evidence, intervalOverImages, testFamily } from './evidence.ts';
import type { DottedKey } from './flatten.ts';
import type { Gate } from './gates.ts';
import {
  differenceOf,
  type FilePair,
  headlineOf,
  type Images,
  isBetter,
  type MetricPair,
  metricPairs,
  pairAt,
} from './pairs.ts';
import { type Flips, flipsBetween } from './predictions.ts';

/** What a metric is in one version: the mean over `n` seeds, or a plain number (`n` is null). */
export interface Measured {
  /** null for NaN in JSON. */
  readonly value: number;
  readonly sd: number | null;
  readonly n: number | null;
  /** Seeds that diverged; absent if there are none. */
  readonly diverged?: readonly string[];
}

/**
 * `real` and `within noise` are about other seeds, too; the two that name images are about these trainings alone. `not tested`: there is
 * nothing to test with. `not comparable`: a side has NaN or null.
 */
export type MetricVerdict =
  | 'real'
  | 'within noise'
  | 'differs on these images'
  | 'no difference on these images'
  | 'not tested'
  | 'same'
  | 'new'
  | 'gone'
  | 'not comparable';

export interface MetricRow {
  /** Of the metrics file. */
  readonly path: string;
  readonly key: DottedKey;
  readonly old: Measured | null;
  readonly new: Measured | null;
  /** new - old. */
  readonly difference: number | null;
  /** 95 % interval of the difference. */
  readonly interval: readonly [number, number] | null;
  /** Whether it holds for other images, for other seeds, or for both. */
  readonly intervalOver: 'images' | 'seeds' | 'images and seeds' | null;
  /** null if nothing changed, a side lacks it, or no direction is known. */
  readonly better: boolean | null;
  readonly verdict: MetricVerdict;
  readonly evidence: Pick<Evidence, 'test' | 'p' | 'adjustedP' | 'family'> | null;
  readonly images: Images;
  /** Images whose answer changed; null if that is not known. Only in the row of the file's first metric. */
  readonly flips: Flips | null;
}

/** How many rows get an interval over images, which takes time. */
const mostIntervals = 60;

/**
 * One row for each file, or for each metric.
 *
 * The tests are adjusted for all comparisons of a metric in all files, whichever are shown.
 *
 * @param isShown which metrics to give rows for; undefined asks for the headline of each file
 */
export function metricRows(
  files: readonly FilePair[],
  gates: readonly Gate[],
  isShown: ((pair: MetricPair) => boolean) | undefined,
): MetricRow[] {
  const headlines = new Map(
    files.flatMap((file) => {
      const headline = headlineOf(file, gates);
      return headline === undefined ? [] : [[file.path, headline] as const];
    }),
  );
  const pairs =
    isShown === undefined
      ? [...headlines.values()]
      : files.flatMap((file) => metricPairs(file, gates)).filter(isShown);
  const evidence = evidenceOf(pairs, files, gates);
  const rows = pairs.map((pair): Shown => {
    const found = evidence.get(`${pair.file.path}\0${pair.key}`) ?? null;
    const isHeadline = headlines.get(pair.file.path)?.key === pair.key;
    return { pair, row: rowOf(pair, found, isHeadline) };
  });
  return inOrder(rows).map(({ pair, row }, i) => (i < mostIntervals ? withInterval(pair, row) : row));
}

interface Shown {
  readonly pair: MetricPair;
  readonly row: MetricRow;
}

/** The evidence of the pairs, each tested with all comparisons of its metric. */
function evidenceOf(
  pairs: readonly MetricPair[],
  files: readonly FilePair[],
  gates: readonly Gate[],
): ReadonlyMap<string, Evidence | null> {
  const keys = [...new Set(pairs.map(({ key }) => key))];
  const families = keys.map((key) =>
    files
      .map((file) => pairAt(file, key, gates))
      .filter(({ old, now }) => old !== undefined && now !== undefined),
  );
  const found = new Map<string, Evidence | null>();
  for (const family of families)
    testFamily(family, 'differs').forEach((evidence, i) => {
      const { file, key } = family[i]!;
      found.set(`${file.path}\0${key}`, evidence);
    });
  return found;
}

function rowOf(pair: MetricPair, evidence: Evidence | null, isHeadline: boolean): MetricRow {
  const { file, key, old, now } = pair;
  const { oldAnswers, nowAnswers } = file;
  const flips =
    isHeadline && !file.isIdentical && oldAnswers !== undefined && nowAnswers !== undefined
      ? (flipsBetween(oldAnswers, nowAnswers) ?? null)
      : null;
  return {
    path: file.path,
    key,
    old: measured(old),
    new: measured(now),
    difference: differenceOf(pair),
    interval: evidence?.interval ?? null,
    intervalOver: evidence?.interval === undefined || evidence.interval === null ? null : 'seeds',
    better: isBetter(pair),
    verdict: verdictOf(pair, evidence),
    evidence: evidence && {
      test: evidence.test,
      p: evidence.p,
      adjustedP: evidence.adjustedP,
      family: evidence.family,
    },
    images: file.images,
    flips,
  };
}

export function measured(metric: MetricPair['old']): Measured | null {
  if (metric === undefined) return null;
  const { value, sd, scores, diverged } = metric;
  return { value, sd, n: scores?.size ?? null, ...(diverged.length > 0 ? { diverged } : {}) };
}

function verdictOf({ file, old, now }: MetricPair, evidence: Evidence | null): MetricVerdict {
  if (file.isIdentical) return 'same';
  if (old === undefined) return 'new';
  if (now === undefined) return 'gone';
  if (Number.isNaN(old.value) && Number.isNaN(now.value)) return 'same';
  if (Number.isNaN(old.value) || Number.isNaN(now.value)) return 'not comparable';
  if (evidence?.overSeeds === true) return evidence.significant ? 'real' : 'within noise';
  if (evidence !== null)
    return evidence.significant ? 'differs on these images' : 'no difference on these images';
  return old.value === now.value && old.scores?.size === now.scores?.size ? 'same' : 'not tested';
}

/** What a reader must see first: losses, gains, what is missing, what changed; then by path, each file's metrics as it has them. */
function inOrder(rows: readonly Shown[]): Shown[] {
  return rows
    .map((shown, i) => ({ shown, i, rank: rankOf(shown.row) }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .map(({ shown }) => shown);
}

function rankOf({ verdict, better, difference }: MetricRow): number {
  switch (verdict) {
    case 'real':
    case 'differs on these images':
      return better === false ? 0 : 1;
    case 'not comparable':
    case 'gone':
      return 2;
    case 'new':
      return 3;
    case 'not tested':
    case 'within noise':
    case 'no difference on these images':
      return difference === 0 ? 5 : 4;
    case 'same':
      return 6;
  }
}

function withInterval(pair: MetricPair, row: MetricRow): MetricRow {
  const interval = row.evidence === null ? undefined : intervalOverImages(pair);
  if (interval === undefined) return row;
  const hasSeeds = (pair.now?.scores?.size ?? 1) > 1;
  return { ...row, interval, intervalOver: hasSeeds ? 'images and seeds' : 'images' };
}
