// Augmentation, class weights, early stopping, schedules, and the ends that a training may come to.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import schema from '../../params/index.ts';
import type { CnnParams } from '../../params/models.ts';
import type { AugmentationParams } from '../../params/training.ts';
import { apply, augmentation, augments, type Change } from '../../training/augmentation.ts';
import { type BackendName, loadBackend } from '../../training/backend.ts';
import { balancedClassWeights } from '../../training/class-weights.ts';
import { EarlyStopping } from '../../training/early-stopping.ts';
import { fitModel } from '../../training/fit.ts';
import { trainModel } from '../../training/train-model.ts';
import type { TrainingStep } from '../../training/training-step.ts';
import { native } from '../support/native.ts';
import { classes, openExamples, type Study, writeStudy } from './pictures.ts';

const size = 12;
const plain: CnnParams = {
  filters: [3, 4],
  dense: 8,
  dropout: 0.2,
  optimizer: { name: 'adam', learningRate: 0.005 },
};
let directory: string;
let study: Study;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-options-'));
  study = await writeStudy(directory, 60, size);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Trains on the current backend. */
async function trained(params: CnnParams, epochs: number) {
  const examples = await openExamples(study);
  const model = cnn1([size, size, 3], classes.length, params, 3);
  try {
    const split = { ...study, classes };
    const result = await trainModel({
      model,
      params,
      examples,
      split,
      batch: 16,
      epochs,
      seed: 3,
      from: null,
    });
    return { ...result, weights: model.getWeights().map((weight) => [...weight.dataSync()]) };
  } finally {
    model.dispose();
    await examples.inputs.close();
  }
}

describe('augmentation', () => {
  const still: Change = {
    flipX: false,
    flipY: false,
    shiftX: 0,
    shiftY: 0,
    zoomX: 1,
    zoomY: 1,
    brightness: 1,
  };
  const shape = [2, 3, 1] as const;
  const picture = Uint8Array.of(10, 20, 30, 40, 50, 60);
  const changed = (change: Partial<Change>) => {
    const result = new Uint8Array(6);
    apply({ ...still, ...change }, shape, picture, result);
    return [...result];
  };

  it('flips, shifts with the edge continued, zooms about the centre, and brightens', () => {
    expect(changed({})).toEqual([...picture]);
    expect(changed({ flipX: true })).toEqual([30, 20, 10, 60, 50, 40]);
    expect(changed({ flipY: true })).toEqual([40, 50, 60, 10, 20, 30]);
    expect(changed({ shiftX: 1 })).toEqual([20, 30, 30, 50, 60, 60]);
    expect(changed({ shiftY: -1 })).toEqual([10, 20, 30, 10, 20, 30]);
    expect(changed({ shiftX: 0.5 })).toEqual([15, 25, 30, 45, 55, 60]);
    expect(changed({ zoomX: 0.5 })).toEqual([15, 20, 25, 45, 50, 55]);
    expect(changed({ brightness: 5 })).toEqual([50, 100, 150, 200, 250, 255]);
  });

  it('depends on seed, epoch and row alone, not on the batch', () => {
    const params: AugmentationParams = { flip: 'both', shift: 0.3, zoom: 0.2, brightness: 0.3 };
    const two = Uint8Array.of(...picture, ...picture);
    const together = augmentation(params, shape, 5, 1)(two, [7, 9]);
    expect([...together.subarray(6)]).toEqual([...augmentation(params, shape, 5, 1)(picture, [9])]);
    const all = Array.from({ length: 20 }, (_, epoch) =>
      augmentation(params, shape, 5, epoch)(picture, [7]).join(),
    );
    expect(new Set(all).size).toBe(20);
  });

  it('is off where the study had it off, and refused for vgg16', () => {
    expect(augments(undefined)).toBe(false);
    expect(augments({ flip: 'none', shift: 0, zoom: 0, brightness: 0 })).toBe(false);
    const { error } = schema.shape.models.shape.vgg16.safeParse({
      pooling: 'average',
      dense: 8,
      dropout: 0,
      optimizer: plain.optimizer,
      augmentation: { flip: 'none', shift: 0, zoom: 0, brightness: 0 },
    });
    expect(error?.issues[0]?.message).toMatch(/vgg16 trains on features .* cannot be augmented/);
  });
});

