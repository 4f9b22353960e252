// The stages compare and timing as the engine runs them: rows, changes and their verdicts, plots, the same bytes twice, bad input.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verdicts } from '../../engine/statistics/verdicts.ts';
import { encodePredicted, writeScoredImages } from '../../report/scored-images.ts';
import { summarize } from '../../report/seed-summary.ts';
import { scoresOf } from '../../training/metrics.ts';
import { history } from '../report/specs.ts';
import { runStage } from '../support/run-stage.ts';

const classes = ['bus', 'car|van'];
const images = 200;
const truth = Array.from({ length: images }, (_, i) => i % 2);
/** Families of four. */
const families = truth.map((_, i) => `family ${i >> 2}`);

/** What the stages get: by seed, whether the i-th image is right. */
type Right = (i: number, seed: number) => boolean;
const runs: [model: string, run: string, right: Right][] = [
  // cnn1: 128 is far better than 32, 64 about as good as 32; wrong answers in different places.
  ['cnn1', 'batch128-epochs20', (i, seed) => (i + seed) % 10 !== 0],
  ['cnn1', 'batch32-epochs20', (i, seed) => i % 2 === 0 || i === 7 * seed],
  ['cnn1', 'batch64-epochs20', (i, seed) => i % 2 === 0 || i === 7 * (seed + 1) || i === 9],
  ['cnn2', 'batch32-epochs20', (i, seed) => i % 3 === 0 || i === 7 * seed],
];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-compare-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Inputs {
  readonly lists: Record<string, string[]>;
  readonly deps: Record<string, string>;
}

/** Writes the inputs of both stages. */
async function inputsOf(
  name: string,
  seeds: readonly number[],
  diverged: readonly number[] = [],
): Promise<Inputs> {
  const lists: Record<string, string[]> = { metrics: [], histories: [], timing: [], predictions: [] };
  const put = async (list: string, path: string, value: unknown) => {
    const file = join(folder, name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(value));
    lists[list]!.push(file);
  };
  for (const [model, run, right] of runs) {
    const histories = seeds.map((seed) =>
      diverged.includes(seed)
        ? { model, run, seed, diverged: { epoch: 3, reason: 'The loss is NaN.' }, epochs: [] }
        : history(model, run, 20, 12, seed),
    );
    const trainings = seeds
      .filter((seed) => !diverged.includes(seed))
      .map((seed) => {
        const predicted = truth.map((label, i) => (right(i, seed) ? label : 1 - label));
        const probabilities = Float32Array.from(
          predicted.flatMap((label) => (label === 0 ? [0.75, 0.25] : [0.25, 0.75])),
        );
        return { seed, predicted, probabilities, scores: scoresOf(truth, probabilities, classes) };
      });
    const backbone = model === 'cnn2' ? 'made <here>' : undefined;
    const evaluation = summarize({
      model,
      run,
      backbone,
      histories,
      trainings,
      side: 'validation',
      truth,
      families,
    });
    await put('metrics', `metrics/${model}/${run}.json`, evaluation);
    const predicted = Object.fromEntries(
      trainings.map((each) => [each.seed, encodePredicted(each.predicted, 2)]),
    );
    await put('predictions', `metrics/${model}/${run}.predictions.json`, { model, run, images: 'metrics/images.json', predicted }); // biome-ignore format: one line
    for (const each of histories) {
      await put('histories', `trained/${model}/${run}/${each.seed}/history.json`, each);
      const timing = { model, run, seed: each.seed, trainSeconds: 12 + each.seed, epochSeconds: [1, 5, 3], imagesPerSecond: 90, backend: 'cpu', threads: 2 }; // biome-ignore format: one line
      await put('timing', `metrics/${model}/${run}.${each.seed}.timing.json`, timing);
    }
  }
  const list = join(folder, name, 'validation.json');
  await writeScoredImages(list, {
    side: 'validation',
    classes,
    images: truth.map((label, i) => ({ path: `a "b", ${i}.png`, class: label, family: families[i]! })),
  });
  return { lists, deps: { images: list } };
}

async function compare(name: string, { lists, deps }: Inputs) {
  const out = join(folder, name);
  const outs = { comparison: join(out, 'comparison.json'), plots: join(out, 'plots') };
  return { outs, ...(await runStage('stages/compare.ts', { lists, deps, outs })) };
}

