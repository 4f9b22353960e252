// Layers without weights of their own: rescaling, flattening, and the input's name.
import type { Output } from '../graph-builder.ts';
import { add, multiply, reshape } from '../ops.ts';
import { inputSizes, type LayerRule } from './layer-rule.ts';

/** `y = scale x + offset`. */
export const rescalingRule: LayerRule = {
  unsupported: (layer) => {
    const { scale, offset } = layer.getConfig();
    return typeof scale === 'number' && typeof offset === 'number'
      ? null
      : 'scales channels by numbers of their own';
  },
  forward(layer, { graph, input }) {
    const { scale, offset } = layer.getConfig() as { scale: number; offset: number };
    const scaled = multiply(graph, input, graph.constant([scale]));
    return {
      output: offset === 0 ? scaled : add(graph, scaled, graph.constant([offset])),
      backward: (gradient, wantInput) => ({
        input: wantInput ? multiply(graph, gradient, graph.constant([scale])) : null,
      }),
    };
  },
};

/** `[batch, …]` to `[batch, values]`. */
export const flattenRule: LayerRule = {
  unsupported: () => null,
  forward(layer, { graph, input }) {
    const shape = inputSizes(layer);
    const values = shape.reduce((product, size) => product * size, 1);
    return {
      output: reshape(graph, input, [-1, values]),
      backward: (gradient, wantInput) => ({
        input: wantInput ? reshape(graph, gradient, [-1, ...shape]) : null,
      }),
    };
  },
};

/** An input layer only names the input. */
export const inputRule: LayerRule = {
  unsupported: () => null,
  forward: (_, { input }) => ({ output: input, backward: (gradient: Output) => ({ input: gradient }) }),
};
