// The compiled training step does what the eager one does, repeats itself to the byte, and leaves nothing behind.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OptimizerParams } from '../../params/models.ts';
import { loadBackend } from '../../training/backend.ts';
import { bytesTensor } from '../../training/bytes-tensor.ts';
import { chooseStep } from '../../training/choose-step.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { compiledStep } from '../../training/graph/compiled-step.ts';
import type { GraphOptions } from '../../training/graph/training-graph.ts';
import { makeOptimizer, type Optimizer } from '../../training/optimizers/index.ts';
import type { TrainingStep } from '../../training/training-step.ts';
import { native } from '../support/native.ts';
import { type Build, builders, classes, difference, floats, optimizers, seeded } from './models.ts';

const batch = 12;
const steps = 20;
/** A batch of bytes that differs from step to step, and labels that depend on them. */
function exampleBytes(step: number, shape: readonly number[]): { bytes: Uint8Array; labels: Int32Array } {
  const labels = Int32Array.from({ length: batch }, (_, row) => (row * 7 + step) % classes);
  const size = shape.reduce((a, b) => a * b);
  const bytes = Uint8Array.from({ length: batch * size }, (_, i) => {
    const noise = Math.imul(i + 1 + step * 7919, 0x9e3779b1) >>> 26;
    return labels[Math.floor(i / size)]! * 60 + noise;
  });
  return { bytes, labels };
}

function train(step: TrainingStep, shape: readonly number[], from: number, to: number): number[] {
  const figures: number[] = [];
  for (let done = from; done < to; done++) {
    const { bytes, labels: values } = exampleBytes(done, shape);
    const inputs =
      step.inputType === 'uint8'
        ? bytesTensor(bytes, [batch, ...shape])
        : tf.tensor(floats(bytes, shape), [batch, ...shape]);
    const labels = tf.tensor1d(values, 'int32');
    const results = [step.train({ inputs, labels }, done), step.evaluate({ inputs, labels })];
    for (const { loss, correct } of results) {
      figures.push(loss.dataSync()[0]!, correct.dataSync()[0]!);
      tf.dispose([loss, correct]);
    }
    tf.dispose([inputs, labels]);
  }
  return figures;
}

async function compile(
  model: LayersModel,
  optimizer: Optimizer,
  options?: GraphOptions,
): Promise<TrainingStep> {
  const compiled = await compiledStep(model, optimizer, options);
  if ('reason' in compiled) throw new Error(compiled.reason);
  return compiled.step;
}

/** Weights, the optimizer's slots and the figures of each step, all as plain numbers. */
interface Outcome {
  readonly weights: Record<string, Float32Array>;
  readonly slots: Float32Array[];
  readonly figures: number[];
}

async function outcome(
  { build, shape }: { build: Build; shape: readonly number[] },
  params: OptimizerParams,
  dropout: number,
  make: (model: LayersModel, optimizer: Optimizer) => TrainingStep | Promise<TrainingStep>,
): Promise<Outcome> {
  const model = seeded(build(dropout));
  const optimizer = makeOptimizer(params);
  const step = await make(model, optimizer);
  const figures = train(step, shape, 0, steps);
  await step.updateModel();
  const weights = Object.fromEntries(
    model.weights.map((each) => [each.originalName, each.read().dataSync() as Float32Array]),
  );
  const [count, ...slots] = await optimizer.getWeights();
  expect(count!.tensor.dataSync()[0]).toBe(steps);
  count!.tensor.dispose();
  const values = slots.map(({ tensor }) => tensor.dataSync() as Float32Array);
  step.dispose();
  optimizer.dispose();
  model.dispose();
  return { weights, slots: values, figures };
}

