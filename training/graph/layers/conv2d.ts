// Two-dimensional convolution.
import type { Attribute, Output } from '../graph-builder.ts';
import { biasAdd, biasAddGrad, shapeOf } from '../ops.ts';
import { activate, activations, endActivation } from './activation.ts';
import { type LayerRule, otherSetting, plain } from './layer-rule.ts';

/**
 * `y = activation(conv(x, kernel) + bias)`, x `[batch, height, width, channels]`, kernel `[height, width, channels, filters]`.
 *
 * Gradients as in TensorFlow's `nn_grad.py`, `_Conv2DGrad` and `_BiasAddGrad`: the kernel's correlates x with dy, the input's
 * convolves dy with the kernel turned around, the bias' sums dy over all positions. Where a smaller tensor has the same sums, it is
 * taken: TensorFlow joins the sum over dy to the kernel's gradient, where it is slow.
 */
export const conv2dRule: LayerRule = {
  unsupported: (layer, training) =>
    otherSetting(layer, {
      ...plain,
      activation: activations(training),
      padding: ['same', 'valid'],
      dilationRate: [null, [1, 1]],
    }),
  forward(layer, { graph, input, weight }) {
    const config = layer.getConfig();
    const [strideY, strideX] = config.strides as [number, number];
    const attributes: Record<string, Attribute> = {
      T: { type: 'float32' },
      strides: { ints: [1, strideY, strideX, 1] },
      padding: { string: (config.padding as string).toUpperCase() },
      data_format: { string: 'NHWC' },
    };
    const kernel = weight('kernel');
    const convolved = graph.output('Conv2D', [input, kernel.value], attributes);
    const biased = config.useBias === true ? biasAdd(graph, convolved, weight('bias').value) : convolved;
    const { backward, ...forward } = activate(graph, endActivation(config), biased);
    return {
      ...forward,
      backward(gradient, wantInput, masked, sums) {
        const dy = backward(gradient, masked);
        const kernelShape = graph.constant(kernel.shape, [4], 'int32');
        const weights: Record<string, Output> = {
          kernel: graph.output('Conv2DBackpropFilter', [input, kernelShape, dy], attributes),
        };
        if (config.useBias === true) {
          weights.bias = biasAddGrad(graph, dy === gradient && sums !== null ? sums : dy);
        }
        const inputGradient = wantInput
          ? graph.output('Conv2DBackpropInput', [shapeOf(graph, input), kernel.value, dy], attributes)
          : null;
        return { input: inputGradient, weights };
      },
    };
  },
};
