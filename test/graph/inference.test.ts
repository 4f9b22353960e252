// Compiled inference gives what the layers give one by one, the same bytes each time, in the features and the predictions too.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vgg16, vgg16Backbone } from '../../models/vgg16.ts';
import { NpyFile } from '../../pictures/npy.ts';
import { readBackbone, writeBackbone } from '../../training/backbone.ts';
import { loadBackend } from '../../training/backend.ts';
import { inputsOf, openInputs } from '../../training/batches.ts';
import { bytesTensor } from '../../training/bytes-tensor.ts';
import { chooseInference } from '../../training/choose-inference.ts';
import { writeFeatures } from '../../training/features.ts';
import { compiledInference } from '../../training/graph/compiled-inference.ts';
import { eagerInference, type Inference, inferenceBatch } from '../../training/inference.ts';
import { writeKerasModel } from '../../training/keras-h5/write.ts';
import { loadClassifier } from '../../training/predict.ts';
import type { InputType } from '../../training/training-step.ts';
import { native } from '../support/native.ts';
import { writeStudy } from '../training/pictures.ts';
import { builders, classes, difference, floats, optimizers, seeded } from './models.ts';

const batch = 6;

const { constant, glorotUniform } = initializers;

/** Layers as only inference takes them. */
const trainedElsewhere = () =>
  sequential({
    name: 'trained_elsewhere',
    layers: [
      layers.rescaling({ scale: 1 / 255, offset: 0, inputShape: [16, 16, 3] }),
      layers.conv2d({
        name: 'conv',
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: glorotUniform({ seed: 1 }),
      }),
      layers.batchNormalization({
        name: 'frozen',
        trainable: false,
        betaInitializer: constant({ value: 0.2 }),
        movingMeanInitializer: constant({ value: 0.1 }),
        movingVarianceInitializer: constant({ value: 2 }),
      }),
      layers.flatten(),
      layers.dropout({ name: 'unseeded', rate: 0.5 }),
      layers.dense({
        name: 'probabilities',
        units: classes,
        activation: 'softmax',
        kernelInitializer: glorotUniform({ seed: 2 }),
      }),
    ],
  });

const convolutions = (width: number) =>
  vgg16Backbone(
    [32, 32, 3],
    { width, preprocess: 'caffe', block: 5 },
    { seed: 20, start: 'heNormal', trainable: false },
  );

const cases: Record<string, { build: () => LayersModel; shape: readonly number[] }> = {
  ...Object.fromEntries(
    Object.entries(builders).map(([name, { build, shape }]) => [name, { build: () => build(0.4), shape }]),
  ),
  "vgg16's convolutions": { build: () => convolutions(0.1), shape: [32, 32, 3] },
  // As many filters as our own convolutions take.
  "vgg16's convolutions, wider": { build: () => convolutions(0.25), shape: [32, 32, 3] },
  'layers as only inference takes them': { build: trainedElsewhere, shape: [16, 16, 3] },
};

function compile(model: LayersModel, inputType: InputType): Inference {
  const compiled = compiledInference(model.layers, inputType);
  if ('reason' in compiled) throw new Error(compiled.reason);
  return compiled.inference;
}

