// The training step run operation by operation, on any backend: the reference for faster ones.
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, Sequential } from '@tensorflow/tfjs-layers';
import { type DrawMask, SeededDropout } from '../models/seeded-dropout.ts';
import { trainBatchNormalization } from './batch-normalization.ts';
import type { LossOptions } from './graph/loss.ts';
import { dropoutMask } from './kernels/dropout-mask.ts';
import type { Optimizer } from './optimizers/index.ts';
import type { Batch, BatchResult, TrainingStep } from './training-step.ts';

/**
 * Makes the step of a sequential classifier whose last layer is the softmax of its logits.
 *
 * The loss is the softmax cross-entropy of the logits, which Keras, too, computes when a model ends in a softmax. While training
 * the penalties of the layers' regularizers are added to it, as in Keras; evaluation gives the plain cross-entropy, so that
 * runs with different settings compare.
 *
 * @param optimizer moves the model's trainable weights; the caller disposes of it
 * @param loss how the loss of a training step differs from the plain cross-entropy
 * @throws Error if the model is not sequential or ends in anything but a softmax of its own layer
 */
export function eagerStep(
  model: LayersModel,
  optimizer: Optimizer,
  loss: LossOptions = {},
  drawMask: DrawMask = dropoutMask,
): TrainingStep {
  const layers = logitLayers(model);
  const dropouts = layers.filter((layer): layer is SeededDropout => layer instanceof SeededDropout);
  for (const dropout of dropouts) dropout.drawMask = drawMask;
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);

  const logitsOf = (inputs: tf.Tensor, training: boolean) =>
    layers.reduce((x, layer) => {
      const normalizes = training && x.rank === 4 && layer.getClassName() === 'BatchNormalization';
      return normalizes
        ? trainBatchNormalization(layer, x as tf.Tensor4D)
        : (layer.apply(x, { training }) as tf.Tensor);
    }, inputs) as tf.Tensor2D;

  return {
    inputType: 'float32',
    train({ inputs, labels }: Batch, step: number): BatchResult {
      for (const dropout of dropouts) dropout.step = step;
      return tf.tidy(() => {
        let correct: tf.Scalar | undefined;
        const { value, grads } = tf.variableGrads(() => {
          const logits = logitsOf(inputs, true);
          correct = tf.keep(hits(logits, labels));
          return layers
            .flatMap((layer) => layer.calculateLosses())
            .reduce((sum, penalty) => tf.add(sum, penalty) as tf.Scalar, crossEntropy(logits, labels, loss));
        }, weights);
        optimizer.applyGradients(weights.map(({ name }) => ({ name, tensor: grads[name]! })));
        return { loss: value, correct: correct! };
      });
    },
    evaluate({ inputs, labels }: Batch): BatchResult {
      return tf.tidy(() => {
        const logits = logitsOf(inputs, false);
        return { loss: crossEntropy(logits, labels), correct: hits(logits, labels) };
      });
    },
    async updateModel() {}, // it trains the model's own weights
    dispose() {
      for (const dropout of dropouts) dropout.drawMask = null;
    },
  };
}

/** All layers but the softmax at the end. */
function logitLayers(model: LayersModel) {
  const last = model.layers.at(-1);
  const softmax = last?.getClassName() === 'Activation' && last.getConfig().activation === 'softmax';
  if (!(model instanceof Sequential) || !softmax) {
    throw new Error(
      `${model.name} is not a sequence of layers that ends in a softmax, so it can't be trained here.`,
    );
  }
  return model.layers.slice(0, -1);
}

/** Mean over the batch of `-log softmax(logits)[label]`, with what the options change about it. */
function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor, options: LossOptions = {}): tf.Scalar {
  const oneHot = tf.oneHot(labels as tf.Tensor1D, logits.shape[1]);
  const { labelSmoothing = 0, classWeights } = options;
  const { MEAN, NONE } = tf.Reduction;
  if (classWeights === undefined)
    return tf.losses.softmaxCrossEntropy(oneHot, logits, undefined, labelSmoothing, MEAN) as tf.Scalar;
  // The mean is over the pictures; TensorFlow.js' own reduction would divide by the sum of the weights.
  const each = tf.losses.softmaxCrossEntropy(oneHot, logits, undefined, labelSmoothing, NONE);
  return tf.mean(tf.mul(each, tf.gather(tf.tensor1d([...classWeights]), labels as tf.Tensor1D))) as tf.Scalar;
}

function hits(logits: tf.Tensor2D, labels: tf.Tensor): tf.Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));
}
