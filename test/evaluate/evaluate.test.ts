// The evaluate stage as the engine runs it, on a real model of untrained weights and awkward class names.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { writeIndex } from '../../pictures/index.ts';
import { NpyWriter } from '../../pictures/npy.ts';
import { seededRandom } from '../../pictures/random.ts';
import { writeSplit } from '../../pictures/split.ts';
import { Evaluation } from '../../report/evaluation.ts';
import type { History } from '../../report/history.ts';
import { readPredictions } from '../../report/predictions.ts';
import { loadBackend } from '../../training/backend.ts';
import { writeKerasModel } from '../../training/keras-h5/write.ts';
import { history } from '../report/specs.ts';
import { runStage } from '../support/run-stage.ts';

const classes = ['<a&b>', 'car, "wide"', 'truck'];
const [rows, size] = [60, 16];
const validation = Array.from({ length: 40 }, (_, i) => i + 20);
let folder: string;
let deps: Record<string, string>;
let lists: Record<string, string[]>;

/** The path of one training's output. */
const trained = (seed: number, file: string): string => join(folder, 'trained', String(seed), file);

/** Writes what a training leaves. */
async function addTraining(seed: number, more: Partial<History> = {}): Promise<void> {
  await mkdir(join(folder, 'trained', String(seed)), { recursive: true });
  const params = { filters: [4, 8], dense: 8, dropout: 0.5, optimizer: { name: 'adam', learningRate: 0.001 } } as const; // biome-ignore format: one line
  const model = cnn1([size, size, 3], classes.length, { ...params, filters: [...params.filters] }, seed);
  await writeKerasModel(model, trained(seed, 'model.h5'));
  model.dispose();
  const own = { ...history('cnn1', 'batch32-epochs5', 5, 5, seed), ...more };
  await writeFile(trained(seed, 'history.json'), JSON.stringify(own));
}

