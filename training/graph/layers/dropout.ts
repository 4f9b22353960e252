// Dropout with the masks that the eager step draws, bit for bit.
import { SeededDropout } from '../../../models/seeded-dropout.ts';
import { cast, greaterEqual, multiply, shapeOf, stack } from '../ops.ts';
import type { LayerRule } from './layer-rule.ts';

/** The same operations as in `kernels/dropout-mask.ts`: uniform numbers of the layer's seed and the step; gradient dy · mask. */
export const dropoutRule: LayerRule = {
  unsupported: (layer, training) =>
    !training || layer instanceof SeededDropout ? null : 'draws its masks without a seed',
  forward(layer, { graph, input, training }) {
    const { rate, seed } = layer as SeededDropout;
    if (training === null || rate === 0) {
      return { output: input, backward: (gradient, wantInput) => ({ input: wantInput ? gradient : null }) };
    }
    const uniform = graph.output(
      'StatelessRandomUniform',
      [shapeOf(graph, input), stack(graph, [graph.constant([seed], [], 'int32'), training.step])],
      { dtype: { type: 'float32' }, T: { type: 'int32' }, Tseed: { type: 'int32' } },
    );
    const kept = cast(graph, greaterEqual(graph, uniform, graph.constant([rate])), 'float32');
    const mask = multiply(graph, kept, graph.constant([1 / (1 - rate)]));
    return {
      output: multiply(graph, input, mask),
      backward: (gradient, wantInput) => ({ input: wantInput ? multiply(graph, gradient, mask) : null }),
    };
  },
};
