// Models survive the way through a Keras .h5 file, and what is wrong with a file is said in words.
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { File, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import { vgg16, vgg16Backbone } from '../../models/vgg16.ts';
import type { CnnParams } from '../../params/models.ts';
import { loadBackend } from '../../training/backend.ts';
import { loadKerasModel, readKerasWeights, setKerasWeights } from '../../training/keras-h5/read.ts';
import { writeKerasModel } from '../../training/keras-h5/write.ts';

const optimizer = { name: 'adam', learningRate: 0.001 } as const;
const cnn: CnnParams = { filters: [3, 5], dense: 6, dropout: 0.5, optimizer };
const convolutions = { width: 0.03, preprocess: 'caffe', block: 5 } as const;
const frozen = { seed: 3, start: 'heNormal', trainable: false } as const;
const builds: Record<string, () => Sequential> = {
  cnn1: () => cnn1([32, 32, 3], 4, cnn, 1),
  cnn2: () => cnn2([32, 32, 3], 4, cnn, 1),
  vgg16: () =>
    vgg16([32, 32, 3], 4, convolutions, { pooling: 'average', dense: 8, dropout: 0.5, optimizer }, frozen),
};
let directory: string;
let file: string;

beforeAll(async () => {
  await loadBackend('cpu');
  directory = await mkdtemp(join(tmpdir(), 'rodada-h5-'));
  file = join(directory, 'whole.h5');
  await writeKerasModel(builds.cnn1!(), file);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const pictures = () =>
  tf.tensor(
    Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => (i * 7919) % 256),
    [2, 32, 32, 3],
  );

describe.each(Object.keys(builds))('%s', (name) => {
  it('is read back with the same predictions, names and shapes', async () => {
    const model = builds[name]!();
    const path = join(directory, `${name}.h5`);
    await writeKerasModel(model, path);
    const loaded = await loadKerasModel(path);
    // The input is a layer of its own in Keras' files.
    const [input, ...others] = loaded.layers.map(({ name, outputShape }) => ({ name, outputShape }));
    expect(input).toEqual({ name: 'pictures', outputShape: [null, 32, 32, 3] });
    expect(others).toEqual(model.layers.map(({ name, outputShape }) => ({ name, outputShape })));
    const outputs = (of: typeof loaded) => [...(of.predict(pictures()) as tf.Tensor).dataSync()];
    expect(outputs(loaded)).toEqual(outputs(model));
  });

  it('has the same bytes whenever it is written', async () => {
    const model = builds[name]!();
    const [first, second] = [join(directory, 'first.h5'), join(directory, 'second.h5')];
    await writeKerasModel(model, first);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 stamps whole seconds
    await writeKerasModel(model, second);
    expect((await readFile(first)).equals(await readFile(second))).toBe(true);
  });
});

describe('weights of Keras applications', () => {
  /** In the layout of vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5: the layers at the root, Keras 1's names. */
  async function writeApplicationsFile(path: string, like: Sequential): Promise<void> {
    await ready;
    const h5 = new File(path, 'w');
    h5.create_attribute(
      'layer_names',
      like.layers.map((layer) => layer.name),
    );
    for (const layer of like.layers) {
      const group = h5.create_group(layer.name);
      const names = layer.weights.map((_, i) => `${layer.name}_${'Wb'[i]}_1:0`);
      if (names.length === 0) group.create_attribute('weight_names', new Float64Array(0));
      else group.create_attribute('weight_names', names);
      layer.getWeights().forEach((weight, i) => {
        group.create_dataset({
          name: names[i]!,
          data: weight.dataSync() as Float32Array,
          shape: weight.shape,
        });
      });
    }
    h5.close();
  }

  it('are taken over by layer name, and the first layer keeps its constants', async () => {
    const original = vgg16Backbone([32, 32, 3], { ...convolutions, preprocess: 'scale' }, frozen);
    const path = join(directory, 'notop.h5');
    await writeApplicationsFile(path, original);
    const model = vgg16Backbone([32, 32, 3], convolutions, { ...frozen, start: 'zeros' });
    setKerasWeights(model, await readKerasWeights(path), path, new Set(['preprocess']));
    const kernel = (of: Sequential) => [...of.getLayer('block5_conv3').getWeights()[0]!.dataSync()];
    expect(kernel(model)).toEqual(kernel(original));
    expect([...model.getLayer('preprocess').getWeights()[1]!.dataSync()]).toEqual([
      ...Float32Array.of(-103.939, -116.779, -123.68),
    ]);
  });
});

describe('says what is wrong', () => {
  const damaged = (name: string) => join(directory, name);

  it.each([
    ['a missing file', 'absent.h5', async () => {}, /^There is no file .*absent\.h5/],
    [
      'another kind of file',
      'text.h5',
      () => writeFile(damaged('text.h5'), 'This is no HDF5 file.'),
      /can't be read as HDF5 \(Not an HDF5 file\)/,
    ],
    ['an empty file', 'empty.h5', () => writeFile(damaged('empty.h5'), ''), /can't be read as HDF5/],
    [
      'a truncated file',
      'short.h5',
      async () => {
        await copyFile(file, damaged('short.h5'));
        await truncate(damaged('short.h5'), 5000);
      },
      /can't be read as HDF5 \(File has been truncated\)/,
    ],
    [
      'HDF5 that Keras did not write',
      'other.h5',
      async () => {
        await ready;
        const h5 = new File(damaged('other.h5'), 'w');
        h5.create_dataset({ name: 'measurements', data: Float32Array.of(1, 2, 3) });
        h5.close();
      },
      /no Keras file: it has no list of layers|it has no "model_config"/,
    ],
    [
      'a weight that is not a number',
      'nan.h5',
      async () => {
        const model = builds.cnn1!();
        const layer = model.getLayer('logits');
        layer.setWeights(layer.getWeights().map((weight) => tf.mul(weight, Number.NaN)));
        await writeKerasModel(model, damaged('nan.h5'));
      },
      /holds values in "logits\/kernel:0" that are no finite numbers/,
    ],
  ] as const)('%s', async (_, name, make, message) => {
    await make();
    for (const read of [loadKerasModel, readKerasWeights]) {
      const error = await read(damaged(name)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).message).toMatch(message);
    }
  });

  it('weights of another shape, and layers that are missing', async () => {
    const weights = await readKerasWeights(file);
    const wider = cnn1([32, 32, 3], 4, { ...cnn, filters: [3, 7] }, 1);
    expect(() => setKerasWeights(wider, weights, 'model.h5')).toThrow(
      'In model.h5 the weights of layer "block2_conv" are 3 × 3 × 3 × 5, 5, but cnn1 needs 3 × 3 × 3 × 7, 7.',
    );
    const other = sequential({ layers: [layers.dense({ name: 'surplus', units: 1, inputShape: [2] })] });
    expect(() => setKerasWeights(other, weights, 'model.h5')).toThrow(/^model\.h5 has no layer "surplus"/);
  });
});
