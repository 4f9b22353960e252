// The statistics of the comparison against SciPy's and statsmodels' (test/fixtures/mcnemar.py).
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  holm,
  mcnemar,
  pairedBootstrap,
  pairedDifference,
  wilsonInterval,
} from '../../training/significance.ts';

interface Fixture {
  paired: {
    onlyFirst: number;
    onlySecond: number;
    pictures: number;
    exact: number;
    midP: number;
    interval: [number, number];
    drawnInterval: [number, number] | null;
  }[];
  holm: { pValues: number[]; adjusted: number[] }[];
  wilson: { count: number; trials: number; interval: [number, number] }[];
}
const oracle = JSON.parse(
  readFileSync(new URL('../fixtures/mcnemar.json', import.meta.url), 'utf8'),
) as Fixture;

/** Equal to 1e-10 relative, which also holds P values near zero to account. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-10 * Math.abs(expected) + 1e-300);
}

test.each(oracle.paired)('McNemar of $onlyFirst and $onlySecond', ({
  onlyFirst,
  onlySecond,
  exact,
  midP,
}) => {
  const p = mcnemar(onlyFirst, onlySecond);
  expectClose(p.exact, exact);
  expectClose(p.midP, midP);
});

test.each(oracle.paired)('bootstrap interval of $onlyFirst and $onlySecond in $pictures', (c) => {
  const interval = pairedBootstrap(c.onlyFirst, c.onlySecond, c.pictures);
  expect(interval).toEqual(c.interval);
  // Two sides of a distribution estimated from 20,000 draws: a step of the lattice or so.
  const step = Math.max(1, Math.sqrt(c.onlyFirst + c.onlySecond) / 10) / c.pictures;
  c.drawnInterval?.forEach((end, i) => {
    expect(Math.abs(interval[i]! - end)).toBeLessThanOrEqual(step + 1e-12);
  });
});

test.each(oracle.holm)('Holm of $pValues', ({ pValues, adjusted }) => {
  holm(pValues).forEach((p, i) => {
    expectClose(p, adjusted[i]!);
  });
});

test.each(oracle.wilson)('Wilson interval of $count in $trials', ({ count, trials, interval }) => {
  wilsonInterval(count / trials, trials).forEach((end, i) => {
    expect(end).toBeCloseTo(interval[i]!, 12);
  });
});

test('pairs answers picture by picture', () => {
  const first = [true, true, false, false, true];
  const second = [true, false, true, true, true];
  const result = pairedDifference(first, second);
  expect(result).toMatchObject({ onlyFirst: 1, onlySecond: 2, difference: 0.2 });
  expect(result.pValue).toBe(mcnemar(1, 2).midP);
  expect(pairedDifference(second, first).difference).toBe(-0.2);
  expect(() => pairedDifference([true], [])).toThrow(RangeError);
});
