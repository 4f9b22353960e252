// What differs between two versions' results: metrics and parameters, value by value.
import { isDeepStrictEqual } from 'node:util';
import { byCodeUnit } from '../order.ts';
import { type Direction, directionOfName } from './direction.ts';
import { type DottedKey, flattenLeaves, flattenNumbers } from './flatten.ts';
import type { Gate } from './gates.ts';
import type { Results } from './results.ts';
import { accuracyOf, compareProportions, type Significance } from './significance.ts';

/** A metric on both sides; null where a side lacks it. */
export interface MetricDifference {
  /** Of the metrics file. */
  readonly path: string;
  readonly key: DottedKey;
  readonly old: number | null;
  readonly new: number | null;
  /** new - old. */
  readonly delta: number | null;
  /** null where nothing changed, a side lacks it, or no direction is known. */
  readonly better: boolean | null;
  /** Whether the difference is more than chance, where the files tell. */
  readonly significance: Significance | null;
}

/** A parameter on both sides; undefined where a side lacks it. */
export interface ParamDifference {
  readonly key: DottedKey;
  readonly old: unknown;
  readonly new: unknown;
}

export interface Difference {
  /** In code-unit order of path, then as in the files. Only those that differ, unless all were asked for. */
  readonly metrics: readonly MetricDifference[];
  readonly params: readonly ParamDifference[];
  /** How many values were compared. */
  readonly compared: { readonly metrics: number; readonly params: number };
  /** Labels of the sides whose parameters are unknown; parameters are then not compared. */
  readonly withoutParams: readonly string[];
}

/**
 * Compares two versions.
 *
 * @param gates tell a metric's direction, the first that matches; its name tells that of the others
 * @param all whether values that are equal are listed too
 */
export function differences(old: Results, now: Results, gates: readonly Gate[], all = false): Difference {
  const metrics = metricDifferences(old, now, gates);
  const withoutParams = [old, now].filter(({ params }) => params === undefined).map(({ label }) => label);
  const params = withoutParams.length > 0 ? [] : paramDifferences(old.params, now.params);
  return {
    metrics: all ? metrics : metrics.filter((row) => !sameNumber(row.old, row.new)),
    params: all ? params : params.filter((row) => !isDeepStrictEqual(row.old, row.new)),
    compared: { metrics: metrics.length, params: params.length },
    withoutParams,
  };
}

/** All metrics of both sides. */
export function metricDifferences(old: Results, now: Results, gates: readonly Gate[]): MetricDifference[] {
  return union(old.metrics.keys(), now.metrics.keys())
    .sort(byCodeUnit)
    .flatMap((path) => {
      const olds = flattenNumbers(old.metrics.get(path));
      const news = flattenNumbers(now.metrics.get(path));
      return union(news.keys(), olds.keys()).map((key): MetricDifference => {
        const [before, after] = [olds.get(key) ?? null, news.get(key) ?? null];
        const changed = before !== null && after !== null && !sameNumber(before, after);
        const direction = gates.find((gate) => gate.matches(path, key))?.better ?? directionOfName(key);
        return {
          path,
          key,
          old: before,
          new: after,
          delta: before === null || after === null ? null : sameNumber(before, after) ? 0 : after - before,
          better: changed && direction !== null ? isBetter(direction, before, after) : null,
          significance:
            changed && key === 'accuracy' ? significance(old.metrics.get(path), now.metrics.get(path)) : null,
        };
      });
    });
}

function paramDifferences(old: unknown, now: unknown): ParamDifference[] {
  const [olds, news] = [flattenLeaves(old), flattenLeaves(now)];
  return union(news.keys(), olds.keys()).map((key) => ({ key, old: olds.get(key), new: news.get(key) }));
}

/** A number is better than NaN. */
function isBetter(direction: Direction, before: number, after: number): boolean {
  if (Number.isNaN(after)) return false;
  if (Number.isNaN(before)) return true;
  return direction === 'higher' ? after > before : after < before;
}

function significance(old: unknown, now: unknown): Significance | null {
  const [before, after] = [accuracyOf(old), accuracyOf(now)];
  return before === null || after === null ? null : compareProportions(before, after);
}

export const sameNumber = (a: number | null, b: number | null): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b));

const union = <T>(a: Iterable<T>, b: Iterable<T>): T[] => [...new Set([...a, ...b])];
