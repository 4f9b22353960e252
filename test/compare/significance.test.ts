// Fisher's exact test against SciPy's, and which accuracies it can test.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { metricsOf } from '../../engine/compare/metric.ts';
import { proportionOf } from '../../engine/compare/proportions.ts';
import { fisherExact, type Proportion } from '../../engine/statistics/fisher.ts';
import { replicated } from './project.ts';

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
    const ours = fisherExact(old, now);
    // SciPy's own hypergeometric terms carry about ten digits for counts in the thousands.
    expect(Math.abs(ours - p), JSON.stringify({ old, now, p, ours })).toBeLessThanOrEqual(1e-9 * p + 1e-300);
  }
});

test('one-sided p-values add up to 1 and the observed table', () => {
  for (const { old, now, p } of oracle) {
    const [less, greater] = [fisherExact(old, now, 'less'), fisherExact(old, now, 'greater')];
    expect(less + greater).toBeGreaterThanOrEqual(1 - 1e-9);
    expect(Math.min(less, greater)).toBeLessThanOrEqual(p + 1e-9);
    const isWorse = now.successes / now.trials < old.successes / old.trials;
    if (p < 0.05) expect(isWorse ? less : greater).toBeLessThan(0.05);
  }
});

test('an accuracy is tested only with a confusion matrix that it agrees with', () => {
  const matrix = [
    [70, 30],
    [20, 80],
  ];
  expect(proportion({ accuracy: 0.75, confusion: { matrix } })).toEqual({ successes: 150, trials: 200 });
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
    expect(proportion(document)).toBeUndefined();
  }
});

test('a matrix that sums over seeds has no more images than one', () => {
  const matrix = [
    [140, 60],
    [40, 160],
  ];
  const accuracy = replicated([0.7, 0.8]);
  expect(proportion({ accuracy, confusion: { matrix } })).toEqual({ successes: 150, trials: 200 });
});

const proportion = (document: unknown) => proportionOf({ hash: '', document, metrics: metricsOf(document) });
