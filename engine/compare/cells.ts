// How single values are written in tables: numbers, differences, parameters and verdicts.
import type { MetricDifference } from './difference.ts';
import type { Significance } from './significance.ts';

/** Stands where a side lacks a value. */
export const absent = '–';

const shownDecimals = 4;

/** `old`, `new` and `delta` of a row as text, with as many decimals as it takes to tell them apart. */
export function numberCells({
  old,
  new: now,
  delta,
}: MetricDifference): [old: string, now: string, delta: string] {
  const decimals = decimalsFor([old, now], delta);
  const sign = delta !== null && delta > 0 ? '+' : '';
  return [number(old, decimals), number(now, decimals), delta === 0 ? '' : sign + number(delta, decimals)];
}

function decimalsFor(values: readonly (number | null)[], delta: number | null): number {
  if (values.every((value) => value === null || Number.isInteger(value))) return 0;
  if (delta === null || delta === 0 || !Number.isFinite(delta)) return shownDecimals;
  // Two digits of the difference: a loss that fell from 0.000012 to 0.000011 is not 0.0000 on both sides.
  return Math.min(16, Math.max(shownDecimals, 1 - Math.floor(Math.log10(Math.abs(delta)))));
}

const number = (value: number | null, decimals: number): string => {
  if (value === null) return absent;
  if (!Number.isFinite(value)) return String(value);
  return value.toFixed(decimals);
};

/** A parameter as it would stand in params.yaml on one line. */
export function paramCell(value: unknown): string {
  if (value === undefined) return absent;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What happened to a metric, in a word; colour alone would not reach everyone. */
export function changeCell({ old, new: now, better }: MetricDifference): string {
  if (old === null) return 'new';
  if (now === null) return 'gone';
  if (better === null) return '';
  return better ? 'better' : 'worse';
}

/** `within noise (p = 0.41, n = 390)`: n is the number of predictions, of both sides where they differ. */
export function significanceCell(significance: Significance | null): string {
  if (significance === null) return '';
  const { p, old, now, real } = significance;
  const n = old.trials === now.trials ? String(now.trials) : `${old.trials} → ${now.trials}`;
  const shownP = p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`;
  return `${real ? 'real' : 'within noise'} (${shownP}, n = ${n})`;
}
