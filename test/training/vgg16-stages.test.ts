// VGG16's stages on small pictures: backbone, features, the head trained on them, and the whole network that is saved.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Shape3 } from '../../models/layers.ts';
import { vgg16, vgg16Backbone } from '../../models/vgg16.ts';
import schema from '../../params/index.ts';
import { writeCatalog } from '../../pictures/catalog.ts';
import { NpyFile } from '../../pictures/npy.ts';
import { convolutionsOf, readBackbone, setBackboneWeights, writeBackbone } from '../../training/backbone.ts';
import { loadBackend } from '../../training/backend.ts';
import { openInputs } from '../../training/batches.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { fitModel } from '../../training/fit.ts';
import { loadKerasModel, readKerasWeights } from '../../training/keras-h5/read.ts';
import { writeKerasModel } from '../../training/keras-h5/write.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import { loadClassifier } from '../../training/predict.ts';
import { runStage } from '../support/run-stage.ts';
import { openExamples, type Study, writeStudy } from './pictures.ts';

const size = 32;
const seed = 5;
const env = { backend: 'cpu 4.22.0' };
const run = { batch: 16, epochs: 3 };
const params = {
  pooling: 'average',
  dense: 8,
  dropout: 0.5,
  optimizer: { name: 'adam', learningRate: 0.01 },
} as const;
let directory: string;
let study: Study;
const at = (...parts: string[]) => join(directory, ...parts);

beforeAll(async () => {
  await loadBackend('cpu');
  directory = await mkdtemp(join(tmpdir(), 'rodada-vgg16-'));
  study = await writeStudy(at('data'), 40, size);
  const info = { weights: 'pretrain', width: 0.05, preprocess: 'scale', size, label: 'test' } as const;
  const model = vgg16Backbone(
    [size, size, 3],
    { ...info, block: 5 },
    { seed, start: 'heNormal', trainable: false },
  );
  await writeBackbone(at('backbone'), info, model);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs the features and the training stage, which leave `<name>.npy` and the folder `<name>`. */
async function runStages(name: string, fineTune: boolean): Promise<void> {
  const file = at(`${name}.npy`);
  const features = await runStage('stages/features.ts', {
    params: { backbone: { block: 4 }, models: { vgg16: { fineTune } } },
    deps: { pictures: study.pictures, backbone: at('backbone') },
    outs: { features: file },
    env,
  });
  expect(features).toMatchObject({ exitCode: 0, stderr: '' });
  expect(features.progress.at(-1)).toMatchObject({ done: 40, total: 40, unit: 'pictures' });
  const trained = await runStage('stages/train/vgg16.ts', {
    params: { models: { vgg16: { ...params, fineTune } } },
    matrix: { model: 'vgg16', run, seed },
    labels: { model: 'vgg16', run: 'batch16-epochs3' },
    deps: { inputs: file, backbone: at('backbone'), index: study.index, split: study.split },
    outs: {
      model: at(name, 'model.h5'),
      history: at(name, 'history.json'),
      timing: at(name, 'timing.json'),
    },
    env,
  });
  expect(trained).toMatchObject({ exitCode: 0, stderr: '' });
}

describe('train', () => {
  beforeAll(() => runStages('frozen', false));

  it('gives what training through the frozen network gives', async () => {
    const backbone = await readBackbone(at('backbone'));
    const model = vgg16([size, size, 3], 3, convolutionsOf(backbone, 4), params, {
      seed,
      start: 'zeros',
      trainable: false,
    });
    setBackboneWeights(model, backbone);
    const examples = await openExamples(study);
    const step = eagerStep(model, makeOptimizer(params.optimizer));
    const { epochs } = await fitModel({
      step,
      examples,
      train: study.train,
      validation: study.validation,
      ...run,
      seed,
      learningRate: params.optimizer.learningRate,
    });
    await examples.inputs.close();
    const saved = await readKerasWeights(at('frozen', 'model.h5'));
    for (const layer of model.layers) {
      layer.getWeights().forEach((weight, i) => {
        const values = weight.dataSync();
        saved.get(layer.name)![i]!.values.forEach((value, j) => {
          expect(Math.abs(value - values[j]!)).toBeLessThan(1e-5);
        });
      });
    }
    const history = JSON.parse(await readFile(at('frozen', 'history.json'), 'utf8'));
    expect(history).toMatchObject({ model: 'vgg16', run: 'batch16-epochs3' });
    expect(history.epochs).toHaveLength(3);
    expect(history.epochs.at(-1).valLoss).toBeCloseTo(epochs.at(-1)!.valLoss, 4);
  });

  it('is the same classifier on pictures and on features', async () => {
    const onPictures = await loadClassifier(at('frozen', 'model.h5'), study.pictures);
    const onFeatures = await loadClassifier(at('frozen', 'model.h5'), at('frozen.npy'));
    const rows = [3, 0, 39, 17];
    const [whole, head] = [await onPictures.predict(rows), await onFeatures.predict(rows)];
    expect(whole).toHaveLength(rows.length * 3);
    head.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[i]!, 5);
    });
    await onPictures.close();
    await onFeatures.close();
  });

  it('refuses an array that no layer of the model takes', async () => {
    const other = await writeStudy(at('other'), 4, 16);
    await expect(loadClassifier(at('frozen', 'model.h5'), other.pictures)).rejects.toThrow(
      /takes inputs of 32 × 32 × 3; .* has rows of 16 × 16 × 3/,
    );
  });

  it('records how long it took', async () => {
    const timing = JSON.parse(await readFile(at('frozen', 'timing.json'), 'utf8'));
    expect(timing).toEqual({
      model: 'vgg16',
      run: 'batch16-epochs3',
      seed,
      trainSeconds: expect.any(Number),
      epochSeconds: [expect.any(Number), expect.any(Number), expect.any(Number)],
      imagesPerSecond: expect.any(Number),
      backend: expect.stringMatching(/^cpu 4\./),
      threads: 1,
    });
    expect(timing.trainSeconds).toBeGreaterThan(0);
  });
});

