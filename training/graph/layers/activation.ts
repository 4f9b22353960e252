// ReLU and the identity, as layers of their own and as the end of convolutions and dense layers.
import type { GraphBuilder, Output } from '../graph-builder.ts';
import { relu, reluGrad } from '../ops.ts';
import { type LayerRule, otherSetting } from './layer-rule.ts';

/** Activations that can be written. */
export const activations = ['linear', 'relu'] as const;
type Activation = (typeof activations)[number];

/** An activation and its gradient. `d relu(x) / dx` is 1 where `relu(x) > 0`, else 0 (TensorFlow's `nn_grad.cc`, `ReluGradHelper`). */
export function activate(
  graph: GraphBuilder,
  activation: Activation,
  input: Output,
): { output: Output; endsInRelu: boolean; backward(gradient: Output, masked: boolean): Output } {
  if (activation === 'linear') return { output: input, endsInRelu: false, backward: (gradient) => gradient };
  const output = relu(graph, input);
  return {
    output,
    endsInRelu: true,
    backward: (gradient, masked) => (masked ? gradient : reluGrad(graph, gradient, output)),
  };
}

export const activationRule: LayerRule = {
  unsupported: (layer) => otherSetting(layer, { activation: activations }),
  forward(layer, { graph, input }) {
    const { backward, ...forward } = activate(graph, layer.getConfig().activation as Activation, input);
    return {
      ...forward,
      backward: (gradient, wantInput, masked) => ({ input: wantInput ? backward(gradient, masked) : null }),
    };
  },
};

/** The activation that ends a convolution or a dense layer. */
export const endActivation = (config: { readonly activation?: unknown }) => config.activation as Activation;