/** Different for each picture. */
const examples = (shape: readonly number[], count = batch) =>
  Uint8Array.from(
    { length: count * tf.util.sizeFromShape([...shape]) },
    (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24,
  );

function outputsOf(inference: Inference, bytes: Uint8Array, shape: readonly number[]): Float32Array {
  const whole = [bytes.length / tf.util.sizeFromShape([...shape]), ...shape];
  const inputs =
    inference.inputType === 'uint8' ? bytesTensor(bytes, whole) : tf.tensor(floats(bytes, shape), whole);
  const outputs = inference.run(inputs);
  const values = outputs.dataSync() as Float32Array;
  tf.dispose([inputs, outputs]);
  return values;
}

describe.runIf(native)('compiled inference (needs native TensorFlow)', () => {
  let directory: string;
  beforeAll(async () => {
    await loadBackend('tensorflow');
    directory = await mkdtemp(join(tmpdir(), 'rodada-inference-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(Object.keys(cases))('%s: the outputs of the layers one by one', (name) => {
    const { build, shape } = cases[name]!;
    const model = seeded(build());
    const bytes = examples(shape);
    const expected = outputsOf(eagerInference(model.layers), bytes, shape);
    expect(new Set(expected).size).toBeGreaterThan(batch);
    const compiled = compile(model, 'float32');
    model.dispose(); // the weights are its own
    const actual = outputsOf(compiled, bytes, shape);
    expect(difference(actual, expected)).toBeLessThan(1e-5);
    expect(outputsOf(compiled, bytes, shape)).toEqual(actual);
    compiled.dispose();
  });

  it('gives the same for bytes and for floats, in every session', () => {
    const { build, shape } = cases["vgg16's convolutions"]!;
    const bytes = examples(shape);
    const results = (['uint8', 'float32', 'uint8'] as const).map((inputType) => {
      const model = build();
      const inference = compile(model, inputType);
      const values = outputsOf(inference, bytes, shape);
      inference.dispose();
      model.dispose();
      return values;
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('passes on what is not a number', () => {
    const model = convolutions(0.25);
    const [kernel, bias] = model.getLayer('block5_conv3').getWeights();
    const without = tf.tidy(() => [kernel!, tf.fill(bias!.shape, Number.NaN)]);
    model.getLayer('block5_conv3').setWeights(without);
    tf.dispose(without[1]!);
    const inference = compile(model, 'uint8');
    const outputs = outputsOf(inference, examples([32, 32, 3]), [32, 32, 3]);
    expect(new Set(outputs)).toEqual(new Set([Number.NaN]));
    inference.dispose();
    model.dispose();
  });

  it('begins at any layer', () => {
    const { build, shape } = cases['vgg16 with frozen convolutions']!;
    const model = build();
    const at = model.layers.findIndex((layer) => layer.getClassName() === 'MaxPooling2D') + 1;
    const [first, rest] = [model.layers.slice(0, at), model.layers.slice(at)].map((part) => {
      const compiled = compiledInference(part);
      if ('reason' in compiled) throw new Error(compiled.reason);
      return compiled.inference;
    }) as [Inference, Inference];
    const x = tf.tensor(floats(examples(shape), shape), [batch, ...shape]);
    const between = first.run(x);
    const [actual, expected] = [rest.run(between), eagerInference(model.layers).run(x)];
    expect(difference(actual.dataSync(), expected.dataSync())).toBeLessThan(1e-5);
    tf.dispose([x, between, actual, expected]);
    first.dispose();
    rest.dispose();
    model.dispose();
  });

  it('leaves no tensors and sessions behind', () => {
    const backend = tf.findBackend('tensorflow') as unknown as {
      getNumOfSavedModels(): number;
      getNumOfTFTensors(): number;
    };
    const count = () => [tf.memory().numTensors, backend.getNumOfSavedModels(), backend.getNumOfTFTensors()];
    const { build, shape } = cases.cnn2!;
    const model = build();
    outputsOf(eagerInference(model.layers), examples(shape), shape); // hands the weights to TensorFlow
    const before = count();
    const inference = compile(model, 'uint8');
    for (let run = 0; run < 3; run++) outputsOf(inference, examples(shape), shape);
    inference.dispose();
    expect(count()).toEqual(before);
    model.dispose();
  });

  it('says why it can not compile, and the layers run one by one then', () => {
    const model = sequential({
      name: 'other',
      layers: [
        layers.flatten({ inputShape: [4, 4, 3] }),
        layers.dense({ units: 8, activation: 'elu', name: 'hidden' }),
      ],
    });
    const reason = 'layer hidden (Dense) has activation "elu"';
    expect(compiledInference(model.layers)).toEqual({ reason });
    const lines: string[] = [];
    const inference = chooseInference(model.name, model.layers, 'uint8', (line) => lines.push(line));
    expect(lines).toEqual([`other runs layer by layer, which takes a little longer: ${reason}.`]);
    expect(inference.inputType).toBe('float32');
    const values = outputsOf(inference, examples([4, 4, 3]), [4, 4, 3]);
    expect(values.length).toBe(batch * 8);
    expect(values.every(Number.isFinite)).toBe(true);
    model.dispose();
  });

  it('runs fewer rows at a time the larger the outputs are', () => {
    const rows = [16, 224, 2000].map((size) => {
      const model = sequential({
        layers: [
          layers.conv2d({ filters: 64, kernelSize: 1, inputShape: [size, size, 3] }),
          layers.globalAveragePooling2d({}),
        ],
      });
      const count = inferenceBatch(model.layers);
      model.dispose();
      return count;
    });
    expect(rows).toEqual([128, 41, 1]);
  });

  it('writes the features of all pictures, the same bytes each time', async () => {
    const [size, count, block] = [16, 150, 3];
    const study = await writeStudy(join(directory, 'features'), count, size);
    const info = { weights: 'imagenet', width: 0.1, preprocess: 'caffe', size, label: 'test' } as const;
    const model = vgg16Backbone(
      [size, size, 3],
      { ...info, block },
      {
        seed: 3,
        start: 'heNormal',
        trainable: false,
      },
    );
    await writeBackbone(join(directory, 'backbone'), info, model);
    const backbone = await readBackbone(join(directory, 'backbone'));
    const pictures = await NpyFile.open(study.pictures, 'uint8');
    const files = ['first.npy', 'second.npy'].map((name) => join(directory, name));
    const done: number[] = [];
    for (const file of files)
      await writeFeatures(pictures, backbone, block, file, (step) => done.push(step.done));
    expect(done).toEqual([128, count, 128, count]);
    expect(await readFile(files[1]!)).toEqual(await readFile(files[0]!));

    const features = await NpyFile.open(files[0]!, 'float32');
    expect(features.length).toBe(count);
    const inputs = await inputsOf(
      pictures,
      Array.from({ length: count }, (_, row) => row),
    );
    const expected = eagerInference(model.layers).run(inputs);
    expect(difference(await features.readAll(), expected.dataSync())).toBeLessThan(1e-5);
    tf.dispose([inputs, expected]);
    await pictures.close();
    await features.close();
    model.dispose();
  });

  it('classifies pictures, and features, as the layers do one by one', async () => {
    const [size, count] = [16, 150];
    const study = await writeStudy(join(directory, 'classifier'), count, size);
    const head = { pooling: 'average', dense: 8, dropout: 0.5, optimizer: optimizers.adam } as const;
    const convolutions = { width: 0.1, preprocess: 'scale', block: 2 } as const;
    const start = { seed: 20, start: 'heNormal', trainable: false } as const;
    const model = vgg16([size, size, 3], classes, convolutions, head, start);
    await writeKerasModel(model, join(directory, 'model.h5'));
    const backbone = vgg16Backbone([size, size, 3], convolutions, start);
    const info = { weights: 'pretrain', width: 0.1, preprocess: 'scale', size, label: 'test' } as const;
    await writeBackbone(join(directory, 'small'), info, backbone);
    const features = join(directory, 'small.npy');
    const pictures = await NpyFile.open(study.pictures, 'uint8');
    await writeFeatures(pictures, await readBackbone(join(directory, 'small')), 2, features);
    await pictures.close();

    const rows = Array.from({ length: count - 1 }, (_, i) => (i * 7 + 3) % count);
    const inputs = await openInputs(study.pictures);
    const batchOf = await inputsOf(inputs, rows);
    const expected = eagerInference(model.layers).run(batchOf);
    await inputs.close();
    for (const file of [study.pictures, features]) {
      const classifier = await loadClassifier(join(directory, 'model.h5'), file);
      const done: number[] = [];
      const actual = await classifier.predict(rows, (rowsDone) => done.push(rowsDone));
      expect(done).toEqual([128, count - 1]);
      expect(difference(actual, expected.dataSync())).toBeLessThan(1e-5);
      expect(await classifier.predict(rows)).toEqual(actual);
      await classifier.close();
    }
    tf.dispose([batchOf, expected]);
    backbone.dispose();
    model.dispose();
  });
});