describe('fine-tuning', () => {
  beforeAll(() => runStages('tuned', true));

  it('moves the last block from the backbone on, as in the whole network, and no block before it', async () => {
    const backbone = await readBackbone(at('backbone'));
    const model = vgg16([size, size, 3], 3, convolutionsOf(backbone, 4), params, {
      seed,
      start: 'zeros',
      trainable: false,
    });
    setBackboneWeights(model, backbone);
    for (const layer of model.layers) if (layer.name.startsWith('block4_conv')) layer.trainable = true;
    const examples = await openExamples(study);
    const step = eagerStep(model, makeOptimizer(params.optimizer));
    const learningRate = params.optimizer.learningRate;
    const { train, validation } = study;
    await fitModel({ step, examples, train, validation, ...run, seed, learningRate });
    await examples.inputs.close();
    const saved = await readKerasWeights(at('tuned', 'model.h5'));
    for (const layer of model.layers) {
      const start = backbone.weights.get(layer.name);
      layer.getWeights().forEach((weight, i) => {
        const { values } = saved.get(layer.name)![i]!;
        const own = weight.dataSync();
        values.forEach((value, j) => {
          expect(Math.abs(value - own[j]!)).toBeLessThan(1e-5);
        });
        const stayed = start === undefined ? null : start[i]!.values.join() === values.join();
        expect(stayed, layer.name).toBe(start === undefined ? null : !layer.name.startsWith('block4'));
      });
    }
  });

  it('is refused where no block would be left frozen', async () => {
    const all = parse(await readFile('params.yaml', 'utf8'));
    const issuesFor = (block: number) => {
      const { success, error } = schema.safeParse({
        ...all,
        backbone: { ...all.backbone, block },
        models: { ...all.models, vgg16: { ...all.models.vgg16, fineTune: true } },
      });
      return success ? [] : error.issues.map(({ path }) => path.join('.'));
    };
    expect([issuesFor(2), issuesFor(1)]).toEqual([[], ['models.vgg16.fineTune']]);
  });

  it('leaves the same classifier on pictures and on features', async () => {
    const onPictures = await loadClassifier(at('tuned', 'model.h5'), study.pictures);
    const onFeatures = await loadClassifier(at('tuned', 'model.h5'), at('tuned.npy'));
    const [whole, part] = [await onPictures.predict([0, 39]), await onFeatures.predict([0, 39])];
    part.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[i]!, 5);
    });
    await onPictures.close();
    await onFeatures.close();
  });
});

it('features of one picture do not depend on the batch that it is in', async () => {
  const backbone = await readBackbone(at('backbone'));
  const model = vgg16Backbone([size, size, 3], convolutionsOf(backbone, 4), {
    seed,
    start: 'zeros',
    trainable: false,
  });
  setBackboneWeights(model, backbone);
  const pictures = await NpyFile.open(study.pictures, 'uint8');
  const features = await openInputs(at('frozen.npy'));
  const input = tf.tensor(Float32Array.from(await pictures.rows([11])), [1, size, size, 3]);
  const expected = (model.predict(input) as tf.Tensor).dataSync();
  const stored = await (features as NpyFile<'float32'>).rows([11]);
  expect(features.shape.slice(1)).toEqual(model.outputs[0]!.shape.slice(1) as unknown as Shape3);
  stored.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
  await pictures.close();
  await features.close();
});

