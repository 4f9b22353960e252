// The architectures: their shapes and names, their seeds, and their outputs against networks that Keras builds by itself.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import type { Sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import { layerSeed } from '../../models/layer-seed.ts';
import { blockOfFeatures, vgg16, vgg16Backbone, vgg16Head } from '../../models/vgg16.ts';
import type { CnnParams, Vgg16Params } from '../../params/models.ts';
import { loadBackend } from '../../training/backend.ts';

const optimizer = { name: 'adam', learningRate: 0.001 } as const;
const cnn: CnnParams = { filters: [4, 8], dense: 8, dropout: 0.5, optimizer };
const head: Vgg16Params = { pooling: 'flatten', dense: 8, dropout: 0.5, optimizer };
const caffe = { width: 1 / 16, preprocess: 'caffe', block: 5 } as const;
const frozen = { seed: 1, start: 'glorotUniform', trainable: false } as const;
const builds: Record<string, (seed: number) => Sequential> = {
  cnn1: (seed) => cnn1([32, 32, 3], 4, cnn, seed),
  cnn2: (seed) => cnn2([32, 32, 3], 4, cnn, seed),
  vgg16: (seed) => vgg16([32, 32, 3], 4, caffe, head, { ...frozen, seed }),
};

beforeAll(async () => {
  await loadBackend('cpu');
});

const weightsOf = (model: Sequential) => model.getWeights().map((weight) => [...weight.dataSync()]);

/** The formula of test/fixtures/keras_models.py, in Keras' order: layer by layer. */
function fill(model: Sequential): void {
  let i = 0;
  for (const layer of model.layers) {
    if (layer.name === 'preprocess') continue; // Keras prepares the pictures outside of the network
    layer.setWeights(
      layer.weights.map(({ originalName, shape }) => {
        const sizes = shape as number[];
        const fanIn = Math.max(
          1,
          sizes.slice(0, -1).reduce((n, size) => n * size, 1),
        );
        const positive = /variance|gamma/.test(originalName);
        const scaled = (sine: number) => {
          if (sizes.length > 1) return sine * Math.sqrt(6 / fanIn);
          return positive ? 1 + 0.5 * sine : 0.1 * sine;
        };
        const values = Array.from({ length: tf.util.sizeFromShape(sizes) }, (_, j) =>
          scaled(Math.sin(j * 0.37 + i)),
        );
        i++;
        return tf.tensor(values, sizes, 'float32');
      }),
    );
  }
}

describe.each(Object.keys(builds))('%s', (name) => {
  it('predicts what Keras predicts with the same weights', () => {
    const oracle = JSON.parse(
      readFileSync(new URL('../fixtures/keras_models.json', import.meta.url), 'utf8'),
    );
    const model = builds[name]!(1);
    fill(model);
    const pictures = tf.tensor(
      Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => (i * i * 31 + Math.floor(i / 96) * 7) % 256),
      [2, 32, 32, 3],
    );
    const outputs = (model.predict(pictures) as tf.Tensor).dataSync();
    expect(outputs).toHaveLength(oracle[name].length);
    outputs.forEach((value, i) => {
      expect(Math.abs(value - oracle[name][i])).toBeLessThan(1e-5);
    });
  });

  it('begins with the same weights for the same seed, with others for another, also for seed 0', () => {
    expect(weightsOf(builds[name]!(0))).toEqual(weightsOf(builds[name]!(0)));
    expect(weightsOf(builds[name]!(0))).not.toEqual(weightsOf(builds[name]!(1)));
  });
});

it('gives layers of one shape different weights', () => {
  const model = vgg16Backbone([32, 32, 3], { ...caffe, width: 0.1 }, { ...frozen, start: 'heNormal' });
  const kernels = ['block5_conv1', 'block5_conv2', 'block5_conv3'].map((name) =>
    model.getLayer(name).getWeights()[0]!.dataSync().join(),
  );
  expect(new Set(kernels).size).toBe(3);
});

it('has the layers of the paper, with its numbers of weights', () => {
  const model = vgg16Backbone(
    [224, 224, 3],
    { width: 1, preprocess: 'scale', block: 5 },
    { ...frozen, start: 'zeros' },
  );
  expect(model.layers.map((layer) => layer.name).slice(0, 6)).toEqual([
    'preprocess',
    'block1_conv1',
    'block1_conv2',
    'block1_pool',
    'block2_conv1',
    'block2_conv2',
  ]);
  expect(model.layers).toHaveLength(1 + 13 + 5);
  expect(model.countParams()).toBe(14_714_688); // as Keras counts VGG16 without its top
  expect(model.outputs[0]!.shape).toEqual([null, 7, 7, 512]);
  model.dispose();
});

it('trains the head alone when the convolutions are frozen, with the same weights as the head by itself', () => {
  const whole = builds.vgg16!(3);
  const alone = vgg16Head([1, 1, 32], 4, head, 3);
  expect(whole.trainableWeights.map((weight) => weight.originalName)).toEqual(
    alone.trainableWeights.map((weight) => weight.originalName),
  );
  for (const layer of alone.layers) {
    expect(
      whole
        .getLayer(layer.name)
        .getWeights()
        .map((weight) => weight.dataSync().join()),
    ).toEqual(layer.getWeights().map((weight) => weight.dataSync().join()));
  }
});

describe('blockOfFeatures', () => {
  it.each([1, 2, 3, 4, 5])('tells block %i by its shape', (block) => {
    const model = vgg16Backbone(
      [50, 50, 3],
      { width: 0.1, preprocess: 'scale', block },
      { ...frozen, start: 'zeros' },
    );
    const shape = model.outputs[0]!.shape.slice(1) as [number, number, number];
    expect(blockOfFeatures(50, 0.1, shape)).toBe(block);
  });

  it('knows when the features are of another network', () => {
    expect(blockOfFeatures(50, 0.1, [3, 3, 52])).toBeNull();
    expect(blockOfFeatures(64, 0.1, [3, 3, 51])).toBeNull();
  });
});

describe('refuses what can not be built', () => {
  it.each([
    [() => cnn1([2, 2, 3], 4, cnn, 1), /needs? 4 × 4 pixels or more, not 2 × 2/],
    [() => cnn1([32, 32, 3], 1, cnn, 1), /two or more, not 1/],
    [() => vgg16Backbone([32, 32, 1], caffe, frozen), /3 channels, not 1/],
    [() => vgg16Backbone([16, 16, 3], caffe, frozen), /32 × 32 pixels or more/],
    [() => vgg16Backbone([32, 32, 3], { ...caffe, width: 2 }, frozen), /width 2 is not in/],
    [() => vgg16Backbone([32, 32, 3], { ...caffe, block: 6 }, frozen), /no block 6/],
  ])('%#', (build, message) => {
    expect(build).toThrow(RangeError);
    expect(build).toThrow(message);
  });
});

describe('layerSeed', () => {
  it('is a positive 31-bit integer, another for each name and seed', () => {
    const seeds = [0, 1, 2, 2 ** 31 - 1].flatMap((seed) =>
      Array.from({ length: 200 }, (_, i) => layerSeed(seed, `layer ${i}`)),
    );
    expect(seeds.every((seed) => Number.isInteger(seed) && seed > 0 && seed < 2 ** 31)).toBe(true);
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});
