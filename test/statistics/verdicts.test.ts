// How often verdicts over seeds are wrong: comparisons of nothing with nothing, and planted losses, on recorded trainings.
import { describe, expect, test } from 'vitest';
import { type Comparison, detectableDifference, verdicts } from '../../engine/statistics/verdicts.ts';
import { type Random, sample, seededRandom } from '../../pictures/random.ts';
import { hasRecording, readRecording, type Scored, score } from './recorded-seeds.ts';

const scores = (values: Record<string, number>): ReadonlyMap<string, number> =>
  new Map(Object.entries(values));

test('pairs equal seeds in whatever order, and takes others as independent', () => {
  const first = scores({ 1: 0.8, 2: 0.7, 3: 0.9 });
  const [paired, welch] = verdicts([
    { metric: 'a', first, second: scores({ 3: 0.91, 1: 0.81, 2: 0.72 }) },
    { metric: 'b', first, second: scores({ 3: 0.91, 4: 0.81, 2: 0.72 }) },
  ]);
  expect(paired).toMatchObject({ test: 'paired', df: 2 });
  expect(paired!.difference).toBeCloseTo(0.04 / 3, 12);
  expect(welch!.test).toBe('welch');
  expect(welch!.p).toBeGreaterThan(paired!.p);
});

test('equal values are no difference, and a loss that every seed shows is one', () => {
  const first = scores({ 1: 0.8, 2: 0.7, 3: 0.9 });
  expect(verdicts([{ metric: 'a', first, second: first }])).toMatchObject([
    { difference: 0, p: 1, significant: false, interval: [0, 0] },
  ]);
  const second = scores({ 1: 0.7, 2: 0.6, 3: 0.81 });
  expect(verdicts([{ metric: 'a', first, second }], 'less')).toMatchObject([{ significant: true }]);
  expect(verdicts([{ metric: 'a', first, second }], 'greater')).toMatchObject([{ significant: false }]);
});

test('two seeds, or one that diverged, give no verdict and do not count', () => {
  const first = scores({ 1: 0.8, 2: 0.7, 3: 0.9 });
  const second = scores({ 1: 0.7, 2: 0.62, 3: 0.81 });
  const [few, diverged, alone] = verdicts([
    { metric: 'a', first: scores({ 1: 0.8, 2: 0.7 }), second: scores({ 1: 0.7, 2: 0.6 }) },
    { metric: 'a', first, second: scores({ 1: 0.7, 2: Number.NaN, 3: 0.81 }) },
    { metric: 'a', first, second },
  ]);
  expect([few, diverged]).toEqual([null, null]);
  expect(alone!.adjustedP).toBe(alone!.p);
});

test('the detectable difference falls with the seeds and grows with the family', () => {
  const five = { difference: 0, standardError: 0.01, df: 4 };
  expect(detectableDifference(five, 1, 1)).toBeCloseTo(0.01 * (2.1318467863 + 0.9409646), 6);
  expect(detectableDifference(five, 27, 1)).toBeGreaterThan(detectableDifference(five, 1, 1));
  expect(detectableDifference({ ...five, df: 40 }, 27, 1)).toBeLessThan(detectableDifference(five, 27, 1));
});