it('pretrains on the pictures set aside, the same bytes each time', async () => {
  await mkdir(at('raw'), { recursive: true });
  const entries = [];
  for (let i = 0; i < 24; i++) {
    const path = `${i}.png`;
    const background = i % 2 === 0 ? '#c02020' : '#2020c0';
    await writeFile(
      at('raw', path),
      await sharp({ create: { width: 8, height: 8, channels: 3, background } })
        .png()
        .toBuffer(),
    );
    entries.push({ path, class: i % 2 === 0 ? 'red' : 'blue', group: `${i % 6}`, origin: 'test' });
  }
  entries.push({ path: '0.png', class: 'too few', group: 'other', origin: 'test' });
  await writeCatalog(at('aside.jsonl'), entries);
  const pretrain = { width: 0.03, batch: 8, epochs: 2, learningRate: 0.001 };
  const hashes = [];
  for (const name of ['first', 'second']) {
    const result = await runStage('stages/backbone/pretrain.ts', {
      params: { seed, resize: { size, fit: 'contain' }, backbone: { pretrain } },
      deps: { raw: at('raw'), aside: at('aside.jsonl') },
      outs: { backbone: at(name, 'backbone'), report: at(name, 'backbone.json') },
      env,
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    hashes.push(
      createHash('sha256')
        .update(await readFile(at(name, 'backbone', 'backbone.h5')))
        .digest('hex'),
    );
  }
  expect(hashes[0]).toBe(hashes[1]);
  const report = JSON.parse(await readFile(at('first', 'backbone.json'), 'utf8'));
  expect(report).toMatchObject({ classes: 2, label: 'VGG16 × 0.03, pretrained on 2 classes set aside' });
  expect(report.pictures.train + report.pictures.validation).toBe(24);
  expect((await readBackbone(at('first', 'backbone'))).info).toMatchObject({
    weights: 'pretrain',
    width: 0.03,
  });
});

it('draws the same untrained network each time', async () => {
  for (const name of ['drawn', 'again']) {
    const result = await runStage('stages/backbone/random.ts', {
      params: { seed, resize: { size, fit: 'contain' }, backbone: { random: { width: 0.03 } } },
      outs: { backbone: at(name, 'backbone'), report: at(name, 'backbone.json') },
      env,
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  }
  const [drawn, again] = await Promise.all(
    ['drawn', 'again'].map((name) => readBackbone(at(name, 'backbone'))),
  );
  expect(drawn!.info.label).toBe('VGG16 × 0.03, random weights');
  expect(drawn!.weights).toEqual(again!.weights);
  const [kernel] = drawn!.weights.get('block5_conv3')!;
  expect(new Set(kernel!.values).size).toBeGreaterThan(kernel!.values.length / 2);
});

describe('the ImageNet backbone', () => {
  const stageWith = (weights: string, md5: string) =>
    runStage('stages/backbone/imagenet.ts', {
      params: {
        seed,
        resize: { size, fit: 'contain' },
        backbone: { imagenet: { path: weights, url: 'http://127.0.0.1:1/none.h5', md5 } },
      },
      deps: { weights },
      outs: { backbone: at('imagenet', 'backbone'), report: at('imagenet', 'backbone.json') },
      env,
    });

  it('refuses a file with another MD5', async () => {
    const result = await stageWith(at('frozen', 'model.h5'), '0'.repeat(32));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/is not the file that params\.yaml expects: its MD5 is [0-9a-f]{32}/);
  });

  it('takes VGG16 as it is, with the preparation that its weights were trained with', async () => {
    const zeros = { seed, start: 'zeros', trainable: false } as const;
    const full = vgg16Backbone([size, size, 3], { width: 1, preprocess: 'scale', block: 5 }, zeros);
    const weights = at('vgg16.h5');
    await writeKerasModel(full, weights);
    const md5 = createHash('md5')
      .update(await readFile(weights))
      .digest('hex');
    expect(await stageWith(weights, md5)).toMatchObject({ exitCode: 0, stderr: '' });
    const backbone = await readBackbone(at('imagenet', 'backbone'));
    expect(backbone.info).toEqual({
      weights: 'imagenet',
      width: 1,
      preprocess: 'caffe',
      size,
      label: 'ImageNet weights',
    });
    const model = await loadKerasModel(at('imagenet', 'backbone', 'backbone.h5'));
    expect(model.outputs[0]!.shape).toEqual([null, 1, 1, 512]);
  });
});
