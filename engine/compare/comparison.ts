// Compares two versions: their metrics with verdicts, and what made them.
import { type Result, succeed } from '../result.ts';
import { compareIdentity, type Identity } from './identity.ts';
import { type MetricRow, metricRows } from './metric-rows.ts';
import { filePairs, metricPairs } from './pairs.ts';
import { problemsOf } from './problems.ts';
import type { FileProblem } from './results.ts';
import { selectionOf } from './selection.ts';
import type { Sides } from './sides.ts';
import type { Freshness } from './stale.ts';

export const formats = ['table', 'md', 'csv'] as const;
export type Format = (typeof formats)[number];

export interface Comparison {
  /** What messages call the versions. */
  readonly baseline: string;
  readonly against: string;
  /** Of the new version. */
  readonly freshness: Freshness;
  readonly problems: readonly FileProblem[];
  /** One row for each metrics file. */
  readonly rows: readonly MetricRow[];
  /** All metrics of the files, if they were asked for. */
  readonly metrics: readonly MetricRow[];
  readonly identity: Identity;
  /** How many files and metrics were compared, and files that differ. */
  readonly compared: { readonly files: number; readonly metrics: number; readonly differing: number };
  /** Metrics that git does not keep, so that the baseline has none. */
  readonly unkept: readonly string[];
}

export interface ComparisonOptions {
  /** Whether to give all metrics. */
  readonly all?: boolean | undefined;
  /** A pattern of the files, or metrics, to give. */
  readonly only?: string | undefined;
}

export function compare(
  { old, now, gates, unkept, freshness }: Sides,
  { all = false, only }: ComparisonOptions,
): Result<Comparison> {
  const files = filePairs(old, now);
  const selection = selectionOf(only, files);
  if (!selection.ok) return selection;
  const shown = files.filter(({ path }) => selection.value.files(path));
  const isShown = (row: MetricRow): boolean => selection.value.files(row.path);
  const { metrics } = selection.value;
  // The tests are those of all files, so that a filter changes no verdict.
  const rows = metrics === undefined ? metricRows(files, gates, undefined).filter(isShown) : [];
  const wanted = metrics ?? (all ? () => true : undefined);
  return succeed({
    baseline: old.label,
    against: now.label,
    freshness,
    problems: problemsOf(old, now, files, gates).problems,
    rows,
    metrics: wanted === undefined ? [] : metricRows(files, gates, wanted).filter(isShown),
    identity: compareIdentity(
      old,
      now,
      shown.map(({ path }) => path),
    ),
    compared: {
      files: shown.length,
      metrics: shown.reduce((sum, file) => sum + metricPairs(file, gates).length, 0),
      differing: shown.filter(({ isIdentical }) => !isIdentical).length,
    },
    unkept,
  });
}
