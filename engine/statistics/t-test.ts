// t-tests of a difference of two means, over seeds: paired, of independent samples, and over resampled splits.
import { studentQuantile } from './student-t.ts';

/** A difference of two means and how sure it is. */
export interface MeanDifference {
  /** Mean of the second sample minus mean of the first. */
  readonly difference: number;
  /** The standard deviation of `difference`, estimated; 0 if the values do not vary. */
  readonly standardError: number;
  /** Degrees of freedom of `standardError`. */
  readonly df: number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sample variance, with n - 1; NaN for fewer than two values. */
export function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}

/**
 * The paired t-test: for values that belong together, such as two configurations trained with the same seeds.
 *
 * @param first `[n]`, n ≥ 2
 * @param second `[n]`, in the same order
 */
export function pairedT(first: readonly number[], second: readonly number[]): MeanDifference {
  if (first.length !== second.length || first.length < 2)
    throw new RangeError(`Cannot pair ${first.length} values with ${second.length}.`);
  const differences = first.map((value, i) => second[i]! - value);
  return {
    difference: mean(differences),
    standardError: Math.sqrt(variance(differences) / differences.length),
    df: differences.length - 1,
  };
}

/**
 * Welch's t-test: for independent samples, whose variances may differ.
 *
 * B. L. Welch, "The generalization of 'Student's' problem when several different population variances are involved",
 * Biometrika 34 (1947), 28-35.
 *
 * @param first at least 2 values
 * @param second at least 2 values
 */
export function welchT(first: readonly number[], second: readonly number[]): MeanDifference {
  if (first.length < 2 || second.length < 2)
    throw new RangeError(`Cannot compare ${first.length} values with ${second.length}.`);
  const [a, b] = [variance(first) / first.length, variance(second) / second.length];
  const df = (a + b) ** 2 / (a ** 2 / (first.length - 1) + b ** 2 / (second.length - 1));
  return {
    difference: mean(second) - mean(first),
    standardError: Math.sqrt(a + b),
    // No value varies: 0 / 0.
    df: Number.isNaN(df) ? first.length + second.length - 2 : df,
  };
}

/**
 * The corrected resampled t-test: for differences over random splits of the same images. Their training sides overlap,
 * so the plain test takes them for more independent than they are; the correction makes the variance larger.
 *
 * C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003), 239-281.
 *
 * @param differences one per split, at least 2
 * @param testShare images on the side that is scored divided by images on the side that is trained on
 */
export function resampledT(differences: readonly number[], testShare: number): MeanDifference {
  if (differences.length < 2) throw new RangeError(`Cannot test ${differences.length} difference.`);
  return {
    difference: mean(differences),
    standardError: Math.sqrt((1 / differences.length + testShare) * variance(differences)),
    df: differences.length - 1,
  };
}

/** t = difference / standardError; ±Infinity if the values do not vary and yet differ, 0 if they are all equal. */
export function tOf({ difference, standardError }: MeanDifference): number {
  return difference === 0 ? 0 : difference / standardError;
}

/** The interval that holds the true difference with the given confidence. */
export function intervalOf(test: MeanDifference, confidence = 0.95): [number, number] {
  const half =
    test.standardError === 0 ? 0 : test.standardError * studentQuantile((1 + confidence) / 2, test.df);
  return [test.difference - half, test.difference + half];
}
