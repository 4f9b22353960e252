// Expands a stage's matrix into its combinations, each with the labels that name it.
import { isDeepStrictEqual } from 'node:util';

/** One value of an axis. */
export interface AxisValue {
  readonly label: string;
  readonly value: unknown;
}

/** One combination: label and value of each axis, in the order written. */
export interface Combination {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Consecutive integers: `{ from: 20, count: 3 }` stands for 20, 21 and 22. */
interface Range {
  readonly from: number;
  readonly count: number;
}

/**
 * The values of an axis with their labels: a scalar is its own label, an entry of a mapping has its key, and an object in a
 * list is named by its fields, `{ batch: 32, epochs: 20 }` being `batch32-epochs20`.
 */
export function axisValues(axis: unknown): AxisValue[] {
  if (isRange(axis)) return axisValues(Array.from({ length: axis.count }, (_, i) => axis.from + i));
  if (Array.isArray(axis)) return axis.map((value) => ({ label: labelOf(value), value }));
  return Object.entries(axis as Record<string, unknown>).map(([label, value]) => ({ label, value }));
}

/** Whether an axis is written as a range, whatever its fields are. */
export function looksLikeRange(axis: unknown): axis is Record<'from' | 'count', unknown> {
  return isMapping(axis) && Object.keys(axis).sort().join() === 'count,from';
}

/** A range with integers, at least one. */
function isRange(axis: unknown): axis is Range {
  return looksLikeRange(axis) && rangeProblem(axis) === undefined;
}

/** What is wrong with a range; undefined if nothing is. */
export function rangeProblem({ from, count }: Record<'from' | 'count', unknown>): string | undefined {
  if (!Number.isSafeInteger(from)) return `\`from\` is ${JSON.stringify(from)}, not an integer.`;
  if (!Number.isSafeInteger(count) || (count as number) < 1 || (count as number) > longestRange)
    return `\`count\` is ${JSON.stringify(count)}, not an integer from 1 to ${longestRange}.`;
  return undefined;
}

/** More instances than this are a mistake in `count`. */
const longestRange = 100_000;

function labelOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, field]) => `${key}${field}`)
    .join('-');
}

/** All combinations of the axes, the last axis running fastest. No axes give the one empty combination. */
export function combinations(axes: Readonly<Record<string, readonly AxisValue[]>>): Combination[] {
  return Object.entries(axes).reduce<Combination[]>(
    (all, [axis, values]) =>
      all.flatMap(({ labels, values: chosen }) =>
        values.map(({ label, value }) => ({
          labels: { ...labels, [axis]: label },
          values: { ...chosen, [axis]: value },
        })),
      ),
    [{ labels: {}, values: {} }],
  );
}

/** Whether an entry of `exclude` leaves a combination out: each axis that it names has that label, value or fields. */
export function excludes(entry: Readonly<Record<string, unknown>>, { labels, values }: Combination): boolean {
  return Object.entries(entry).every(
    ([axis, wanted]) => labels[axis] === wanted || contains(values[axis], wanted),
  );
}

/** Whether `value` is `part`, or has all its fields. */
function contains(value: unknown, part: unknown): boolean {
  if (!isMapping(value) || !isMapping(part)) return isDeepStrictEqual(value, part);
  return Object.entries(part).every(([key, field]) => contains(value[key], field));
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
