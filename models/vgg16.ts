// VGG16 (Simonyan & Zisserman 2014, table 1, column D): the convolutions, a dense head of our own, and the two joined.
import { tensor, tidy } from '@tensorflow/tfjs-core';
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import type { Vgg16Params } from '../params/models.ts';
import {
  checkClasses,
  checkShape,
  conv3x3,
  dense,
  dropout,
  type KernelStart,
  maxPool2x2,
  type Shape3,
  softmaxClassifier,
} from './layers.ts';

/** Filters of each convolution, block by block; a max pooling ends each block. */
export const vgg16Blocks: readonly (readonly number[])[] = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/**
 * What the first layer makes of pixels 0 … 255: `caffe` what the ImageNet weights were trained on (blue, green, red, less the
 * mean picture), `scale` -1 … 1.
 */
export type Preprocess = 'caffe' | 'scale';

/** The convolutional part: which share of the filters, how pixels are prepared, and after which block it ends. */
export interface Vgg16Convolutions {
  /** Share of VGG16's filters in each layer, 0 < width ≤ 1. */
  readonly width: number;
  readonly preprocess: Preprocess;
  /** The last block, 1 … 5. */
  readonly block: number;
}

/** How the convolutions begin, and whether a step of training moves them. */
export interface Vgg16Start {
  readonly seed: number;
  readonly start: KernelStart;
  readonly trainable: boolean;
}

/**
 * Builds the convolutional part, uncompiled, with Keras' layer names.
 *
 * @param shape of a picture, `[height, width, 3]`; takes `float32 [batch, height, width, 3]`, RGB, 0 … 255
 * @throws RangeError if the pictures are too small, or width or block out of range
 */
export function vgg16Backbone(shape: Shape3, convolutions: Vgg16Convolutions, start: Vgg16Start): Sequential {
  const model = sequential({ name: 'vgg16', layers: convolutionLayers(shape, convolutions, start) });
  return prepared(model, convolutions.preprocess);
}

/**
 * Builds the head alone, uncompiled, for training on the frozen convolutions' outputs.
 *
 * @param shape of the features, `[height, width, channels]`
 * @param tuned block of convolutions that is trained along with the head and stands before it, its weights zero; none if null
 */
export function vgg16Head(
  shape: Shape3,
  classes: number,
  params: Vgg16Params,
  seed: number,
  tuned: Pick<Vgg16Convolutions, 'width' | 'block'> | null = null,
): Sequential {
  checkShape("vgg16's head", shape, tuned === null ? 0 : 1);
  checkClasses("vgg16's head", classes);
  const name = 'vgg16_head';
  if (tuned === null) return sequential({ name, layers: headLayers(classes, params, seed, shape) });
  const start: Vgg16Start = { seed, start: 'zeros', trainable: true };
  return sequential({
    name,
    layers: [...blockLayers(tuned.block, tuned.width, start, shape), ...headLayers(classes, params, seed)],
  });
}

/**
 * Builds the whole network, uncompiled: pixels in, probabilities `[batch, classes]` out. The head's weights and dropout masks
 * are those of `vgg16Head` with the same seed.
 */
export function vgg16(
  shape: Shape3,
  classes: number,
  convolutions: Vgg16Convolutions,
  params: Vgg16Params,
  start: Vgg16Start,
): Sequential {
  checkClasses('vgg16', classes);
  const model = sequential({
    name: 'vgg16',
    layers: [...convolutionLayers(shape, convolutions, start), ...headLayers(classes, params, start.seed)],
  });
  return prepared(model, convolutions.preprocess);
}

/**
 * Builds the network that the convolutions are pretrained in, uncompiled: VGG16's fully connected layers, most of its weights
 * and meant for a thousand classes, are left out for the mean of each feature map.
 */
export function vgg16Pretraining(
  shape: Shape3,
  classes: number,
  convolutions: Vgg16Convolutions,
  seed: number,
): Sequential {
  checkClasses('vgg16', classes);
  const model = sequential({
    name: 'vgg16_pretraining',
    layers: [
      // He's initialization: with Glorot's the signal fades over thirteen layers of ReLU, and nothing is learnt.
      ...convolutionLayers(shape, convolutions, { seed, start: 'heNormal', trainable: true }),
      layers.globalAveragePooling2d({ name: 'pooling' }),
      ...softmaxClassifier(classes, seed),
    ],
  });
  return prepared(model, convolutions.preprocess);
}

