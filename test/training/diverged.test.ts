// A training that diverges: the stage records it as diverged and warns, and a longer one does not resume it.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import type { CnnParams } from '../../params/models.ts';
import { History } from '../../report/history.ts';
import { loadBackend } from '../../training/backend.ts';
import { Diverged } from '../../training/diverged.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { EarlyStopping } from '../../training/early-stopping.ts';
import { fitModel } from '../../training/fit.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import { runStage } from '../support/run-stage.ts';
import { classes, openExamples, type Study, writeStudy } from './pictures.ts';

const size = 16;
const params: CnnParams = {
  filters: [4, 6],
  dense: 8,
  dropout: 0.1,
  optimizer: { name: 'sgd', learningRate: 0.01 },
};
let directory: string;
let study: Study;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-diverged-'));
  study = await writeStudy(directory, 60, size);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function train(name: string, learningRate: number, from?: string) {
  const outs = Object.fromEntries(
    ['model.h5', 'history.json', 'timing.json', 'checkpoint.h5'].map((file) => [
      file.split('.')[0]!,
      join(directory, name, file),
    ]),
  );
  const result = await runStage('stages/train/cnn1.ts', {
    name: `train:${name}`,
    params: { models: { cnn1: { ...params, optimizer: { name: 'sgd', learningRate } } } },
    matrix: { run: { batch: 16, epochs: 2 }, seed: 3 },
    labels: { model: 'cnn1', run: 'small', seed: '3' },
    deps: { inputs: study.pictures, index: study.index, split: study.split },
    outs,
    env: { backend: 'cpu' },
    ...(from === undefined ? {} : { resume: { from, by: 1, outs: {} } }),
  });
  const history = History.parse(JSON.parse(await readFile(outs.history!, 'utf8')));
  return { ...result, outs, history };
}

it('is recorded with its epoch and reason, and the user is warned', async () => {
  const { exitCode, stderr, outs, history } = await train('wild', 1e25);
  expect(exitCode).toBe(0);
  expect(history).toMatchObject({ seed: 3, diverged: { epoch: 1 }, epochs: [] });
  expect(history.diverged!.reason).toMatch(/at learning rate 1e\+25: the training diverged\. Try a smaller/);
  expect(stderr.trim()).toBe(`::warning::train:wild: ${history.diverged!.reason}`);
  expect(JSON.parse(await readFile(outs.timing!, 'utf8'))).toMatchObject({ imagesPerSecond: 0, seed: 3 });
  for (const out of ['model', 'checkpoint']) expect((await stat(outs[out]!)).size).toBe(0);
});

it('is not resumed', async () => {
  const { outs } = await train('wild', 1e25);
  const { stdout, exitCode, history } = await train('longer', 0.01, outs.checkpoint);
  expect([exitCode, history.diverged, history.epochs.length]).toEqual([0, undefined, 2]);
  expect(stdout).toContain('The shorter training diverged, so this one starts from scratch.');
});

it('is noticed if only the validation loss is not finite, and the epochs before count', async () => {
  await loadBackend('cpu');
  const examples = await openExamples(study);
  const model = cnn1([size, size, 3], classes.length, params, 3);
  const optimizer = makeOptimizer(params.optimizer);
  const step = eagerStep(model, optimizer);
  let evaluated = 0;
  const batches = Math.ceil(study.validation.length / 128);
  const fitted = fitModel({
    step: {
      ...step,
      train: step.train.bind(step),
      updateModel: step.updateModel.bind(step),
      // Finite in the first epoch only.
      evaluate: (batch) =>
        evaluated++ < batches ? step.evaluate(batch) : { loss: tf.scalar(Number.NaN), correct: tf.scalar(1) },
    },
    examples,
    train: study.train,
    validation: study.validation,
    batch: 16,
    epochs: 4,
    seed: 3,
    learningRate: 0.01,
  });
  const error: unknown = await fitted.then(
    () => null,
    (reason: unknown) => reason,
  );
  await examples.inputs.close();
  expect(error).toBeInstanceOf(Diverged);
  expect(error).toMatchObject({ epoch: 2, epochs: [{ epoch: 1 }], times: [expect.anything()] });
  expect((error as Diverged).message).toContain('The validation loss is NaN after epoch 2');
});

it('never has the best epoch of an early stopping', () => {
  const stopping = new EarlyStopping({ patience: 2, monitor: 'valLoss' });
  const record = (epoch: number, valLoss: number) => ({
    epoch,
    loss: 1,
    accuracy: 0,
    valLoss,
    valAccuracy: 0,
  });
  stopping.resume([record(1, 0.9), record(2, Number.NaN), record(3, 0.8)], []);
  expect([stopping.best, stopping.stopped]).toEqual([3, false]);
});
