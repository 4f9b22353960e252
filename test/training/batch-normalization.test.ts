// Our batch normalization against the one that TensorFlow.js composes and differentiates by itself, on each backend at hand.
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../training/backend.ts';
import type { BackendName } from '../../training/backend-name.ts';
import { trainBatchNormalization } from '../../training/batch-normalization.ts';
import { native } from '../support/native.ts';

const backends: BackendName[] = native ? ['cpu', 'tensorflow'] : ['cpu'];

/** A layer with parameters and moving averages that are not at their start. */
function madeLayer() {
  const model = sequential({ layers: [layers.batchNormalization({ momentum: 0.9, inputShape: [3, 5, 2] })] });
  const layer = model.layers[0]!;
  layer.setWeights(
    [
      [1.5, 0.5],
      [0.1, -0.2],
      [1, 2],
      [3, 4],
    ].map((values) => tf.tensor1d(values)),
  );
  return layer;
}

const x = () =>
  tf.tensor4d(
    Float32Array.from({ length: 4 * 3 * 5 * 2 }, (_, i) => Math.sin(i * 1.7) * 3 + (i % 2)),
    [4, 3, 5, 2],
  );

/** Outputs, gradients of Σ y³ with regard to input, gamma and beta, and the moving averages after it. */
function run(
  normalize: (layer: ReturnType<typeof madeLayer>, x: tf.Tensor4D) => tf.Tensor,
): Record<string, number[]> {
  const layer = madeLayer();
  const [gamma, beta] = layer.weights.map((weight) => weight.read() as tf.Variable);
  const input = tf.variable(x());
  const y = normalize(layer, input as tf.Tensor as tf.Tensor4D);
  const { grads } = tf.variableGrads(
    () => tf.sum(tf.pow(normalize(layer, input as tf.Tensor as tf.Tensor4D), 3)) as tf.Scalar,
    [input, gamma!, beta!],
  );
  return {
    y: [...y.dataSync()],
    dx: [...grads[input.name]!.dataSync()],
    dGamma: [...grads[gamma!.name]!.dataSync()],
    dBeta: [...grads[beta!.name]!.dataSync()],
    mean: [...layer.getWeights()[2]!.dataSync()],
    variance: [...layer.getWeights()[3]!.dataSync()],
  };
}

describe.each(backends)('on %s', (backend) => {
  it('equals what TensorFlow.js composes, but for the correction of the moving variance', async () => {
    await loadBackend(backend);
    const ours = run(trainBatchNormalization);
    const theirs = run((layer, input) => layer.apply(input, { training: true }) as tf.Tensor);
    for (const name of ['y', 'dx', 'dGamma', 'dBeta', 'mean']) {
      ours[name]!.forEach((value, i) => {
        const expected = theirs[name]![i]!;
        expect(Math.abs(value - expected), `${name}[${i}]`).toBeLessThan(
          1e-4 * Math.max(1, Math.abs(expected)),
        );
      });
    }
    // Two updates v ← 0.9 v + 0.1 s, theirs with the batch's variance s, ours with s · n / (n - 1), as Keras has it.
    const n = 4 * 3 * 5;
    [3, 4].forEach((start, channel) => {
      const moved = theirs.variance![channel]! - 0.81 * start;
      expect(ours.variance![channel]! - 0.81 * start).toBeCloseTo((moved * n) / (n - 1), 4);
    });
  });
});
