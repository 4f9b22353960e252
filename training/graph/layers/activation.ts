// ReLU, the identity and, in inference, softmax: as layers of their own and as the end of convolutions and dense layers.
import type { GraphBuilder, Output } from '../graph-builder.ts';
import { relu, reluGrad, softmax } from '../ops.ts';
import { type LayerRule, noGradient, otherSetting } from './layer-rule.ts';

type Activation = 'linear' | 'relu' | 'softmax';

/** Activations that can be written. Training takes its loss from the logits, so no softmax has a gradient here. */
export const activations = (training: boolean): readonly Activation[] =>
  training ? ['linear', 'relu'] : ['linear', 'relu', 'softmax'];

/** An activation and its gradient. `d relu(x) / dx` is 1 where `relu(x) > 0`, else 0 (TensorFlow's `nn_grad.cc`, `ReluGradHelper`). */
export function activate(
  graph: GraphBuilder,
  activation: Activation,
  input: Output,
): { output: Output; endsInRelu: boolean; backward(gradient: Output, masked: boolean): Output } {
  if (activation === 'linear') return { output: input, endsInRelu: false, backward: (gradient) => gradient };
  if (activation === 'softmax') {
    return { output: softmax(graph, input), endsInRelu: false, backward: noGradient('softmax') };
  }
  const output = relu(graph, input);
  return {
    output,
    endsInRelu: true,
    backward: (gradient, masked) => (masked ? gradient : reluGrad(graph, gradient, output)),
  };
}

export const activationRule: LayerRule = {
  unsupported: (layer, training) => otherSetting(layer, { activation: activations(training) }),
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
