// The metrics of two versions side by side, and what is known of the images that they were scored on.
import { byCodeUnit } from '../order.ts';
import { type Direction, directionOfName } from './direction.ts';
import type { DottedKey } from './flatten.ts';
import type { Gate } from './gates.ts';
import type { Metric } from './metric.ts';
import { accuracyOfAnswers, type Predictions, sameImages } from './predictions.ts';
import { supportsOf } from './proportions.ts';
import type { MetricsFile, Results } from './results.ts';

/** The metric that predictions and confusion matrices are about. */
export const accuracyKey = 'accuracy';

/** Whether both sides were scored on the same images; unknown if neither predictions nor the sizes of classes tell. */
export type Images = 'same' | 'other' | 'unknown';

/** One metrics file in both versions. */
export interface FilePair {
  readonly path: string;
  readonly old: MetricsFile | undefined;
  readonly now: MetricsFile | undefined;
  readonly oldAnswers: Predictions | undefined;
  readonly nowAnswers: Predictions | undefined;
  readonly images: Images;
  /** Whether it and its predictions are the same byte by byte in both, about the same images. */
  readonly isIdentical: boolean;
}

/** One metric in both versions; undefined if a side lacks it. */
export interface MetricPair {
  readonly file: FilePair;
  readonly key: DottedKey;
  readonly old: Metric | undefined;
  readonly now: Metric | undefined;
  /** null if neither a gate nor the name tells. */
  readonly direction: Direction | null;
}

/** All metrics files of both versions, in code-unit order of their paths. */
export function filePairs(old: Results, now: Results): FilePair[] {
  const paths = [...new Set([...old.files.keys(), ...now.files.keys()])].sort(byCodeUnit);
  return paths.map((path) => {
    const [before, after] = [old.files.get(path), now.files.get(path)];
    const [oldAnswers, nowAnswers] = [old.predictions.get(path), now.predictions.get(path)];
    const images = imagesOfBoth(before, after, oldAnswers, nowAnswers);
    return {
      path,
      old: before,
      now: after,
      oldAnswers: before && agreeing(before, oldAnswers),
      nowAnswers: after && agreeing(after, nowAnswers),
      images,
      isIdentical:
        before !== undefined &&
        before.hash === after?.hash &&
        oldAnswers?.hash === nowAnswers?.hash &&
        images !== 'other',
    };
  });
}

function imagesOfBoth(
  old: MetricsFile | undefined,
  now: MetricsFile | undefined,
  oldAnswers: Predictions | undefined,
  nowAnswers: Predictions | undefined,
): Images {
  if (oldAnswers !== undefined && nowAnswers !== undefined)
    return sameImages(oldAnswers.images, nowAnswers.images) ? 'same' : 'other';
  const [before, after] = [old && supportsOf(old), now && supportsOf(now)];
  if (before === undefined || after === undefined) return 'unknown';
  return before.join() === after.join() ? 'unknown' : 'other';
}

/** Answers that give the file's accuracy: others are of another run, or the accuracy is something else. */
function agreeing({ metrics }: MetricsFile, answers: Predictions | undefined): Predictions | undefined {
  const accuracy = metrics.get(accuracyKey);
  if (answers === undefined || accuracy === undefined) return undefined;
  const { scores } = accuracy;
  // A seed that diverged has answers, but no accuracy.
  const right = new Map([...answers.right].filter(([seed]) => scores === null || scores.has(seed)));
  if (right.size === 0) return undefined;
  const kept = { ...answers, right };
  return Math.abs(accuracyOfAnswers(kept) - accuracy.value) < 0.001 ? kept : undefined;
}

/** Metrics of a file that either side has, as the new one orders them. A null is one only if the other side has a number. */
export function metricPairs(file: FilePair, gates: readonly Gate[]): MetricPair[] {
  const keys = new Set([...(file.now?.metrics.keys() ?? []), ...(file.old?.metrics.keys() ?? [])]);
  return [...keys]
    .map((key) => pairAt(file, key, gates))
    .filter(({ old, now }) => isNumber(old) || isNumber(now));
}

const isNumber = (metric: Metric | undefined): boolean => metric !== undefined && !metric.isNull;

export function pairAt(file: FilePair, key: DottedKey, gates: readonly Gate[]): MetricPair {
  const direction = gates.find((gate) => gate.matches(file.path, key))?.better ?? directionOfName(key);
  return { file, key, old: file.old?.metrics.get(key), now: file.now?.metrics.get(key), direction };
}

/** The metric that stands for a file: its accuracy, else the first that a gate judges, else the first. */
export function headlineOf(file: FilePair, gates: readonly Gate[]): MetricPair | undefined {
  const accuracy = pairAt(file, accuracyKey, gates);
  if (isNumber(accuracy.old) || isNumber(accuracy.now)) return accuracy;
  const pairs = metricPairs(file, gates);
  return pairs.find(({ key }) => gates.some((gate) => gate.matches(file.path, key))) ?? pairs[0];
}

/** new - old; null if a side lacks it. Exactly 0 for equal infinities. */
export function differenceOf({ old, now }: MetricPair): number | null {
  if (old === undefined || now === undefined) return null;
  return Object.is(old.value, now.value) || old.value === now.value ? 0 : now.value - old.value;
}

/** Whether the new side is better; null if nothing changed, a side lacks it, or no direction is known. A number is better than NaN. */
export function isBetter({ old, now, direction }: MetricPair): boolean | null {
  if (old === undefined || now === undefined || direction === null) return null;
  if (Object.is(old.value, now.value) || old.value === now.value) return null;
  if (Number.isNaN(now.value)) return false;
  if (Number.isNaN(old.value)) return true;
  return direction === 'higher' ? now.value > old.value : now.value < old.value;
}
