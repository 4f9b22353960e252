// Small models of every layer that graphs are written for, and what the tests of compiled models compare with.
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import { SeededDropout } from '../../models/seeded-dropout.ts';
import { vgg16, vgg16Head, vgg16Pretraining } from '../../models/vgg16.ts';
import type { OptimizerParams } from '../../params/models.ts';

export const classes = 3;
export const optimizers = {
  sgd: { name: 'sgd', learningRate: 0.01 },
  momentum: { name: 'sgd', learningRate: 0.01, momentum: 0.9 },
  rmsprop: { name: 'rmsprop', learningRate: 0.001 },
  adam: { name: 'adam', learningRate: 0.001 },
  nadam: { name: 'nadam', learningRate: 0.001 },
} as const satisfies Record<string, OptimizerParams>;

/** @param dropout share that is dropped */
export type Build = (dropout: number) => LayersModel;
const cnn = (dropout: number, optimizer: OptimizerParams, filters = [6, 8]) => ({
  filters,
  dense: 16,
  dropout,
  optimizer,
});
const convolutions = { width: 0.1, block: 2 } as const;
const head = (dropout: number) => ({
  pooling: 'average' as const,
  dense: 16,
  dropout,
  optimizer: optimizers.adam,
});

/** Layers that the study's models have only in one form. */
const varied: Build = (dropout) =>
  sequential({
    name: 'varied',
    layers: [
      layers.rescaling({ scale: 1 / 127.5, offset: -1, inputShape: [16, 16, 3] }),
      layers.conv2d({
        name: 'first',
        filters: 5,
        kernelSize: [5, 3],
        strides: 2,
        padding: 'same',
        activation: 'relu',
      }),
      layers.batchNormalization({ name: 'normalized', momentum: 0.8, epsilon: 0.01 }),
      layers.conv2d({ name: 'second', filters: 7, kernelSize: 2, padding: 'valid', useBias: false }),
      layers.activation({ activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.conv2d({
        filters: 6,
        kernelSize: 3,
        strides: [2, 1],
        padding: 'valid',
        trainable: false,
        name: 'frozen',
      }),
      new SeededDropout({ name: 'dropped', rate: dropout, seed: 5 }),
      layers.globalAveragePooling2d({}),
      layers.dense({ name: 'dense', units: 9, useBias: false, activation: 'relu' }),
      layers.dense({ name: 'logits', units: classes }),
      layers.activation({ activation: 'softmax' }),
    ],
  });

/** Makes a model, seeded; `shape` is of what it takes. */
export const builders: Record<string, { build: Build; shape: number[] }> = {
  cnn1: {
    build: (dropout) => cnn1([16, 16, 3], classes, cnn(dropout, optimizers.adam), 20),
    shape: [16, 16, 3],
  },
  cnn2: {
    build: (dropout) => cnn2([16, 16, 3], classes, cnn(dropout, optimizers.adam), 20),
    shape: [16, 16, 3],
  },
  // As many filters as our own kernels take. From these weights no two values of a window come so close in 20 steps that
  // rounding decides which is the larger.
  'wide cnn1': {
    build: (dropout) => cnn1([16, 16, 3], classes, cnn(dropout, optimizers.nadam, [16, 32]), 24),
    shape: [16, 16, 3],
  },
  'wide cnn2': {
    build: (dropout) => cnn2([8, 8, 3], classes, cnn(dropout, optimizers.adam, [16, 32]), 24),
    shape: [8, 8, 3],
  },
  "vgg16's head": {
    build: (dropout) => vgg16Head([4, 4, 10], classes, head(dropout), 20),
    shape: [4, 4, 10],
  },
  'vgg16 with frozen convolutions': {
    build: (dropout) =>
      vgg16([16, 16, 3], classes, { ...convolutions, preprocess: 'caffe' }, head(dropout), {
        seed: 20,
        start: 'heNormal',
        trainable: false,
      }),
    shape: [16, 16, 3],
  },
  pretraining: {
    build: () => vgg16Pretraining([16, 16, 3], classes, { ...convolutions, preprocess: 'scale' }, 20),
    shape: [16, 16, 3],
  },
  varied: { build: varied, shape: [16, 16, 3] },
};

/** Pictures as they are; features, which no layer rescales, in 0 … 1. */
export const floats = (bytes: Uint8Array, shape: readonly number[]) =>
  Float32Array.from(bytes, (byte) => (shape[2] === 3 ? byte : byte / 255));

/** Gives weights without a seed (those of `varied`) fixed values. */
export function seeded(model: LayersModel): LayersModel {
  if (model.name === 'varied') {
    tf.tidy(() =>
      model.layers.forEach((layer, i) => {
        const isNormalization = layer.getClassName() === 'BatchNormalization';
        if (isNormalization) return;
        layer.setWeights(
          layer.getWeights().map((w, j) => tf.randomNormal(w.shape, 0, 0.2, 'float32', 1 + i * 10 + j)),
        );
      }),
    );
  }
  return model;
}

/** The largest difference, relative to the largest of the expected numbers. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs));
  const off = Math.max(...Array.from(expected, (value, i) => Math.abs(value - actual[i]!)));
  return scale === 0 ? off : off / scale;
}
