// Scores equal scikit-learn's, with the fixture that test/fixtures/metrics.py makes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { confusionMatrix, mostProbable, type Scores, scoresOf } from '../../training/metrics.ts';

interface Case {
  name: string;
  labels: number[];
  probabilities: number[];
  accuracy: number;
  loss: number;
  macro: Scores;
  weighted: Scores;
  perClass: (Scores & { support: number })[];
  matrix: number[][];
}
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8'),
) as Case[];

/** Of one object in place of its numbers: what they are close to. */
const close = (value: unknown): unknown => {
  if (typeof value === 'number') return expect.closeTo(value, 6);
  if (Array.isArray(value)) return value.map(close);
  return Object.fromEntries(Object.entries(value as object).map(([key, entry]) => [key, close(entry)]));
};

describe('scoresOf', () => {
  it.each(cases)('gives what scikit-learn gives: $name', (oracle) => {
    const classes = oracle.matrix.map((_, label) => `class ${label}`);
    const { accuracy, loss, weighted, perClass, confusion, ...macro } = scoresOf(
      oracle.labels,
      Float32Array.from(oracle.probabilities),
      classes,
    );
    expect({ accuracy, loss, macro, weighted }).toEqual(
      close({
        accuracy: oracle.accuracy,
        loss: oracle.loss,
        macro: oracle.macro,
        weighted: oracle.weighted,
      }),
    );
    expect(Object.keys(perClass)).toEqual(classes);
    expect(Object.values(perClass)).toEqual(close(oracle.perClass));
    expect(confusion).toEqual({ labels: classes, matrix: oracle.matrix });
  });

  it('refuses probabilities that are not of these pictures and classes', () => {
    expect(() => scoresOf([0, 1], new Float32Array(5), ['a', 'b'])).toThrow(/4 probabilities, not 5/);
    expect(() => scoresOf([], new Float32Array(0), ['a', 'b'])).toThrow(/no pictures/);
    expect(() => scoresOf([2], Float32Array.of(0.5, 0.5), ['a', 'b'])).toThrow(RangeError);
  });
});

it('takes the first of equally probable classes, as argmax does', () => {
  expect([...mostProbable(Float32Array.of(0.4, 0.4, 0.2, 0.2, 0.4, 0.4), 3)]).toEqual([0, 1]);
});

it('counts true classes in rows', () => {
  expect(confusionMatrix([0, 0, 1], [1, 1, 1], 2)).toEqual([
    [0, 2],
    [0, 1],
  ]);
});
