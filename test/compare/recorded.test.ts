// How often compare and check err on recorded trainings: folders of metrics of five seeds each, through the real command.
import { describe, expect, test } from 'vitest';
import { type Random, sample, seededRandom } from '../../pictures/random.ts';
import { hasRecording, readRecording, score } from '../statistics/recorded-seeds.ts';
import { Project } from './project.ts';

const gates = `gates:
  - { metric: "**:accuracy", better: higher, tolerance: 0.02 }
  - { metric: "**:f1", better: higher, tolerance: 0.03 }
  - { metric: "**:loss", better: lower, tolerance: 10% }
`;

const pairs = 24;

describe.skipIf(!hasRecording)('over recorded seeds of the default study (../shared/seeds.json)', () => {
  const recording = hasRecording ? readRecording() : { truth: '', runs: {}, classes: [], families: [] };
  const { truth } = recording;
  const runs = Object.entries(recording.runs);
  const seeds = Object.keys(runs[0]?.[1] ?? {});

  const replicated = (values: Record<string, number>): object => {
    const numbers = Object.values(values);
    const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
    return { mean, sd: 0, n: numbers.length, values };
  };

  /** The metrics folder of some seeds; one run may have lost some of its right answers. */
  function folder(
    chosen: readonly string[],
    worse?: { run: number; points: number; random: Random },
  ): Record<string, unknown> {
    const files: Record<string, unknown> = {
      'params.yaml': gates,
      'metrics/validation.json': {
        classes: recording.classes,
        images: [...truth].map((digit, i) => ({
          path: `${i}`,
          class: Number(digit),
          family: recording.families[i],
        })),
      },
    };
    runs.forEach(([name, bySeed], k) => {
      const said = Object.fromEntries(
        chosen.map((seed) => {
          const answers = [...bySeed[seed]!.said];
          if (worse?.run === k) {
            const right = answers.flatMap((digit, i) => (digit === truth[i] ? [i] : []));
            for (const i of sample(right, Math.round(worse.points * truth.length), worse.random))
              answers[i] = String((Number(answers[i]) + 1) % 4);
          }
          return [seed, answers.join('')];
        }),
      );
      const scored = chosen.map((seed) => [seed, score(truth, said[seed]!, bySeed[seed]!.pTrue)] as const);
      const of = (metric: 'accuracy' | 'f1' | 'loss') =>
        replicated(Object.fromEntries(scored.map(([seed, each]) => [seed, each[metric]])));
      files[`metrics/${name}.json`] = { accuracy: of('accuracy'), f1: of('f1'), loss: of('loss') };
      files[`metrics/${name}.predictions.json`] = { images: 'metrics/validation.json', predicted: said };
    });
    return files;
  }

  async function sides(old: Record<string, unknown>, now: Record<string, unknown>): Promise<Project> {
    const project = await Project.folder();
    await (await project.below('old')).write(old);
    return project.write(now);
  }

  test(`${pairs} times nothing against nothing: at most 5 % of comparisons are real, and few studies fail`, async () => {
    const random = seededRandom(20, 'through the command');
    let real = 0;
    let failed = 0;
    for (let pair = 0; pair < pairs; pair++) {
      const drawn = sample(seeds, 10, random);
      const project = await sides(folder(drawn.slice(0, 5)), folder(drawn.slice(5)));
      const { event } = await project.json('compare', '--baseline', './old');
      expect(event.rows).toHaveLength(runs.length);
      real += event.rows.filter(({ verdict }: { verdict: string }) => verdict === 'real').length;
      failed += (await project.json('check', '--baseline', './old')).exitCode ?? 0;
    }
    console.log(`${real} of ${pairs * runs.length} comparisons real, ${failed} of ${pairs} studies fail.`);
    expect(real / (pairs * runs.length)).toBeLessThanOrEqual(0.05);
    // The expected share is 2 %; more than 3 of 24 would be a matter of one in 1,000.
    expect(failed).toBeLessThanOrEqual(3);
  });

  test('a loss of 8 points in one run fails check, which names that run', async () => {
    const random = seededRandom(20, 'planted through the command');
    for (let round = 0; round < 8; round++) {
      const drawn = sample(seeds, 10, random);
      const run = random.integer(runs.length);
      const project = await sides(
        folder(drawn.slice(0, 5)),
        folder(drawn.slice(5), { run, points: 0.08, random }),
      );
      const { exitCode, event } = await project.json('check', '--baseline', './old');
      expect(exitCode).toBe(1);
      expect(event.offenders.map(({ path }: { path: string }) => path)).toContain(
        `metrics/${runs[run]![0]}.json`,
      );
    }
  });
});