const listsOf = (seeds: readonly number[]): Record<string, string[]> => ({
  models: seeds.map((seed) => trained(seed, 'model.h5')),
  histories: seeds.map((seed) => trained(seed, 'history.json')),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-evaluate-'));
  const at = (name: string) => join(folder, name);
  deps = {
    inputs: at('pictures.npy'),
    pictures: at('pictures.npy'),
    index: at('pictures.jsonl'),
    split: at('split.json'),
  };
  await loadBackend('cpu');
  for (const seed of [20, 21, 9]) await addTraining(seed);
  lists = listsOf([20]);
  const random = seededRandom(1, 'test');
  const writer = await NpyWriter.open(deps.pictures!, 'uint8', [size, size, 3]);
  await writer.append(Uint8Array.from({ length: rows * size * size * 3 }, () => random.integer(256)));
  await writer.close();
  await writeIndex(
    deps.index!,
    Array.from({ length: rows }, (_, i) => ({
      path: `pictures/${String(i).padStart(3, '0')}.png`,
      class: classes[i % 3]!,
      group: `family ${i % 7}`,
      origin: 'o',
    })),
  );
  const train = Array.from({ length: 20 }, (_, i) => i);
  await writeSplit(deps.split!, { classes, train, validation });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function evaluate(name: string, more: Record<string, string> = {}, of = lists) {
  const out = join(folder, name);
  const outs = {
    metrics: join(out, 'metrics.json'),
    predictions: join(out, 'predictions.json'),
    probabilities: join(out, 'probabilities'),
    plots: join(out, 'plots'),
  };
  const run = await runStage('stages/evaluate.ts', {
    params: { seed: 20 },
    labels: { model: 'cnn1', run: 'batch32-epochs5' },
    deps: { ...deps, ...more },
    lists: of,
    outs,
    env: { backend: 'cpu' },
  });
  return { outs, ...run };
}

test('scores every validation picture and draws the plots', async () => {
  const { outs, exitCode, stderr, stdout, progress } = await evaluate('one');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(progress.at(-1)).toMatchObject({ done: 40, total: 40, unit: 'images' });
  const scores = Evaluation.strict().parse(JSON.parse(await readFile(outs.metrics, 'utf8')));
  const predictions = await readPredictions(join(outs.probabilities, '20.csv'));
  expect(predictions.map(({ path }) => path)).toEqual(
    validation.map((row) => `pictures/${String(row).padStart(3, '0')}.png`),
  );
  // The scores once more, from the table of predictions.
  const right = predictions.filter(({ truth, predicted }) => truth === predicted).length;
  expect(scores.accuracy).toEqual({ mean: right / 40, sd: null, n: 1, values: { 20: right / 40 } });
  expect(scores.accuracyInterval[0]).toBeLessThan(right / 40);
  expect(scores.accuracyInterval[1]).toBeGreaterThan(right / 40);
  const surprise = predictions.map((p) => -Math.log(p.probabilities[classes.indexOf(p.truth)]!));
  expect(scores.loss.mean).toBeCloseTo(surprise.reduce((sum, value) => sum + value, 0) / 40, 6);
  expect(scores.confusion).toEqual({
    labels: classes,
    matrix: classes.map((truth) =>
      classes.map((name) => predictions.filter((p) => p.truth === truth && p.predicted === name).length),
    ),
  });
  for (const { probabilities, predicted } of predictions) {
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    expect(probabilities[classes.indexOf(predicted)]).toBe(Math.max(...probabilities));
  }
  expect((await readdir(outs.plots)).sort()).toEqual([
    'accuracy.svg',
    'accuracy.vl.json',
    'architecture.svg',
    'confusion.svg',
    'confusion.vl.json',
    'loss.svg',
    'loss.vl.json',
    'samples.png',
  ]);
  expect(await readFile(join(outs.plots, 'architecture.svg'), 'utf8')).toContain('>16×16×4<');
  const grid = await sharp(join(outs.plots, 'samples.png')).metadata();
  expect(grid.width).toBeGreaterThan(8 * 100);
  expect(stdout).toContain(`cnn1, batch32-epochs5: accuracy ${scores.accuracy.mean.toFixed(3)}`);
});

test('scores several seeds: means, spread, each value, and the sum of their confusions', async () => {
  const alone = await Promise.all(
    [9, 20, 21].map(async (seed) => {
      const { outs } = await evaluate(`alone-${seed}`, {}, listsOf([seed]));
      return Evaluation.parse(JSON.parse(await readFile(outs.metrics, 'utf8')));
    }),
  );
  // In the engine's order, by code unit.
  const { outs, stdout, stderr } = await evaluate('seeds', {}, listsOf([20, 21, 9]));
  expect(stderr).toBe('');
  const scores = Evaluation.strict().parse(JSON.parse(await readFile(outs.metrics, 'utf8')));
  expect(scores.seeds).toEqual([9, 20, 21]);
  const values = alone.map(({ accuracy }) => accuracy.mean);
  const mean = (values[0]! + values[1]! + values[2]!) / 3;
  expect(scores.accuracy.values).toEqual({ 9: values[0], 20: values[1], 21: values[2] });
  expect(scores.accuracy.mean).toBeCloseTo(mean, 12);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  expect(scores.accuracy.sd).toBeCloseTo(Math.sqrt(squares / 2), 12);
  expect(scores.perClass.truck!.f1.values['9']).toBe(alone[0]!.perClass.truck!.f1.mean);
  expect(scores.confusion.matrix).toEqual(
    scores.confusion.matrix.map((row, i) =>
      row.map((_, j) => alone.reduce((sum, { confusion }) => sum + confusion.matrix[i]![j]!, 0)),
    ),
  );
  const { predicted } = JSON.parse(await readFile(outs.predictions, 'utf8'));
  const table = await readPredictions(join(outs.probabilities, '21.csv'));
  expect(predicted['21']).toBe(table.map((each) => classes.indexOf(each.predicted)).join(''));
  expect(stdout).toMatch(/accuracy 0\.\d{3} ± 0\.\d{3}, loss .* \(3 seeds\)/);
});

test('leaves out a seed that diverged and names it; if all did, says why', async () => {
  const diverged = { epoch: 2, reason: 'The loss is NaN in epoch 2: the training diverged.' };
  await addTraining(33, { diverged, epochs: [] });
  await writeFile(trained(33, 'model.h5'), '');
  const { outs, stderr } = await evaluate('one-diverged', {}, listsOf([20, 33]));
  expect(stderr).toBe('');
  const scores = Evaluation.strict().parse(JSON.parse(await readFile(outs.metrics, 'utf8')));
  expect(scores.accuracy).toMatchObject({ n: 1, values: { 33: null } });
  expect(scores.diverged).toEqual([{ seed: 33, ...diverged }]);
  const all = await evaluate('all-diverged', {}, listsOf([33]));
  expect(all.exitCode).toBe(1);
  expect(all.stderr).toContain(
    'No training of cnn1 batch32-epochs5 has a result to score.\nseed 33: The loss is NaN in epoch 2',
  );
});

test('writes the same bytes again', async () => {
  const { outs: one } = await evaluate('again-1');
  const { outs: two } = await evaluate('again-2');
  const files = (outs: typeof one) => [outs.metrics, outs.predictions, join(outs.probabilities, '20.csv')];
  const plots = await readdir(one.plots);
  const all = (outs: typeof one) => [...files(outs), ...plots.map((name) => join(outs.plots, name))];
  const others = all(two);
  for (const [i, file] of all(one).entries()) {
    expect((await readFile(file)).equals(await readFile(others[i]!)), file).toBe(true);
  }
});

test('names the backbone', async () => {
  const backbone = join(folder, 'backbone');
  await mkdir(backbone);
  await writeFile(join(backbone, 'backbone.json'), JSON.stringify({ label: 'made <here>' }));
  const { outs, stderr } = await evaluate('with-backbone', { backbone });
  expect(stderr).toBe('');
  expect(JSON.parse(await readFile(outs.metrics, 'utf8')).backbone).toBe('made <here>');
  for (const name of ['architecture', 'confusion', 'loss']) {
    expect(await readFile(join(outs.plots, `${name}.svg`), 'utf8')).toContain('cnn1 (made &lt;here&gt;)');
  }
});