test('compares iterations and models in order, and tells real changes from noise over the seeds', async () => {
  const { outs, exitCode, stderr, stdout } = await compare('first', await inputsOf('five', [1, 2, 3, 4, 5]));
  expect([exitCode, stderr]).toEqual([0, '']);
  const { runs: rows, iterations, models } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(rows.map((row: { model: string; run: string }) => `${row.model} ${row.run}`)).toEqual([
    'cnn1 batch32-epochs20',
    'cnn1 batch64-epochs20',
    'cnn1 batch128-epochs20',
    'cnn2 batch32-epochs20',
  ]);
  expect(rows[0]).toMatchObject({
    accuracy: { n: 5 },
    epochs: 20,
    bestEpoch: 12,
    bestAccuracy: 0.75,
    bestLoss: 0.7,
  });
  expect(iterations.map(({ change, scores }: { change: string; scores: { accuracy: { verdict: string } } }) => [change, scores.accuracy.verdict])).toEqual([['batch 32 → 64', 'within noise'], ['batch 64 → 128', 'real']]); // biome-ignore format: one line
  expect(models.map(({ model, change }: { model: string; change: string }) => [model, change])).toEqual([
    ['cnn1 → cnn2', 'batch32-epochs20'],
  ]);
  expect(models[0].scores.accuracy.verdict).toBe('real');
  // The statistics are those of the engine, over the accuracies of the metrics.
  const by = (row: number) => new Map<string, number>(Object.entries(rows[row].accuracy.values));
  const expected = verdicts([
    { metric: 'accuracy', first: by(0), second: by(1) },
    { metric: 'accuracy', first: by(1), second: by(2) },
  ]);
  expect(iterations[1].scores.accuracy).toMatchObject({
    p: expected[1]!.p,
    adjustedP: expected[1]!.adjustedP,
  });
  // 64 → 128: most seeds get all but a few right; before, every other image and one more.
  expect(iterations[1]).toMatchObject({ onlyBefore: 0, onlyAfter: 99 });
  const table = await readFile(join(outs.plots, 'table.md'), 'utf8');
  expect(stdout).toContain(table);
  expect(table).toContain(
    'Means of 5 training seeds ± standard deviation, scored on the 200 validation images',
  );
  expect(table).toContain('the 2 changes of the iteration and the 1 pairs of models are one family each');
  expect(table).toContain('cnn2: made <here>.');
  expect(await readFile(join(outs.plots, 'curves.svg'), 'utf8')).toContain('cnn2: made &lt;here&gt;');
  expect((await readdir(outs.plots)).sort()).toEqual(['accuracy.svg', 'accuracy.vl.json', 'curves.svg', 'curves.vl.json', 'loss.svg', 'loss.vl.json', 'table.md']); // biome-ignore format: one line
});

test('with one seed it says only what holds on these images', async () => {
  const { outs, stdout } = await compare('single', await inputsOf('one', [1]));
  const { iterations } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(iterations.map(({ scores }: { scores: { accuracy: { verdict: string } } }) => scores.accuracy.verdict)).toEqual(['no difference on these images', 'differs on these images']); // biome-ignore format: one line
  expect(iterations[0].scores.loss).toMatchObject({ p: null, verdict: null });
  expect(stdout).toContain('exact sign-flip test over design families');
  expect(stdout).not.toMatch(/\breal\b/);
});

test('leaves out seeds that diverged, and names them', async () => {
  const { outs, stderr, stdout } = await compare('diverged', await inputsOf('some', [1, 2, 3, 4], [3]));
  expect(stderr).toBe('');
  const { runs: rows } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(rows[0]).toMatchObject({
    accuracy: { n: 3 },
    roughness: { n: 3, values: { 3: null } },
    diverged: [3],
  });
  expect(stdout).toContain('cnn1 batch32-epochs20: the training with seed 3 diverged and is left out.');
});

test('compares how long trainings took', async () => {
  const { lists } = await inputsOf('time', [1, 2, 3], [2]);
  const outs = { comparison: join(folder, 'time.json'), plots: join(folder, 'times') };
  const { exitCode, stderr, stdout } = await runStage('stages/timing.ts', { lists, outs });
  expect([exitCode, stderr]).toEqual([0, '']);
  const { runs: rows, changes } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(rows.map(({ model, run }: { model: string; run: string }) => `${model} ${run}`)).toEqual([
    'cnn1 batch32-epochs20',
    'cnn1 batch64-epochs20',
    'cnn1 batch128-epochs20',
    'cnn2 batch32-epochs20',
  ]);
  expect(rows[0]).toMatchObject({ trainSeconds: { mean: 14, n: 2 }, secondsPerEpoch: { mean: 3 } });
  expect(changes).toHaveLength(2);
  expect(changes[0]).toMatchObject({ change: 'batch 32 → 64', trainSeconds: 0, ratio: 1 });
  expect((await readdir(outs.plots)).sort()).toEqual(['table.md', 'training-time.svg', 'training-time.vl.json']); // biome-ignore format: one line
  expect(stdout).toContain('Median epoch, s');
  expect(await readFile(join(outs.plots, 'training-time.svg'), 'utf8')).toContain('cnn2: made &lt;here&gt;');
});

test('writes the same bytes whatever the order of the lists', async () => {
  const inputs = await inputsOf('order', [1, 2, 10]);
  const { outs: one } = await compare('one-order', inputs);
  const reversed = Object.fromEntries(
    Object.entries(inputs.lists).map(([name, list]) => [name, [...list].reverse()]),
  );
  const { outs: two } = await compare('two-order', { ...inputs, lists: reversed });
  for (const name of await readdir(one.plots)) {
    expect(await readFile(join(two.plots, name), 'utf8')).toBe(await readFile(join(one.plots, name), 'utf8'));
  }
  expect(await readFile(two.comparison, 'utf8')).toBe(await readFile(one.comparison, 'utf8'));
});

test('says which run lacks what', async () => {
  const { lists, deps } = await inputsOf('bad', [1]);
  const without = { ...lists, histories: lists.histories!.filter((path) => !path.includes('cnn2')) };
  const { exitCode, stderr } = await compare('bad', { lists: without, deps });
  expect(exitCode).toBe(1);
  expect(stderr.trim()).toBe(
    'cnn2 batch32-epochs20 has metrics but no history. Run `npm run repro -- train evaluate` to make it.',
  );
});

test('does not compare predictions of other images', async () => {
  const { lists, deps } = await inputsOf('mixed', [1]);
  const [first] = lists.predictions!;
  await writeFile(first!, (await readFile(first!, 'utf8')).replace(/"1":"../, '"1":"'));
  const { exitCode, stderr } = await compare('mixed-out', { lists, deps });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('was evaluated on other images than metrics/images.json names.');
});