/**
 * The convolutions that gave features of this shape for pictures of this size: how many blocks, told by the number of halvings.
 *
 * @returns the block, 1 … 5, or null if no block of the network gives that shape
 */
export function blockOfFeatures(size: number, width: number, features: Shape3): number | null {
  const block = vgg16Blocks.findIndex(
    (filters, index) =>
      Math.floor(size / 2 ** (index + 1)) === features[0] &&
      features[0] === features[1] &&
      scaled(filters.at(-1)!, width) === features[2],
  );
  return block === -1 ? null : block + 1;
}

function convolutionLayers(
  shape: Shape3,
  { width, preprocess, block }: Vgg16Convolutions,
  start: Vgg16Start,
) {
  if (!(width > 0 && width <= 1)) throw new RangeError(`vgg16's width ${width} is not in (0, 1].`);
  if (!Number.isInteger(block) || block < 1 || block > 5) {
    throw new RangeError(`vgg16 has blocks 1 … 5; there is no block ${block}.`);
  }
  checkShape('vgg16', shape, block);
  if (shape[2] !== 3) throw new RangeError(`vgg16 takes pictures of 3 channels, not ${shape[2]}.`);
  return [
    preprocessLayer(preprocess, shape),
    ...vgg16Blocks.slice(0, block).flatMap((_, index) => blockLayers(index + 1, width, start)),
  ];
}

function blockLayers(
  block: number,
  width: number,
  { seed, start, trainable }: Vgg16Start,
  inputShape?: Shape3,
) {
  return [
    ...vgg16Blocks[block - 1]!.map((filters, position) =>
      conv3x3(`block${block}_conv${position + 1}`, scaled(filters, width), seed, {
        activation: 'relu',
        start,
        trainable,
        inputShape: position === 0 ? inputShape : undefined,
      }),
    ),
    maxPool2x2(`block${block}_pool`),
  ];
}

function headLayers(classes: number, params: Vgg16Params, seed: number, shape?: Shape3) {
  const input = shape === undefined ? {} : { inputShape: [...shape] };
  return [
    params.pooling === 'average'
      ? layers.globalAveragePooling2d({ name: 'pooling', ...input })
      : layers.flatten({ name: 'flatten', ...input }),
    dense('dense', params.dense, seed, 'relu', params.l2),
    dropout('dropout', params.dropout, seed),
    ...softmaxClassifier(classes, seed, params.l2),
  ];
}

/** Name of the first layer, which holds constants and is never trained. */
const preprocessName = 'preprocess';

/** Mean of the ImageNet training pictures: blue, green, red. */
const imageNetMeans = [103.939, 116.779, 123.68];

/**
 * Kernel and bias of the `caffe` preparation as a 1 × 1 convolution: output i is input 2 - i less a mean. Exact, and, unlike
 * a Lambda layer, saved and loaded everywhere. (Taking the means into block1_conv1's bias would be wrong at the edges, where
 * that layer pads with zeros.)
 */
const caffeWeights: readonly { shape: number[]; values: Float32Array }[] = [
  { shape: [1, 1, 3, 3], values: Float32Array.of(0, 0, 1, 0, 1, 0, 1, 0, 0) },
  { shape: [3], values: Float32Array.from(imageNetMeans, (mean) => -mean) },
];

function preprocessLayer(preprocess: Preprocess, shape: Shape3) {
  const inputShape = [...shape];
  if (preprocess === 'scale') {
    return layers.rescaling({ name: preprocessName, scale: 1 / 127.5, offset: -1, inputShape });
  }
  return layers.conv2d({
    name: preprocessName,
    filters: 3,
    kernelSize: 1,
    trainable: false,
    kernelInitializer: 'zeros',
    inputShape,
  });
}

/** Gives the `caffe` preparation its constants. */
function prepared(model: Sequential, preprocess: Preprocess): Sequential {
  if (preprocess === 'caffe') {
    tidy(() =>
      model
        .getLayer(preprocessName)
        .setWeights(caffeWeights.map(({ shape, values }) => tensor(values, shape, 'float32'))),
    );
  }
  return model;
}

const scaled = (filters: number, width: number) => Math.max(1, Math.round(filters * width));
