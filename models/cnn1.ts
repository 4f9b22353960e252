// cnn1: convolution + ReLU and max-pooling blocks, dropout and a dense head.
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

/**
 * Builds cnn1, uncompiled.
 *
 * @param shape of a picture, `[height, width, channels]`; the model takes `float32 [batch, height, width, channels]`, 0 … 255
 * @param classes how many; the model gives their probabilities, `[batch, classes]`
 * @param seed fixes the initial weights and the dropout masks
 * @throws RangeError if the pictures are too small for the blocks, or there is only one class
 */
export function cnn1(shape: Shape3, classes: number, params: CnnParams, seed: number): Sequential {
  checkShape('cnn1', shape, params.filters.length);
  checkClasses('cnn1', classes);
  return sequential({
    name: 'cnn1',
    layers: [
      layers.rescaling({ name: 'rescaling', scale: 1 / 255, inputShape: [...shape] }),
      ...params.filters.flatMap((filters, block) => [
        conv3x3(`block${block + 1}_conv`, filters, seed, { activation: 'relu', l2: params.l2 }),
        maxPool2x2(`block${block + 1}_pool`),
      ]),
      layers.flatten({ name: 'flatten' }),
      dropout('dropout', params.dropout, seed),
      dense('dense', params.dense, seed, 'relu', params.l2),
      ...softmaxClassifier(classes, seed, params.l2),
    ],
  });
}