/** Node's memory, once the turn of the event loop is over that still sees a WeakRef's target. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate();
    collect();
  }
}

describe.runIf(native)('compiled step (needs native TensorFlow)', () => {
  beforeAll(async () => {
    await loadBackend('tensorflow');
  });

  const cases = [
    ...Object.keys(optimizers).map((optimizer) => ({ name: 'cnn1', optimizer })),
    ...Object.keys(optimizers).flatMap((optimizer) =>
      ['wide cnn1', 'wide cnn2'].map((name) => ({ name, optimizer })),
    ),
    { name: 'cnn2', optimizer: 'adam' },
    { name: 'cnn2', optimizer: 'nadam' },
    ...["vgg16's head", 'vgg16 with frozen convolutions', 'pretraining', 'varied'].map((name) => ({
      name,
      optimizer: 'adam',
    })),
  ].flatMap((each) => [0, 0.4].map((dropout) => ({ ...each, dropout })));

  it.each(cases)('$name, $optimizer, dropout $dropout: the weights of the eager step', async (each) => {
    const builder = builders[each.name]!;
    const params = optimizers[each.optimizer as keyof typeof optimizers];
    const expected = await outcome(builder, params, each.dropout, eagerStep);
    const actual = await outcome(builder, params, each.dropout, (...args) => compile(...args));
    expect(Object.keys(actual.weights)).toEqual(Object.keys(expected.weights));
    for (const [name, weight] of Object.entries(expected.weights)) {
      expect(difference(actual.weights[name]!, weight), name).toBeLessThan(1e-5);
    }
    // Early on Adam's second moments differ by 1.3e-5: TensorFlow's kernel takes 1 - 0.999 in float32.
    expect(actual.slots.length).toBe(expected.slots.length);
    for (const [i, slot] of expected.slots.entries()) {
      expect(difference(actual.slots[i]!, slot)).toBeLessThan(2e-5);
    }
    expect(difference(actual.figures, expected.figures)).toBeLessThan(1e-5);
  });

  it('takes bytes, and gives the same bytes of weights again', async () => {
    for (const builder of [builders['wide cnn1']!, builders.cnn2!]) {
      const run = (inputType: GraphOptions['inputType']) =>
        outcome(builder, optimizers.nadam, 0.4, (...args) => compile(...args, { inputType }));
      const first = await run('uint8');
      expect(await run('uint8')).toEqual(first);
      expect(await run('float32')).toEqual(first);
    }
  });

  it('keeps models apart that train at the same time', async () => {
    const { build, shape } = builders.cnn2!;
    const make = async () => {
      const model = build(0.4);
      const optimizer = makeOptimizer(optimizers.adam);
      return { model, optimizer, step: await compile(model, optimizer) };
    };
    const alone = await make();
    const expected = train(alone.step, shape, 0, 6);
    const [a, b] = [await make(), await make()];
    const first = [...train(a.step, shape, 0, 2)];
    train(b.step, shape, 3, 9);
    b.step.dispose();
    first.push(...train(a.step, shape, 2, 6));
    expect(first).toEqual(expected);
    for (const { model, optimizer } of [alone, a, b]) {
      optimizer.dispose();
      model.dispose();
    }
    alone.step.dispose();
    a.step.dispose();
  });

  it.each([
    'momentum',
    'rmsprop',
    'adam',
    'nadam',
  ] as const)('%s continues from weights and optimizer state as if it had not stopped', async (name) => {
    const { build, shape } = builders.cnn2!;
    const straight = { model: build(0.4), optimizer: makeOptimizer(optimizers[name]) };
    const whole = await compile(straight.model, straight.optimizer);
    train(whole, shape, 0, steps);
    await whole.updateModel();
    const stopped = { model: build(0.4), optimizer: makeOptimizer(optimizers[name]) };
    for (const [from, to] of [
      [0, 7],
      [7, steps],
    ] as const) {
      const part = await compile(stopped.model, stopped.optimizer);
      train(part, shape, from, to);
      await part.updateModel();
      part.dispose();
    }
    const values = ({ model }: { model: LayersModel }) => model.getWeights().map((w) => w.dataSync());
    expect(values(stopped)).toEqual(values(straight));
    whole.dispose();
    for (const { model, optimizer } of [straight, stopped]) {
      optimizer.dispose();
      model.dispose();
    }
  });

  it('goes on after the model was read, and follows the learning rate', async () => {
    const { build, shape } = builders.cnn1!;
    const run = async (make: (...args: [LayersModel, Optimizer]) => TrainingStep | Promise<TrainingStep>) => {
      const model = build(0);
      const optimizer = makeOptimizer(optimizers.momentum);
      const step = await make(model, optimizer);
      const losses: number[] = [];
      for (let done = 0; done < 6; done++) {
        optimizer.learningRate = 0.01 / (done + 1);
        losses.push(...train(step, shape, done, done + 1));
        await step.updateModel();
      }
      const weights = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
      step.dispose();
      optimizer.dispose();
      model.dispose();
      return [...losses, ...weights];
    };
    expect(difference(await run((...args) => compile(...args)), await run(eagerStep))).toBeLessThan(1e-6);
  });

  it('weighs classes and smooths labels as the formulas say', async () => {
    const options: GraphOptions & { classWeights: number[] } = {
      inputType: 'float32',
      labelSmoothing: 0.1,
      classWeights: [0.5, 1, 3],
    };
    const { build, shape } = builders["vgg16's head"]!;
    const [model, reference] = [build(0), build(0)];
    const optimizer = makeOptimizer(optimizers.sgd);
    const step = await compile(model, optimizer, options);
    const weights = reference.trainableWeights.map((weight) => weight.read() as tf.Variable);
    for (let done = 0; done < 5; done++) {
      const { bytes, labels } = exampleBytes(done, shape);
      const x = tf.tensor(floats(bytes, shape), [batch, ...shape]);
      const y = tf.tensor1d(labels, 'int32');
      const { loss, correct } = step.train({ inputs: x, labels: y }, done);
      const { value, grads } = tf.variableGrads(() => {
        const p = reference.layers.reduce((a, layer) => layer.apply(a, {}) as tf.Tensor, x as tf.Tensor);
        const target = tf.add(tf.mul(tf.oneHot(y, classes), 0.9), 0.1 / classes);
        const each = tf.neg(tf.sum(tf.mul(target, tf.log(p)), 1));
        return tf.mean(tf.mul(each, tf.gather(tf.tensor1d(options.classWeights), y))) as tf.Scalar;
      }, weights);
      for (const weight of weights) {
        tf.tidy(() =>
          weight.assign(tf.sub(weight, tf.mul(grads[weight.name]!, optimizers.sgd.learningRate))),
        );
      }
      expect(difference(loss.dataSync(), value.dataSync())).toBeLessThan(1e-5);
      tf.dispose([x, y, loss, correct, value, grads]);
    }
    await step.updateModel();
    reference.getWeights().forEach((weight, i) => {
      expect(difference(model.getWeights()[i]!.dataSync(), weight.dataSync())).toBeLessThan(1e-5);
    });
    step.dispose();
    optimizer.dispose();
    model.dispose();
    reference.dispose();
  });

  it('leaves no tensors, sessions or folders behind', async () => {
    const sessions = tf.findBackend('tensorflow') as unknown as {
      getNumOfSavedModels(): number;
      getNumOfTFTensors(): number;
    };
    const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('rodada-graph-')).length;
    await outcome(builders.cnn2!, optimizers.nadam, 0.4, (...args) => compile(...args));
    const before = [
      tf.memory().numTensors,
      sessions.getNumOfSavedModels(),
      sessions.getNumOfTFTensors(),
      folders(),
    ];
    await outcome(builders.cnn2!, optimizers.nadam, 0.4, (...args) =>
      compile(...args, { inputType: 'uint8' }),
    );
    expect([
      tf.memory().numTensors,
      sessions.getNumOfSavedModels(),
      sessions.getNumOfTFTensors(),
      folders(),
    ]).toEqual(before);
  });

  it("holds on to no memory of Node's, which TensorFlow's threads must not give back", async () => {
    const { build } = builders.cnn2!;
    const model = build(0.4);
    const fed = model.weights.map((weight) => {
      const values = Float32Array.from(
        { length: tf.util.sizeFromShape(weight.shape as number[]) },
        Math.random,
      );
      const tensor = tf.tensor(values, weight.shape as number[]);
      weight.write(tensor);
      tensor.dispose();
      return new WeakRef(values);
    });
    const optimizer = makeOptimizer(optimizers.adam);
    const step = await compile(model, optimizer);
    model.dispose();
    await collectGarbage();
    expect(fed.filter((values) => values.deref() !== undefined)).toEqual([]);
    step.dispose();
    optimizer.dispose();
  });

  it('does not grow over 500 steps', async () => {
    const { build, shape } = builders.cnn1!;
    const model = build(0.4);
    const optimizer = makeOptimizer(optimizers.adam);
    const step = await compile(model, optimizer, { inputType: 'uint8' });
    train(step, shape, 0, 100);
    const before = process.memoryUsage().rss;
    train(step, shape, 100, 600);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(48);
    step.dispose();
    optimizer.dispose();
    model.dispose();
  });

  it('says why it can not compile, and the eager step trains then', async () => {
    const model = sequential({
      name: 'other',
      layers: [
        layers.flatten({ inputShape: [4, 4, 3] }),
        layers.dense({ units: 8, activation: 'elu', name: 'hidden' }),
        layers.dense({ units: classes }),
        layers.activation({ activation: 'softmax' }),
      ],
    });
    const optimizer = makeOptimizer(optimizers.adam);
    const reason = 'layer hidden (Dense) has activation "elu"';
    expect(await compiledStep(model, optimizer)).toEqual({ reason });
    const lines: string[] = [];
    const step = await chooseStep(model, optimizer, 'uint8', (line) => lines.push(line));
    expect(lines).toEqual([expect.stringContaining(reason)]);
    expect(step.inputType).toBe('float32');
    expect(train(step, [4, 4, 3], 0, 2).every(Number.isFinite)).toBe(true);
    step.dispose();
    optimizer.dispose();
    model.dispose();
  });

  it('does not take a dense layer that ends in a softmax for the softmax alone', async () => {
    const model = sequential({
      name: 'joined',
      layers: [layers.dense({ inputShape: [4], units: classes, activation: 'softmax' })],
    });
    const optimizer = makeOptimizer(optimizers.adam);
    const reason = 'joined is not a sequence of layers that ends in a softmax';
    expect(await compiledStep(model, optimizer)).toEqual({ reason });
    optimizer.dispose();
    model.dispose();
  });
});
