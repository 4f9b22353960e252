// The dense, or fully connected, layer.
import type { Output } from '../graph-builder.ts';
import { biasAdd, biasAddGrad, matMul } from '../ops.ts';
import { activate, activations, endActivation } from './activation.ts';
import { inputSizes, type LayerRule, otherSetting, plain } from './layer-rule.ts';

/**
 * `y = activation(x kernel + bias)`, x `[batch, inputs]`, kernel `[inputs, units]`.
 *
 * Gradients as in TensorFlow's `math_grad.py`, `_MatMulGrad`: the kernel's is `xᵀ dy`, the input's `dy kernelᵀ`.
 */
export const denseRule: LayerRule = {
  unsupported: (layer, training) =>
    inputSizes(layer).length === 1
      ? otherSetting(layer, { ...plain, activation: activations(training) })
      : 'takes more than one dimension',
  forward(layer, { graph, input, weight }) {
    const config = layer.getConfig();
    const kernel = weight('kernel');
    const product = matMul(graph, input, kernel.value);
    const biased = config.useBias === true ? biasAdd(graph, product, weight('bias').value) : product;
    const { backward, ...forward } = activate(graph, endActivation(config), biased);
    return {
      ...forward,
      backward(gradient, wantInput, masked) {
        const dy = backward(gradient, masked);
        const weights: Record<string, Output> = { kernel: matMul(graph, input, dy, { transposeA: true }) };
        if (config.useBias === true) weights.bias = biasAddGrad(graph, dy);
        return {
          input: wantInput ? matMul(graph, dy, kernel.value, { transposeB: true }) : null,
          weights,
        };
      },
    };
  },
};
