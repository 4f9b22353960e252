// The layers that the architectures are made of, with names as in the papers and initializers seeded by layer.
import { initializers, layers, regularizers } from '@tensorflow/tfjs-layers';
import { layerSeed } from './layer-seed.ts';
import { SeededDropout } from './seeded-dropout.ts';

/** Height, width and channels of the pictures or features that a model takes. */
export type Shape3 = readonly [height: number, width: number, channels: number];

/** How kernels begin: Glorot & Bengio 2010 (Keras' default), He et al. 2015, or zeros for those that are loaded anyway. */
export type KernelStart = 'glorotUniform' | 'heNormal' | 'zeros';

const kernel = (start: KernelStart, seed: number, name: string) =>
  start === 'zeros' ? initializers.zeros() : initializers[start]({ seed: layerSeed(seed, `${name}/kernel`) });

/** Keras' `kernel_regularizer`: the penalty λ Σ w², or none. */
const penalty = (l2: number) => (l2 === 0 ? {} : { kernelRegularizer: regularizers.l2({ l2 }) });

/** 3 × 3 convolution with zero padding, so height and width stay. */
export const conv3x3 = (
  name: string,
  filters: number,
  seed: number,
  options: {
    activation?: 'relu';
    useBias?: boolean;
    start?: KernelStart;
    trainable?: boolean;
    l2?: number | undefined;
    /** Of the network's input, if this is its first layer. */
    inputShape?: Shape3 | undefined;
  } = {},
) =>
  layers.conv2d({
    name,
    filters,
    kernelSize: 3,
    padding: 'same',
    activation: options.activation ?? 'linear',
    useBias: options.useBias ?? true,
    kernelInitializer: kernel(options.start ?? 'glorotUniform', seed, name),
    trainable: options.trainable ?? true,
    ...(options.inputShape === undefined ? {} : { inputShape: [...options.inputShape] }),
    ...penalty(options.l2 ?? 0),
  });

/** 2 × 2 max pooling: halves height and width, rounding down. */
export const maxPool2x2 = (name: string) => layers.maxPooling2d({ name, poolSize: 2, strides: 2 });

export const dense = (
  name: string,
  units: number,
  seed: number,
  activation: 'relu' | 'linear',
  l2: number | undefined = 0,
) =>
  layers.dense({
    name,
    units,
    activation,
    kernelInitializer: kernel('glorotUniform', seed, name),
    ...penalty(l2),
  });

export const dropout = (name: string, rate: number, seed: number) =>
  new SeededDropout({ name, rate, seed: layerSeed(seed, name) });

/**
 * The classifier's end: logits, then their softmax. Two layers, so that training takes its loss from the logits, which is
 * exact where a probability would round to 0 or 1.
 */
export const softmaxClassifier = (classes: number, seed: number, l2?: number) => [
  dense('logits', classes, seed, 'linear', l2),
  layers.activation({ name: 'probabilities', activation: 'softmax' }),
];

/**
 * @throws RangeError unless height, width and channels are whole numbers from 1 and, where blocks are counted, each of
 * their 2 × 2 poolings has something to halve
 */
export function checkShape(model: string, shape: Shape3, poolings = 0): void {
  if (shape.length !== 3 || !shape.every((side) => Number.isInteger(side) && side >= 1)) {
    throw new RangeError(`${model} takes height × width × channels, not ${shape.join(' × ')}.`);
  }
  const least = 2 ** poolings;
  if (shape[0] < least || shape[1] < least) {
    throw new RangeError(
      `${model} halves its pictures ${poolings} times, so they need ${least} × ${least} pixels or more, not ${shape[0]} × ${shape[1]}.`,
    );
  }
}

/** @throws RangeError unless there are at least two classes */
export function checkClasses(model: string, classes: number): void {
  if (!Number.isInteger(classes) || classes < 2) {
    throw new RangeError(`${model} tells classes apart, so it needs two or more, not ${classes}.`);
  }
}
