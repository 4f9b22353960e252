// The stages compare and timing as the engine runs them: rows, changes and their verdicts, plots, the same bytes twice, bad input.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Prediction, writePredictions } from '../../report/predictions.ts';
import { mcnemar, pairedBootstrap, wilsonInterval } from '../../training/significance.ts';
import { history } from '../report/specs.ts';
import { runStage } from '../support/run-stage.ts';

const classes = ['bus', 'car|van'];
const pictures = 200;
let folder: string;
let lists: Record<string, string[]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-compare-'));
  lists = { metrics: [], history: [], timing: [], predictions: [] };
  // cnn1: 128 is far better than 32, 64 about as good as 32; wrong answers in different places.
  await addRun('cnn1', 'batch128-epochs20', (i) => i % 10 !== 0);
  await addRun('cnn1', 'batch32-epochs20', (i) => i % 2 === 0);
  await addRun('cnn1', 'batch64-epochs20', (i) => i % 2 === 0 || i === 7);
  await addRun('cnn2', 'batch32-epochs20', (i) => i % 3 === 0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function addRun(model: string, run: string, right: (i: number) => boolean) {
  const put = async (list: string, path: string, text: string) => {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    lists[list]!.push(file);
  };
  const predictions: Prediction[] = Array.from({ length: pictures }, (_, i) => {
    const truth = classes[i % 2]!;
    const predicted = right(i) ? truth : classes[(i + 1) % 2]!;
    return { path: `pictures/a "b", ${i}.png`, truth, predicted, probabilities: [0.25, 0.75] };
  });
  const accuracy = predictions.filter(({ truth, predicted }) => truth === predicted).length / pictures;
  const matrix = classes.map((truth) =>
    classes.map((name) => predictions.filter((p) => p.truth === truth && p.predicted === name).length),
  );
  const scores = { precision: 0.5, recall: 0.6, f1: accuracy - 0.01 };
  const perClass = Object.fromEntries(classes.map((name) => [name, { ...scores, support: pictures / 2 }]));
  const metrics = { model, run, ...(model === 'cnn2' ? { backbone: 'made <here>' } : {}), accuracy, loss: 1 - accuracy, ...scores, weighted: scores, perClass, confusion: { labels: classes, matrix } }; // biome-ignore format: one line
  await put('metrics', `metrics/${model}/${run}.json`, JSON.stringify(metrics));
  await put('history', `trained/${model}/${run}/history.json`, JSON.stringify(history(model, run, 20, 12)));
  const timing = { model, run, trainSeconds: 12, epochSeconds: [1, 5, 3], imagesPerSecond: 90, backend: 'cpu', threads: 2 }; // biome-ignore format: one line
  await put('timing', `metrics/${model}/${run}.timing.json`, JSON.stringify(timing));
  const csv = join(folder, 'evaluated', model, `${run}.csv`);
  await mkdir(dirname(csv), { recursive: true });
  await writePredictions(csv, classes, predictions);
  lists.predictions!.push(csv);
}

async function compare(name: string, given = lists) {
  const out = join(folder, name);
  const outs = {
    comparison: join(out, 'comparison.json'),
    plots: join(out, 'plots'),
  };
  return { outs, ...(await runStage('stages/compare.ts', { lists: given, outs })) };
}

test('compares runs in order and tells real changes from noise', async () => {
  const { outs, exitCode, stderr, stdout } = await compare('first');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const { runs, changes } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(runs.map((row: { model: string; run: string }) => `${row.model} ${row.run}`)).toEqual([
    'cnn1 batch32-epochs20',
    'cnn1 batch64-epochs20',
    'cnn1 batch128-epochs20',
    'cnn2 batch32-epochs20',
  ]);
  expect(runs[0]).toMatchObject({
    accuracy: 0.5,
    accuracyInterval: wilsonInterval(0.5, pictures),
    epochs: 20,
    bestEpoch: 12,
    bestAccuracy: 0.75,
    bestLossEpoch: 12,
    bestLoss: 0.7,
  });
  expect(changes).toHaveLength(2);
  expect(changes[0]).toMatchObject({
    change: 'batch 32 → 64',
    accuracy: 1 / pictures,
    verdict: 'within noise',
  });
  // 64 → 128: right at first but no more: multiples of 10; the reverse: odd ones but 7.
  expect(changes[1]).toMatchObject({
    change: 'batch 64 → 128',
    onlyBefore: 20,
    onlyAfter: 99,
    pValue: mcnemar(20, 99).midP,
    adjustedPValue: 2 * mcnemar(20, 99).midP,
    accuracyInterval: pairedBootstrap(20, 99, pictures),
    verdict: 'real',
  });
  expect(changes[1].f1).toBeCloseTo(changes[1].accuracy, 12);
  expect(stdout).toContain(await readFile(join(outs.plots, 'table.md'), 'utf8'));
  expect(stdout).toContain('cnn2: made <here>.');
  expect(await readFile(join(outs.plots, 'curves.svg'), 'utf8')).toContain('cnn2: made &lt;here&gt;');
  expect(stdout).toMatch(/cnn1 +\| batch 64 → 128 +\| +\+0\.395 .* 20 : 99 .* < 0\.001 \| real/);
  expect((await readdir(outs.plots)).sort()).toEqual(['accuracy.svg', 'accuracy.vl.json', 'curves.svg', 'curves.vl.json', 'loss.svg', 'loss.vl.json', 'table.md']); // biome-ignore format: one line
});

test('compares how long trainings took', async () => {
  const outs = { comparison: join(folder, 'time.json'), plots: join(folder, 'time') };
  const { exitCode, stderr, stdout } = await runStage('stages/timing.ts', { lists, outs });
  expect([exitCode, stderr]).toEqual([0, '']);
  const { runs, changes } = JSON.parse(await readFile(outs.comparison, 'utf8'));
  expect(runs.map(({ model, run }: { model: string; run: string }) => `${model} ${run}`)).toEqual([
    'cnn1 batch32-epochs20',
    'cnn1 batch64-epochs20',
    'cnn1 batch128-epochs20',
    'cnn2 batch32-epochs20',
  ]);
  expect(runs[0]).toMatchObject({ trainSeconds: 12, secondsPerEpoch: 3 });
  expect(changes).toHaveLength(2);
  expect(changes[0]).toMatchObject({ change: 'batch 32 → 64', trainSeconds: 0, ratio: 1 });
  expect((await readdir(outs.plots)).sort()).toEqual(['table.md', 'training-time.svg', 'training-time.vl.json']); // biome-ignore format: one line
  expect(stdout).toContain('Median epoch, s');
  expect(await readFile(join(outs.plots, 'training-time.svg'), 'utf8')).toContain('cnn2: made &lt;here&gt;');
});

test('writes the same bytes whatever the order of the lists', async () => {
  const { outs: one } = await compare('one');
  const reversed = Object.fromEntries(
    Object.entries(lists).map(([name, list]) => [name, [...list].reverse()]),
  );
  const { outs: two } = await compare('two', reversed);
  for (const name of await readdir(one.plots)) {
    expect(await readFile(join(two.plots, name), 'utf8')).toBe(await readFile(join(one.plots, name), 'utf8'));
  }
  expect(await readFile(two.comparison, 'utf8')).toBe(await readFile(one.comparison, 'utf8'));
});

test('says which run lacks what', async () => {
  const without = { ...lists, history: lists.history!.filter((path) => !path.includes('cnn2')) };
  const { exitCode, stderr } = await compare('bad', without);
  expect(exitCode).toBe(1);
  expect(stderr.trim()).toBe(
    'cnn2 batch32-epochs20 has metrics but no history. Run `npm run repro -- train evaluate` to make it.',
  );
});

test('does not pair predictions of different pictures', async () => {
  const other = join(folder, 'other', 'cnn1', 'batch32-epochs20.csv');
  await mkdir(dirname(other), { recursive: true });
  await writePredictions(other, classes, [
    { path: 'x', truth: 'bus', predicted: 'bus', probabilities: [1, 0] },
  ]);
  const mixed = { ...lists, predictions: lists.predictions!.map((path) => (path.endsWith('cnn1/batch32-epochs20.csv') ? other : path)) }; // biome-ignore format: one line
  const { exitCode, stderr } = await compare('mixed', mixed);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    'cnn1 batch32-epochs20 and batch64-epochs20 were evaluated on different pictures.',
  );
});
