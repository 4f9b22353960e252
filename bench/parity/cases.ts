// Trains as test/fixtures/parity.py does with Keras, and says how far the results are from Keras'.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import { vgg16Backbone, vgg16Head } from '../../models/vgg16.ts';
import type { OptimizerParams, ScheduleParams } from '../../params/training.ts';
import { bytesTensor } from '../../training/bytes-tensor.ts';
import type { LossOptions } from '../../training/graph/loss.ts';
import type { Inference } from '../../training/inference.ts';
import { type KerasWeights, setKerasWeights } from '../../training/keras-h5/read.ts';
import { makeOptimizer, type Optimizer } from '../../training/optimizers/index.ts';
import { scheduledRate } from '../../training/schedule.ts';
import type { InputType, TrainingStep } from '../../training/training-step.ts';
import { featuresOf, fill, labelsOf, picturesOf, vggPictures } from './formulas.ts';

/** One training of Keras: what was trained and how, and what came out. */
export interface Case extends LossOptions {
  readonly model: 'cnn1' | 'cnn2' | 'head';
  readonly optimizer: OptimizerParams;
  readonly l2?: number;
  /** Of the convolutions, where they are not 3 and 4. */
  readonly filters?: readonly number[];
  readonly schedule?: ScheduleParams;
  readonly stepsPerEpoch?: number;
  readonly epochs?: number;
  /** Of each step. */
  readonly losses: readonly number[];
  /** After the last step, layer by layer; moving statistics among them. */
  readonly weights: readonly (readonly number[])[];
}

/** The contents of parity.json. */
export interface Parity {
  readonly tensorflow: string;
  readonly steps: number;
  readonly batch: number;
  readonly classes: number;
  readonly size: number;
  readonly cases: readonly Case[];
  readonly vgg16: { readonly size: number; readonly outputs: readonly number[] };
}

/** Makes the step that is compared; the loss as the case has it. */
export type MakeStep = (
  model: LayersModel,
  optimizer: Optimizer,
  stored: InputType,
  loss: LossOptions,
) => TrainingStep | Promise<TrainingStep>;

/** Makes the inference that is compared. */
export type MakeInference = (layers: LayersModel['layers']) => Inference;

/** The largest differences from Keras, relative as `difference` says. */
export interface Distance {
  readonly loss: number;
  readonly weights: number;
}

/** What tells a case from the others. */
export function nameOf(own: Case): string {
  const { model, optimizer, classWeights, labelSmoothing, l2, schedule, filters } = own;
  const extras = [
    filters === undefined ? [] : [`${filters.join(' and ')} filters`],
    classWeights === undefined ? [] : ['class weights'],
    labelSmoothing === undefined ? [] : [`label smoothing ${labelSmoothing}`],
    l2 === undefined ? [] : [`L2 ${l2}`],
    schedule === undefined
      ? []
      : [`${schedule.kind}${'staircase' in schedule ? ' staircase' : ''} learning rate`],
  ].flat();
  return [`${model}, ${optimizer.name}`, ...extras].join(', ');
}

/** Trains a case's model on the current backend, and compares losses and weights with Keras'. */
export async function distanceFromKeras(own: Case, parity: Parity, makeStep: MakeStep): Promise<Distance> {
  const { steps, batch, classes, size } = parity;
  const shape: readonly [number, number, number] = own.model === 'head' ? [2, 2, 5] : [size, size, 3];
  const model = build(own, shape, classes);
  fill(model);
  const optimizer = makeOptimizer(own.optimizer);
  const { classWeights, labelSmoothing } = own;
  const loss: LossOptions = {
    ...(classWeights === undefined ? {} : { classWeights }),
    ...(labelSmoothing === undefined ? {} : { labelSmoothing }),
  };
  const step = await makeStep(model, optimizer, own.model === 'head' ? 'float32' : 'uint8', loss);
  try {
    const losses: number[] = [];
    for (let done = 0; done < steps; done++) {
      optimizer.learningRate = scheduledRate(own.schedule, own.optimizer.learningRate, done, {
        perEpoch: own.stepsPerEpoch ?? 1,
        epochs: own.epochs ?? steps,
      });
      const values = labelsOf(done, batch, classes);
      const inputs = inputsOf(own, step.inputType, done, values, shape);
      const labels = tf.tensor1d(values, 'int32');
      const result = step.train({ inputs, labels }, done);
      losses.push(result.loss.dataSync()[0]!);
      tf.dispose([inputs, labels, result.loss, result.correct]);
    }
    await step.updateModel();
    const weights = model.layers.flatMap((layer) => layer.getWeights().map((weight) => weight.dataSync()));
    if (weights.length !== own.weights.length)
      throw new Error(`${model.name} has other weights than Keras'.`);
    return {
      loss: difference(losses, own.losses),
      weights: Math.max(...weights.map((values, i) => difference(values, own.weights[i]!))),
    };
  } finally {
    step.dispose();
    optimizer.dispose();
    model.dispose();
  }
}

/** VGG16's whole convolutional part on the current backend, with weights by the formula or out of a file, beside Keras'. */
export function vggDistance({ vgg16 }: Parity, infer: MakeInference, weights?: KerasWeights): number {
  const { size } = vgg16;
  const start = { seed: 1, start: 'zeros', trainable: false } as const;
  const model = vgg16Backbone([size, size, 3], { width: 1, preprocess: 'caffe', block: 5 }, start);
  if (weights === undefined) fill(model);
  else setKerasWeights(model, weights, "Keras' file", new Set(['preprocess']));
  const inference = infer(model.layers);
  const pictures = vggPictures(size);
  const outputs = inference.run(pictures);
  const own = outputs.dataSync();
  tf.dispose([pictures, outputs]);
  inference.dispose();
  model.dispose();
  return difference(own, vgg16.outputs, 0.1); // sums of thousands of products, each backend's in an order of its own
}

/**
 * The largest difference, each relative to the expected number, or to a share of the largest of them where it is smaller: a
 * weight that ends next to 0 has no digits to compare.
 */
export function difference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  leastShare = 0.01,
): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const floor = leastShare * Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i]! - expected[i]!) / Math.max(Math.abs(expected[i]!), floor, 1e-12);
    if (!(off <= most)) most = off; // NaN, too, is a difference
  }
  return most;
}

function build(
  { model, optimizer, l2 = 0, filters = [3, 4] }: Case,
  shape: readonly [number, number, number],
  classes: number,
): LayersModel {
  const common = { dense: 6, dropout: 0, optimizer, l2 };
  if (model === 'head') return vgg16Head(shape, classes, { ...common, pooling: 'flatten' }, 1);
  return (model === 'cnn1' ? cnn1 : cnn2)(shape, classes, { ...common, filters: [...filters] }, 1);
}

function inputsOf(
  { model }: Case,
  type: InputType,
  step: number,
  labels: Int32Array,
  row: readonly [number, number, number],
): tf.Tensor {
  const rowSize = row[0] * row[1] * row[2];
  const shape = [labels.length, ...row];
  if (model === 'head') return tf.tensor(featuresOf(step, labels, rowSize), shape, 'float32');
  const bytes = picturesOf(step, labels, rowSize);
  return type === 'uint8' ? bytesTensor(bytes, shape) : tf.tensor(Float32Array.from(bytes), shape, 'float32');
}
