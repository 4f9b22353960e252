// The loss of a classifier: softmax cross-entropy of the logits, its gradient, and the hits.
import type { GraphBuilder, Output } from './graph-builder.ts';
import { add, cast, divide, equal, mean, multiply, reshape, sizeOf, sum } from './ops.ts';

/** How the loss of a training step differs from the plain cross-entropy, as in Keras. */
export interface LossOptions {
  /** Share of the target that is spread evenly over all classes, 0 ≤ share < 1 (Szegedy et al. 2015, section 7). */
  readonly labelSmoothing?: number;
  /** What a picture's loss is multiplied by, for each class. The mean is over the pictures, not over the weights. */
  readonly classWeights?: readonly number[];
}

export interface Loss {
  /** Mean over the batch, in nats; a scalar. */
  readonly value: Output;
  /** With respect to the logits, `[batch, classes]`. */
  readonly gradient: Output;
}

const types = { T: { type: 'float32' }, Tlabels: { type: 'int32' } } as const;

/**
 * Writes the mean cross-entropy.
 *
 * Its gradient is (softmax - target) · weight / batch, which TensorFlow's loss operations give beside the loss (`nn_grad.py`,
 * `_SparseSoftmaxCrossEntropyWithLogitsGrad`).
 *
 * @param logits `[batch, classes]`
 * @param labels `int32 [batch]`
 */
export function crossEntropy(
  graph: GraphBuilder,
  logits: Output,
  labels: Output,
  classes: number,
  { labelSmoothing = 0, classWeights }: LossOptions = {},
): Loss {
  const [losses, gradients] = (
    labelSmoothing === 0
      ? graph.node('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], types, ['float32', 'float32'])
      : graph.node(
          'SoftmaxCrossEntropyWithLogits',
          [logits, smoothed(graph, labels, classes, labelSmoothing)],
          { T: types.T },
          ['float32', 'float32'],
        )
  ) as [Output, Output];
  const size = sizeOf(graph, labels);
  if (classWeights === undefined) {
    return { value: mean(graph, losses, [0]), gradient: divide(graph, gradients, size) };
  }
  const weights = graph.output(
    'GatherV2',
    [graph.constant(classWeights, [classes]), labels, graph.constant([0], [], 'int32')],
    { Tparams: { type: 'float32' }, Tindices: { type: 'int32' }, Taxis: { type: 'int32' } },
  );
  const share = reshape(graph, divide(graph, weights, size), [-1, 1]);
  return {
    value: mean(graph, multiply(graph, losses, weights), [0]),
    gradient: multiply(graph, gradients, share),
  };
}

/** One-hot targets of which a share is spread evenly. */
function smoothed(graph: GraphBuilder, labels: Output, classes: number, smoothing: number): Output {
  const hot = graph.output(
    'OneHot',
    [labels, graph.constant([classes], [], 'int32'), graph.constant([1 - smoothing]), graph.constant([0])],
    { T: { type: 'float32' }, TI: { type: 'int32' }, axis: { int: -1 } },
  );
  return add(graph, hot, graph.constant([smoothing / classes]));
}

/** How many pictures have their label's logit as the first largest; a scalar. */
export function hits(graph: GraphBuilder, logits: Output, labels: Output): Output {
  const best = graph.output(
    'ArgMax',
    [logits, graph.constant([1], [], 'int32')],
    { T: { type: 'float32' }, Tidx: { type: 'int32' }, output_type: { type: 'int32' } },
    'int32',
  );
  return sum(graph, cast(graph, equal(graph, best, labels), 'float32'), [0]);
}
