// cnn2: cnn1's blocks with batch normalization between convolution and ReLU.
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import type { CnnParams } from '../params/models.ts';
import {
  checkClasses,
  checkShape,
  conv3x3,
  dense,
  dropout,
  maxPool2x2,
  type Shape3,
  softmaxClassifier,
} from './layers.ts';

/** Share of the old moving average that a step keeps. Keras' 0.99 needs more steps than an epoch of a small study has. */
const momentum = 0.9;

/**
 * Builds cnn2, uncompiled. Normalization (Ioffe & Szegedy 2015) stands before the ReLU, as in the paper; the convolution has
 * no bias, which the normalization would take out again.
 *
 * @param shape of a picture, `[height, width, channels]`; the model takes `float32 [batch, height, width, channels]`, 0 … 255
 * @param classes how many; the model gives their probabilities, `[batch, classes]`
 * @param seed fixes the initial weights and the dropout masks
 * @throws RangeError if the pictures are too small for the blocks, or there is only one class
 */
export function cnn2(shape: Shape3, classes: number, params: CnnParams, seed: number): Sequential {
  checkShape('cnn2', shape, params.filters.length);
  checkClasses('cnn2', classes);
  return sequential({
    name: 'cnn2',
    layers: [
      layers.rescaling({ name: 'rescaling', scale: 1 / 255, inputShape: [...shape] }),
      ...params.filters.flatMap((filters, block) => [
        conv3x3(`block${block + 1}_conv`, filters, seed, { useBias: false, l2: params.l2 }),
        layers.batchNormalization({ name: `block${block + 1}_bn`, momentum }),
        layers.activation({ name: `block${block + 1}_relu`, activation: 'relu' }),
        maxPool2x2(`block${block + 1}_pool`),
      ]),
      layers.flatten({ name: 'flatten' }),
      dropout('dropout', params.dropout, seed),
      dense('dense', params.dense, seed, 'relu', params.l2),
      ...softmaxClassifier(classes, seed, params.l2),
    ],
  });
}
