// Batch normalization while training: TensorFlow's fused operations where they are at hand, the same formulas elsewhere.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

type Layer = LayersModel['layers'][number];

/** The part of tfjs-node's backend that is used here. */
interface Backend extends tf.KernelBackend {
  readonly binding: Readonly<
    Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_FLOAT', number>
  >;
  executeMultipleOutputs(
    name: string,
    attributes: { name: string; type: number; value: unknown }[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/**
 * Runs a `BatchNormalization` layer as in training: normalizes over batch, height and width, and moves the moving averages.
 *
 * TensorFlow.js composes this of some thirty operations over the whole tensor, gradient included, which made them half of a
 * training step. Its moving variance, too, is not quite Keras': that one corrects the batch's variance for its size (Bessel).
 *
 * @param layer over the last axis, with scale and center, as `layers.batchNormalization` makes it by default
 * @param x `[batch, height, width, channels]`
 */
export function trainBatchNormalization(layer: Layer, x: tf.Tensor4D): tf.Tensor4D {
  const { momentum, epsilon } = layer.getConfig() as { momentum: number; epsilon: number };
  const [gamma, beta, movingMean, movingVariance] = layer.weights.map(
    (weight) => weight.read() as tf.Variable,
  );
  const fused = tf.getBackend() === 'tensorflow';
  const normalize = tf.customGrad((...inputs) => {
    // After the tensors comes a function that keeps what the gradient needs.
    const [input, scale, offset, save] = inputs as unknown as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const { y, mean, variance, saved } = (fused ? fusedForward : composedForward)(
      input,
      scale,
      offset,
      epsilon,
    );
    move(movingMean!, mean, momentum);
    move(movingVariance!, variance, momentum);
    save([input, scale, ...saved]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) =>
        (fused ? fusedGradient : composedGradient)(dy as tf.Tensor4D, kept, epsilon),
    };
  });
  return normalize(x, gamma!, beta!) as tf.Tensor4D;
}

/** What a forward pass gives: outputs, the batch's statistics, and what the gradient needs besides input and scale. */
interface Forward {
  readonly y: tf.Tensor4D;
  readonly mean: tf.Tensor1D;
  /** With Bessel's correction, for the moving average. */
  readonly variance: tf.Tensor1D;
  readonly saved: tf.Tensor[];
}

function move(average: tf.Variable, value: tf.Tensor, momentum: number): void {
  tf.tidy(() => average.assign(tf.sub(average, tf.mul(tf.sub(average, value), 1 - momentum))));
}

function fusedForward(x: tf.Tensor4D, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Forward {
  const backend = tf.backend() as Backend;
  const none = tf.tensor1d([], 'float32');
  const [y, mean, variance, ...saved] = backend.executeMultipleOutputs(
    'FusedBatchNormV3',
    fusedAttributes(backend, epsilon),
    [x, gamma, beta, none, none],
    6,
  );
  return { y: y as tf.Tensor4D, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D, saved };
}

function fusedGradient(dy: tf.Tensor4D, [x, gamma, ...saved]: tf.Tensor[], epsilon: number): tf.Tensor[] {
  const backend = tf.backend() as Backend;
  const gradients = backend.executeMultipleOutputs(
    'FusedBatchNormGradV3',
    fusedAttributes(backend, epsilon),
    [dy, x!, gamma!, ...saved],
    5,
  );
  return gradients.slice(0, 3);
}

function fusedAttributes({ binding }: Backend, epsilon: number) {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
  ];
}

const axes = [0, 1, 2];

function composedForward(x: tf.Tensor4D, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Forward {
  const { mean, variance } = tf.moments(x, axes);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const scale = tf.mul(gamma, inverse);
  const y = tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale))) as tf.Tensor4D;
  const count = x.size / x.shape[3];
  return {
    y,
    mean: mean as tf.Tensor1D,
    variance: tf.mul(variance, count / Math.max(1, count - 1)) as tf.Tensor1D,
    saved: [mean, inverse],
  };
}

/**
 * With x̂ = (x - mean) · inverse and n values a channel: dβ = Σ dy, dγ = Σ dy · x̂,
 * dx = γ · inverse · (dy - (dβ + x̂ · dγ) / n) (Ioffe & Szegedy 2015, section 3, simplified).
 */
function composedGradient(dy: tf.Tensor4D, [x, gamma, mean, inverse]: tf.Tensor[]): tf.Tensor[] {
  const normalized = tf.mul(tf.sub(x!, mean!), inverse!);
  const dBeta = tf.sum(dy, axes);
  const dGamma = tf.sum(tf.mul(dy, normalized), axes);
  const count = dy.size / dy.shape[3];
  const shared = tf.div(tf.add(dBeta, tf.mul(normalized, dGamma)), count);
  const dx = tf.mul(tf.mul(gamma!, inverse!), tf.sub(dy, shared));
  return [dx, dGamma, dBeta];
}
