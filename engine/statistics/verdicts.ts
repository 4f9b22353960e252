// Decides which differences between two versions are real, from what each of several seeds scored.
import { holm } from './holm.ts';
import { moderateVariances } from './moderated-variance.ts';
import { studentCdf, studentQuantile, twoSided } from './student-t.ts';
import { intervalOf, type MeanDifference, pairedT, tOf, welchT } from './t-test.ts';

/** Adjusted p-values below this are significant. */
export const level = 0.05;

/** Fewer seeds than this say nothing about other seeds. */
export const fewestSeeds = 3;

/** A score by seed. */
export type Scores = ReadonlyMap<string, number>;

/** One metric on both sides. */
export interface Comparison {
  /** Name of the metric, such as `accuracy`: metrics of one name have one scale, so their variances say something about each other. */
  readonly metric: string;
  readonly first: Scores;
  readonly second: Scores;
  /** Whether the scores do not belong together even if the seeds are the same, such as scores on other images. */
  readonly independent?: boolean;
}

/** Which differences the p-value asks for: any, or that the second side has less, or more. */
export type Alternative = 'two-sided' | 'less' | 'greater';

/** What the seeds say about one comparison. */
export interface SeedVerdict extends MeanDifference {
  /** Paired if both sides have the same seeds and belong together, otherwise Welch's. */
  readonly test: 'paired' | 'welch';
  /** 95 % interval of the difference, not adjusted. */
  readonly interval: readonly [number, number];
  readonly p: number;
  /** Adjusted by Holm's method for all comparisons of the family. */
  readonly adjustedP: number;
  readonly significant: boolean;
}

/**
 * Tests all comparisons of a family at once.
 *
 * Each is a t-test of the means over seeds, its variance moderated by those of the same metric in the family
 * ({@link moderateVariances}), its p-value adjusted after Holm for the size of the family.
 *
 * @returns the verdicts in the order of the comparisons; null for one with fewer than {@link fewestSeeds} seeds on a side or with a score
 * that is not finite. These do not count towards the size of the family.
 */
export function verdicts(
  family: readonly Comparison[],
  alternative: Alternative = 'two-sided',
): (SeedVerdict | null)[] {
  const tests = family.map(testOf);
  const moderated = moderatedTests(family, tests);
  const pValues = moderated.map((test) => (test === null ? null : pOf(test, alternative)));
  const known = pValues.filter((p) => p !== null);
  const adjusted = holm(known);
  let next = 0;
  return moderated.map((test, i) => {
    const p = pValues[i];
    if (test === null || p === null || p === undefined) return null;
    const adjustedP = adjusted[next++]!;
    return { ...test, interval: intervalOf(test), p, adjustedP, significant: adjustedP < level };
  });
}

interface Test extends MeanDifference {
  readonly test: 'paired' | 'welch';
  /** 1 / n, or 1 / n₁ + 1 / n₂: what the variance of one observation is multiplied with to get that of the difference. */
  readonly share: number;
}

function testOf({ first, second, independent }: Comparison): Test | null {
  const [a, b] = [[...first.values()], [...second.values()]];
  if (a.length < fewestSeeds || b.length < fewestSeeds) return null;
  if (![...a, ...b].every(Number.isFinite)) return null;
  const paired =
    independent !== true && a.length === b.length && [...first.keys()].every((seed) => second.has(seed));
  if (!paired) return { ...welchT(a, b), test: 'welch', share: 1 / a.length + 1 / b.length };
  const partners = [...first.keys()].map((seed) => second.get(seed)!);
  return { ...pairedT(a, partners), test: 'paired', share: 1 / a.length };
}

/** The tests with variances that those of the same metric and kind of test have steadied. */
function moderatedTests(family: readonly Comparison[], tests: readonly (Test | null)[]): (Test | null)[] {
  const groups = new Map<string, number[]>();
  tests.forEach((test, i) => {
    if (test === null) return;
    const group = `${test.test} ${family[i]!.metric}`;
    groups.set(group, [...(groups.get(group) ?? []), i]);
  });
  const result = [...tests];
  for (const members of groups.values()) {
    const estimates = members.map((i) => {
      const { standardError, share, df } = tests[i]!;
      return { variance: standardError ** 2 / share, df };
    });
    moderateVariances(estimates).forEach(({ variance, df }, k) => {
      const test = tests[members[k]!]!;
      result[members[k]!] = { ...test, standardError: Math.sqrt(variance * test.share), df };
    });
  }
  return result;
}

function pOf(test: MeanDifference, alternative: Alternative): number {
  const t = tOf(test);
  if (alternative === 'two-sided') return twoSided(t, test.df);
  return studentCdf(alternative === 'less' ? t : -t, test.df);
}

/**
 * The smallest true difference that a test of this kind finds with a probability of 80 %, if it is one of `size` comparisons:
 * the critical value of Holm's first step plus the 0.8 quantile, in standard errors.
 *
 * J. Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), with Student's t in place of the normal distribution.
 *
 * @param sides 1 for a one-sided test, 2 for a two-sided one
 */
export function detectableDifference(
  { standardError, df }: MeanDifference,
  size: number,
  sides: 1 | 2,
): number {
  const critical = studentQuantile(1 - level / sides / Math.max(1, size), df);
  return standardError * (critical + studentQuantile(0.8, df));
}
