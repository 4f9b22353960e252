// Batch normalization (Ioffe & Szegedy 2015) of feature maps, with the update of its moving statistics.
import type { Attribute, GraphBuilder, GraphVariable, Output } from '../graph-builder.ts';
import { multiply, subtract } from '../ops.ts';
import { inputSizes, type LayerRule, noGradient, otherSetting } from './layer-rule.ts';

/**
 * Normalizes each channel by the batch's mean and variance in training, by the moving ones in inference. The moving variance
 * follows what `FusedBatchNormV3` reports, which is corrected for the batch's size (Bessel), as in the eager step and in Keras 2.
 *
 * Gradients by `FusedBatchNormGradV3` (TensorFlow's `nn_grad.py`, `_BaseFusedBatchNormGrad`).
 */
export const batchNormalizationRule: LayerRule = {
  unsupported(layer, training) {
    if (inputSizes(layer).length !== 3) return 'normalizes something other than feature maps';
    if (training && !layer.trainable) return 'is frozen';
    return otherSetting(layer, {
      axis: [-1, 3],
      center: [true],
      scale: [true],
      gammaConstraint: [null],
      betaConstraint: [null],
      gammaRegularizer: [null],
      betaRegularizer: [null],
    });
  },
  forward(layer, { graph, input, weight, training }) {
    const { epsilon, momentum } = layer.getConfig() as { epsilon: number; momentum: number };
    const [gamma, beta] = [weight('gamma'), weight('beta')];
    const moving = { mean: weight('moving_mean'), variance: weight('moving_variance') };
    const attributes: Record<string, Attribute> = {
      T: { type: 'float32' },
      U: { type: 'float32' },
      epsilon: { float: epsilon },
      data_format: { string: 'NHWC' },
      is_training: { bool: training !== null },
    };
    const none = () => graph.constant([], [0]);
    const [output, mean, variance, ...reserved] = graph.node(
      'FusedBatchNormV3',
      [
        input,
        gamma.value,
        beta.value,
        training === null ? moving.mean.value : none(),
        training === null ? moving.variance.value : none(),
      ],
      { ...attributes, exponential_avg_factor: { float: 1 } },
      Array.from({ length: 6 }, () => 'float32' as const),
    ) as [Output, Output, Output, Output, Output, Output];
    if (training === null) return { output, backward: noGradient('batch normalization') };
    return {
      output,
      updates: [
        follow(graph, moving.mean, mean, momentum),
        follow(graph, moving.variance, variance, momentum),
      ],
      backward(gradient, wantInput) {
        const [dx, dGamma, dBeta] = graph.node(
          'FusedBatchNormGradV3',
          [gradient, input, gamma.value, ...reserved],
          attributes,
          Array.from({ length: 5 }, () => 'float32' as const),
        ) as [Output, Output, Output];
        return { input: wantInput ? dx : null, weights: { gamma: dGamma, beta: dBeta } };
      },
    };
  },
};

/** `average ← average - (1 - momentum) (average - value)`. */
export function follow(graph: GraphBuilder, average: GraphVariable, value: Output, momentum: number) {
  const behind = subtract(graph, average.value, value);
  return graph.assign(
    average,
    subtract(graph, average.value, multiply(graph, behind, graph.constant([1 - momentum]))),
  );
}