it('weighs classes by the inverse of their pictures, 1 on average', () => {
  const labels = Int32Array.of(0, 0, 0, 1, 2, 2, 1, 1);
  expect(balancedClassWeights(labels, [0, 1, 2, 3, 4, 5], 4)).toEqual([0.5, 1.5, 0.75, 1]);
});

describe('early stopping', () => {
  const record = (epoch: number, valLoss: number) => ({
    epoch,
    loss: 0,
    accuracy: 0,
    valLoss,
    valAccuracy: 1 - valLoss,
  });

  it.each([
    'valLoss',
    'valAccuracy',
  ] as const)('stops when %s has not improved for so many epochs', (monitor) => {
    const stopping = new EarlyStopping({ patience: 2, monitor });
    const ends: boolean[] = [];
    [0.9, 0.5, 0.6, 0.4, 0.4, 0.45].forEach((loss, i) => {
      stopping.resume([record(i + 1, loss)], []);
      ends.push(stopping.stopped);
    });
    expect(ends).toEqual([false, false, false, false, false, true]);
    expect(stopping.best).toBe(4);
  });

  it("leaves the best epoch's weights", async () => {
    await loadBackend('cpu');
    // At such a rate the validation soon gets worse.
    const params: CnnParams = { ...plain, optimizer: { name: 'sgd', learningRate: 0.9 } };
    const stopped = await trained({ ...params, earlyStopping: { patience: 2, monitor: 'valLoss' } }, 12);
    const losses = stopped.epochs.map((each) => each.valLoss);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(stopped.best).toBe(best);
    expect(stopped.epochs).toHaveLength(best + 2);
    expect(stopped.weights).toEqual((await trained(params, best)).weights);
  });
});

describe.each<BackendName>(native ? ['cpu', 'tensorflow'] : ['cpu'])('on %s', (backend) => {
  beforeAll(async () => {
    await loadBackend(backend);
  });

  it('stops when it diverges, also where the loss hides it, and names epoch, step and the learning rate of that step', async () => {
    const params: CnnParams = {
      ...plain,
      optimizer: { name: 'sgd', learningRate: 1e25 },
      schedule: { kind: 'exponential', rate: 0.1, epochs: 1, staircase: true },
    };
    await expect(trained(params, 4)).rejects.toThrow(
      /^(The loss is (NaN|-?Infinity) in epoch 1, step [23]|Weights of \S+ are no longer finite after epoch 1, step 3), at learning rate 1e\+25: the training diverged/,
    );
  });

  it('each option trains, and gives other weights', async () => {
    const options: Partial<CnnParams>[] = [
      {},
      { schedule: { kind: 'cosine', final: 0.1 } },
      { l2: 0.01 },
      { labelSmoothing: 0.1 },
      { augmentation: { flip: 'horizontal', shift: 0, zoom: 0, brightness: 0 } },
    ];
    const weights = new Set<string>();
    for (const option of options) weights.add((await trained({ ...plain, ...option }, 1)).weights.join());
    expect(weights.size).toBe(options.length);
  });
});

it('names the batch size to try when memory is out', async () => {
  await loadBackend(native ? 'tensorflow' : 'wasm');
  const examples = await openExamples(study);
  const step: TrainingStep = {
    inputType: 'float32',
    train() {
      const all = tf.fill([2 ** 22, 2 ** 22], 1); // 64 TiB
      return { loss: tf.sum(all), correct: tf.sum(all) };
    },
    evaluate: () => expect.fail('not reached'),
    updateModel: async () => {},
    dispose() {},
  };
  const options = { step, examples, train: study.train, validation: study.validation, epochs: 1, seed: 1 };
  await expect(fitModel({ ...options, batch: 16, learningRate: 0.1 })).rejects.toThrow(
    /^Memory does not suffice for a training step of 16 pictures\. Try a batch of 8 in params\.yaml\./,
  );
  await examples.inputs.close();
});
