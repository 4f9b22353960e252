// Fisher's exact test against SciPy's, and what counts as an accuracy that can be tested.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { accuracyOf, compareProportions, type Proportion } from '../../engine/compare/significance.ts';

interface Row {
  old: Proportion;
  now: Proportion;
  p: number;
}
const oracle = JSON.parse(
  readFileSync(new URL('../fixtures/fisher-exact.json', import.meta.url), 'utf8'),
) as Row[];

test("the p-values are SciPy's", () => {
  expect(oracle.length).toBe(50);
  for (const { old, now, p } of oracle) {
    const ours = compareProportions(old, now).p;
    // SciPy's own hypergeometric terms carry about ten digits for counts in the thousands.
    expect(Math.abs(ours - p), JSON.stringify({ old, now, p, ours })).toBeLessThanOrEqual(1e-9 * p + 1e-300);
  }
});

test('an accuracy is tested only with a confusion matrix that it agrees with', () => {
  const matrix = [
    [70, 30],
    [20, 80],
  ];
  expect(accuracyOf({ accuracy: 0.75, confusion: { matrix } })).toEqual({ successes: 150, trials: 200 });
  for (const document of [
    { accuracy: 0.8, confusion: { matrix } },
    { accuracy: 0.75 },
    { confusion: { matrix } },
    { accuracy: 0.75, confusion: { matrix: [[0.7, 0.3]] } },
    { accuracy: 0, confusion: { matrix: [] } },
    { accuracy: 0, confusion: { matrix: [[0]] } },
    [],
    null,
  ]) {
    expect(accuracyOf(document)).toBeNull();
  }
});
