// The statistics of verdicts against SciPy's and statsmodels' (test/fixtures/seeds.py).
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { crossedInterval } from '../../engine/statistics/crossed-bootstrap.ts';
import { holm } from '../../engine/statistics/holm.ts';
import { moderateVariances } from '../../engine/statistics/moderated-variance.ts';
import { netWins, signFlip } from '../../engine/statistics/sign-flip.ts';
import { studentCdf, studentQuantile, twoSided } from '../../engine/statistics/student-t.ts';
import {
  intervalOf,
  type MeanDifference,
  pairedT,
  resampledT,
  tOf,
  variance,
  welchT,
} from '../../engine/statistics/t-test.ts';

interface TTest {
  p: number;
  less: number;
  t: number;
  df: number;
  interval: [number, number];
}
interface Fixture {
  student: { t: number; df: number; cdf: number }[];
  quantiles: { p: number; df: number; value: number }[];
  tTests: { first: number[]; second: number[]; welch: TTest; paired?: TTest }[];
  signFlip: { netWins: number[]; p: number }[];
  mcnemar: { onlyFirst: number; onlySecond: number; exact: number; binomial: number }[];
  holm: { pValues: number[]; adjusted: number[] }[];
  moderated: { variances: number[]; dfs: number[]; moderated: number[]; df: number[] }[];
}
const oracle = JSON.parse(
  readFileSync(new URL('../fixtures/seeds.json', import.meta.url), 'utf8'),
) as Fixture;

/** Equal to 1e-9 relative, which also holds p-values near zero to account. */
function expectClose(actual: number, expected: number): void {
  if (actual === expected) return;
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected) + 1e-300);
}

test.each(oracle.student)("Student's t: P(T ≤ -$t), $df degrees of freedom", ({ t, df, cdf }) => {
  expectClose(studentCdf(-t, df), cdf);
  expectClose(studentCdf(t, df), 1 - cdf);
});

test.each(oracle.quantiles)("Student's t: the $p quantile, $df degrees of freedom", ({ p, df, value }) => {
  // At 0.5 the quantile is 0, where a relative error means nothing.
  expect(Math.abs(studentQuantile(p, df) - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value) + 1e-12);
});

function expectTest(test: MeanDifference, expected: TTest): void {
  const t = tOf(test);
  expectClose(t, expected.t);
  expectClose(test.df, expected.df);
  expectClose(twoSided(t, test.df), expected.p);
  expectClose(studentCdf(t, test.df), expected.less);
  intervalOf(test).forEach((end, i) => {
    expectClose(end, expected.interval[i]!);
  });
}

test.each(oracle.tTests)('t-tests of $first and $second', ({ first, second, welch, paired }) => {
  expectTest(welchT(first, second), welch);
  if (paired !== undefined) expectTest(pairedT(first, second), paired);
  else expect(() => pairedT(first, second)).toThrow(RangeError);
});

test('values that do not vary', () => {
  const same = pairedT([0.8, 0.8, 0.8], [0.8, 0.8, 0.8]);
  expect(twoSided(tOf(same), same.df)).toBe(1);
  expect(intervalOf(same)).toEqual([0, 0]);
  const shifted = welchT([0.5, 0.5], [0.75, 0.75]);
  expect(twoSided(tOf(shifted), shifted.df)).toBe(0);
});

test('the corrected resampled t-test has the variance of Nadeau and Bengio', () => {
  const differences = [0.01, 0.03, -0.01, 0.02, 0.04];
  const corrected = resampledT(differences, 0.25);
  expectClose(corrected.standardError ** 2, (1 / 5 + 0.25) * variance(differences));
  const plain = pairedT(
    differences.map(() => 0),
    differences,
  );
  expectClose(resampledT(differences, 0).standardError, plain.standardError);
});

test.each(oracle.signFlip)('sign flips of $netWins', ({ netWins: wins, p }) => {
  expectClose(signFlip(wins), p);
  expectClose(signFlip(wins.map((win) => -win)), p);
});

test.each(
  oracle.mcnemar,
)('with an image per family, sign flips are the exact McNemar test: $onlyFirst and $onlySecond', ({
  onlyFirst,
  onlySecond,
  exact,
  binomial,
}) => {
  const first = [...Array<boolean>(onlyFirst).fill(true), ...Array<boolean>(onlySecond).fill(false), true];
  const second = [...Array<boolean>(onlyFirst).fill(false), ...Array<boolean>(onlySecond).fill(true), true];
  const p = signFlip(netWins(first, second, [...first.keys()]));
  expectClose(p, exact);
  expectClose(p, binomial);
});

test('images of a family that agree count once', () => {
  const families = [...Array<string>(6).fill('a'), ...Array<string>(6).fill('b')];
  const first = Array<boolean>(12).fill(false);
  const second = Array<boolean>(12).fill(true);
  expect(netWins(first, second, families)).toEqual([6, 6]);
  expect(signFlip([6, 6])).toBe(0.5);
});

test.each(oracle.holm)('Holm of $pValues', ({ pValues, adjusted }) => {
  holm(pValues).forEach((p, i) => {
    expectClose(p, adjusted[i]!);
  });
});

test.each(oracle.moderated)('moderated variances of $variances', ({ variances, dfs, moderated, df }) => {
  const result = moderateVariances(variances.map((value, i) => ({ variance: value, df: dfs[i]! })));
  result.forEach((estimate, i) => {
    expectClose(estimate.variance, moderated[i]!);
    expectClose(estimate.df, df[i]!);
  });
});

test('two variances are not moderated, and one of zero stays', () => {
  const two = [
    { variance: 1, df: 4 },
    { variance: 9, df: 4 },
  ];
  expect(moderateVariances(two)).toEqual(two);
  const constant = { variance: 0, df: 4 };
  expect(moderateVariances([...two, { variance: 4, df: 4 }, constant])[3]).toEqual(constant);
});

test('the crossed interval is wider with few families than with single images, and repeats itself', () => {
  const families = Array.from({ length: 300 }, (_, i) => Math.floor(i / 30));
  // Families are right or wrong as a whole, seeds differ a little.
  const values = Array.from({ length: 5 }, (_, seed) =>
    families.map((family, i) => Number((family + seed + (i % 3 === 0 ? 1 : 0)) % 4 !== 0)),
  );
  const crossed = crossedInterval({ values, families });
  const single = crossedInterval({ values, families: [...families.keys()] });
  expect(crossed[1] - crossed[0]).toBeGreaterThan(2 * (single[1] - single[0]));
  expect(crossedInterval({ values, families })).toEqual(crossed);
});

test('with one seed and an image per family the crossed interval is the plain bootstrap', () => {
  const values = [Array.from({ length: 200 }, (_, i) => Number(i % 5 !== 0))];
  const [low, high] = crossedInterval({ values, families: [...values[0]!.keys()] });
  // Normal approximation of the mean of 200 values with share 0.8: ± 1.96 × √(0.16 / 200), on a lattice of 1/200.
  const half = 1.96 * Math.sqrt(0.16 / 200);
  expect(Math.abs(low - (0.8 - half))).toBeLessThanOrEqual(1.5 / 200);
  expect(Math.abs(high - (0.8 + half))).toBeLessThanOrEqual(1.5 / 200);
});
