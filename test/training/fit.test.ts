// The training loop learns, repeats itself to the byte, leaks nothing and stops when it diverges.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../engine/stage.ts';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import type { CnnParams } from '../../params/models.ts';
import { NpyFile } from '../../pictures/npy.ts';
import { loadBackend } from '../../training/backend.ts';
import { batches } from '../../training/batches.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { evaluate, type FitResult, fitModel } from '../../training/fit.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import type { Batch, TrainingStep } from '../../training/training-step.ts';
import { classes, openExamples, type Study, writeStudy } from './pictures.ts';

const size = 12;
const params: CnnParams = {
  filters: [4, 8],
  dense: 16,
  dropout: 0.25,
  optimizer: { name: 'nadam', learningRate: 0.005 },
};
let directory: string;
let study: Study;

beforeAll(async () => {
  await loadBackend('cpu');
  directory = await mkdtemp(join(tmpdir(), 'rodada-fit-'));
  study = await writeStudy(directory, 88, size);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Trains and gives back the weights' values as well. */
async function trained(
  options: {
    build?: typeof cnn1;
    seed?: number;
    epochs?: number;
    learningRate?: number;
    progress?: (update: Progress) => void;
  } = {},
): Promise<FitResult & { weights: number[][] }> {
  const { build = cnn1, seed = 1, epochs = 2, learningRate = params.optimizer.learningRate } = options;
  const examples = await openExamples(study);
  const model = build([size, size, 3], classes.length, params, seed);
  const optimizer = makeOptimizer({ name: 'nadam', learningRate });
  const step = eagerStep(model, optimizer);
  try {
    const result = await fitModel({
      step,
      examples,
      train: study.train,
      validation: study.validation,
      batch: 16,
      epochs,
      seed,
      learningRate,
      ...(options.progress === undefined ? {} : { progress: options.progress }),
    });
    return { ...result, weights: valuesOf(model) };
  } finally {
    step.dispose();
    optimizer.dispose();
    model.dispose();
    await examples.inputs.close();
  }
}

const valuesOf = (model: LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);

describe.each([
  ['cnn1', cnn1],
  ['cnn2', cnn2],
] as const)('%s', (_, build) => {
  it('learns to tell shapes apart', async () => {
    const { epochs } = await trained({ build, epochs: 12 });
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 2);
    expect(epochs.at(-1)!.valAccuracy).toBeGreaterThan(0.8);
  });

  it('gives the same weights and figures for the same seed, and others for another', async () => {
    const first = await trained({ build });
    const again = await trained({ build });
    expect(again.weights).toEqual(first.weights);
    expect(again.epochs).toEqual(first.epochs);
    const other = await trained({ build, seed: 2 });
    expect(other.weights).not.toEqual(first.weights);
  });
});

it('leaves no tensors behind', async () => {
  await trained({ epochs: 1 }); // what is made once and kept
  const before = tf.memory().numTensors;
  await trained({ epochs: 1 });
  await trained({ epochs: 3, build: cnn2 });
  expect(tf.memory().numTensors).toBe(before);
});

it('stops at a loss that is not finite, and says where', async () => {
  await expect(trained({ learningRate: 1e30 })).rejects.toThrow(
    /^The loss is (NaN|-?Infinity) in epoch 1, step \d+, at learning rate 1e\+30/,
  );
});

it('reports each step with epoch, loss and accuracy', async () => {
  const updates: Progress[] = [];
  await trained({ epochs: 2, progress: (update) => updates.push(update) });
  const steps = 2 * Math.ceil(study.train.length / 16);
  expect(updates.map((update) => update.done)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(updates.at(-1)).toMatchObject({ total: steps, unit: 'steps' });
  expect(updates.at(-1)!.message).toMatch(/^epoch 2\/2, loss/);
});

it('counts each picture once: accuracy is a share of all validation pictures', async () => {
  const { epochs } = await trained({ epochs: 1 });
  expect(epochs[0]!.valAccuracy * study.validation.length).toBeCloseTo(
    Math.round(epochs[0]!.valAccuracy * study.validation.length),
    4,
  );
});

describe('batches', () => {
  it('gives every row in order, bytes as 0 … 255, the last batch smaller', async () => {
    const examples = await openExamples(study);
    const rows = [5, 3, 80, 1, 2];
    const pixels: number[] = [];
    const labels: number[] = [];
    const sizes: number[] = [];
    for await (const batch of batches(examples, rows, 2)) {
      sizes.push(batch.inputs.shape[0]!);
      pixels.push(...batch.inputs.dataSync());
      labels.push(...batch.labels.dataSync());
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(labels).toEqual(rows.map((row) => row % 3));
    expect(pixels).toEqual([...(await examples.inputs.rows(rows))]);
    await examples.inputs.close();
  });

  it('frees what it read ahead when it is left early', async () => {
    const examples = await openExamples(study);
    const before = tf.memory().numTensors;
    for await (const _ of batches(examples, study.train, 4)) break;
    expect(tf.memory().numTensors).toBe(before);
    await examples.inputs.close();
  });
});

it.each([
  [12, [128, 128, 44]],
  [224, [33, 33, 33, 33, 33, 33, 33, 33, 33, 3]],
])('validates pictures of %i pixels in batches that fit beside a training', async (pixels, expected) => {
  const { pictures } = await writeStudy(join(directory, `pixels-${pixels}`), 4, pixels);
  const inputs = await NpyFile.open(pictures, 'uint8');
  const sizes: number[] = [];
  const step = {
    inputType: 'float32',
    evaluate(batch: Batch) {
      sizes.push(batch.inputs.shape[0]!);
      return { loss: tf.scalar(1), correct: tf.scalar(batch.inputs.shape[0]!) };
    },
  } as unknown as TrainingStep;
  const rows = Array.from({ length: 300 }, (_, i) => i % 4);
  const result = await evaluate(step, { inputs, labels: new Int32Array(4) }, rows);
  await inputs.close();
  expect(sizes).toEqual(expected);
  expect(result).toEqual({ loss: 1, accuracy: 1 });
});
