// Batch normalization that our own kernels compute together with the ReLU and the pooling that follow.
import type { Output } from '../graph-builder.ts';
import { follow } from './batch-normalization.ts';
import { inputSizes, type Layer, type LayerRule } from './layer-rule.ts';

/** Whether the kernels compute this layer, one that `batchNormalizationRule` can write for training. */
export function isOwnNormalization(layer: Layer): boolean {
  if (layer.getClassName() !== 'BatchNormalization') return false;
  const channels = inputSizes(layer).at(-1)!;
  return channels % 16 === 0 && channels <= 4096;
}

/**
 * The largest of each 2 × 2 of `relu(γ (x - mean) / √(variance + ε) + β)`, statistics of the batch, and the update of the moving
 * ones as in `batchNormalizationRule`. Gradient by Ioffe & Szegedy (2015), section 3; of the tensors of x's size only x and its
 * gradient are held.
 */
export const ownNormalization: LayerRule['forward'] = (layer, { graph, input, weight }) => {
  const { epsilon, momentum } = layer.getConfig() as { epsilon: number; momentum: number };
  const gamma = weight('gamma').value;
  const [output, winners, mean, variance, inverse] = graph.node(
    'RodadaBatchNormReluPool',
    [input, gamma, weight('beta').value],
    { epsilon: { float: epsilon } },
    ['float32', 'uint8', 'float32', 'float32', 'float32'],
  ) as [Output, Output, Output, Output, Output];
  return {
    output,
    endsInRelu: true,
    updates: [
      follow(graph, weight('moving_mean'), mean, momentum),
      follow(graph, weight('moving_variance'), variance, momentum),
    ],
    backward(gradient, wantInput) {
      const [dx, dGamma, dBeta] = graph.node(
        'RodadaBatchNormReluPoolGradient',
        [input, gamma, mean, inverse, gradient, winners],
        {},
        ['float32', 'float32', 'float32'],
      ) as [Output, Output, Output];
      return { input: wantInput ? dx : null, weights: { gamma: dGamma, beta: dBeta } };
    },
  };
};