describe.skipIf(!hasRecording)('over recorded seeds of the default study (../shared/seeds.json)', () => {
  const recording = hasRecording ? readRecording() : { truth: '', runs: {} };
  const runs = Object.entries(recording.runs);
  const seeds = Object.keys(runs[0]?.[1] ?? {});
  const scored = runs.map(
    ([, bySeed]) =>
      new Map(seeds.map((seed) => [seed, score(recording.truth, bySeed[seed]!.said, bySeed[seed]!.pTrue)])),
  );
  const metrics = [
    { metric: 'accuracy', sign: 1, tolerance: () => 0.02 },
    { metric: 'f1', sign: 1, tolerance: () => 0.03 },
    { metric: 'loss', sign: -1, tolerance: (old: number) => 0.1 * Math.abs(old) },
  ] as const;

  /** Two disjoint groups of five seeds. */
  function groups(random: Random): [string[], string[]] {
    const drawn = sample(seeds, 10, random);
    return [drawn.slice(0, 5), drawn.slice(5)];
  }

  type Study = readonly ReadonlyMap<string, Scored>[];
  const bySeed = (run: ReadonlyMap<string, Scored>, chosen: readonly string[], metric: keyof Scored) =>
    new Map(chosen.map((seed) => [seed, run.get(seed)![metric]]));

  /** Whether a gate with the study's tolerances fails: a metric is worse by more, and significantly. */
  function fails(before: Study, after: Study, a: readonly string[], b: readonly string[]): boolean {
    const family = metrics.flatMap(({ metric, sign, tolerance }) =>
      before.map((run, i) => ({ metric, sign, tolerance, run, other: after[i]! })),
    );
    const comparisons = family.map(({ metric, sign, run, other }): Comparison => {
      const signed = (values: Map<string, number>) =>
        new Map([...values].map(([seed, value]) => [seed, sign * value]));
      return {
        metric,
        first: signed(bySeed(run, a, metric)),
        second: signed(bySeed(other, b, metric)),
      };
    });
    return verdicts(comparisons, 'less').some((verdict, i) => {
      const { first } = comparisons[i]!;
      const old = [...first.values()].reduce((sum, value) => sum + value, 0) / first.size;
      return verdict!.significant && -verdict!.difference > family[i]!.tolerance(old);
    });
  }

  const rounds = 500;

  test(`at most 5 % of comparisons are real and at most 5 % of ${rounds} studies fail if nothing changed`, () => {
    const random = seededRandom(20, 'same configuration');
    let real = 0;
    let failed = 0;
    for (let round = 0; round < rounds; round++) {
      const [a, b] = groups(random);
      const comparisons = scored.map((run) => ({
        metric: 'accuracy',
        first: bySeed(run, a, 'accuracy'),
        second: bySeed(run, b, 'accuracy'),
      }));
      real += verdicts(comparisons).filter((verdict) => verdict!.significant).length;
      failed += Number(fails(scored, scored, a, b));
    }
    console.log(
      `Nothing against nothing: ${real} of ${rounds * scored.length} comparisons real, ${failed} of ${rounds} studies fail.`,
    );
    expect(real / (rounds * scored.length)).toBeLessThanOrEqual(0.05);
    expect(failed / rounds).toBeLessThanOrEqual(0.05);
  });

  test.each([
    { points: 0.08, found: 0.95 },
    { points: 0.05, found: 0.75 },
  ])('a loss of $points in one run is found in at least $found', ({ points, found }) => {
    const random = seededRandom(20, 'planted loss');
    let failed = 0;
    for (let round = 0; round < rounds; round++) {
      const [a, b] = groups(random);
      const worse = random.integer(scored.length);
      const planted = new Map(b.map((seed) => [seed, plant(runs[worse]![1][seed]!, points, random)]));
      const after = scored.map((run, i) => (i === worse ? planted : run));
      failed += Number(fails(scored, after, a, b));
    }
    console.log(`A loss of ${100 * points} points in one run is found in ${failed} of ${rounds} studies.`);
    expect(failed / rounds).toBeGreaterThanOrEqual(found);
  });

  /** Makes some right answers wrong; the probabilities stay, so that only accuracy and F1 tell. */
  function plant({ said, pTrue }: { said: string; pTrue: string }, points: number, random: Random): Scored {
    const { truth } = recording;
    const right = [...truth].flatMap((digit, i) => (said[i] === digit ? [i] : []));
    const answers = [...said];
    for (const i of sample(right, Math.round(points * truth.length), random))
      answers[i] = String((Number(answers[i]) + 1) % 4);
    return score(truth, answers.join(''), pTrue);
  }
});
