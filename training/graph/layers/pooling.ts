// Max pooling and global average pooling.
import type { Attribute } from '../graph-builder.ts';
import { broadcastTo, divide, mean, reluGrad, reshape, shapeOf } from '../ops.ts';
import { inputSizes, type LayerRule, otherSetting, plain } from './layer-rule.ts';

/**
 * Gradient as in TensorFlow's `nn_grad.py`, `_MaxPoolGrad`: dy goes to where each window's first maximum was.
 *
 * After a ReLU, a window whose maximum is 0 gives its dy to a place where the ReLU lets nothing through. So ReLU's gradient is
 * taken here, on the pooled tensor, a quarter of the size for 2 × 2 windows; the result is the same to the bit. The pooled
 * gradient also serves the bias of the convolution before: each of its values goes to one place, so both have the same sums.
 */
export const maxPooling2dRule: LayerRule = {
  unsupported: (layer) => otherSetting(layer, { ...plain, padding: ['same', 'valid'] }),
  forward(layer, { graph, input, afterRelu }) {
    const config = layer.getConfig();
    const window = (size: unknown) => [1, ...(size as [number, number]), 1];
    const attributes: Record<string, Attribute> = {
      T: { type: 'float32' },
      ksize: { ints: window(config.poolSize) },
      strides: { ints: window(config.strides ?? config.poolSize) },
      padding: { string: (config.padding as string).toUpperCase() },
      data_format: { string: 'NHWC' },
    };
    const output = graph.output('MaxPool', [input], attributes);
    return {
      output,
      backward(gradient, wantInput) {
        if (!wantInput) return { input: null };
        const dy = afterRelu ? reluGrad(graph, gradient, output) : gradient;
        const spread = graph.output('MaxPoolGrad', [input, output, dy], attributes);
        return { input: spread, masked: afterRelu, sums: dy };
      },
    };
  },
};

/** The mean of each feature map. Gradient as in TensorFlow's `math_grad.py`, `_MeanGrad`: dy / (height · width), everywhere. */
export const globalAveragePooling2dRule: LayerRule = {
  unsupported: (layer) => otherSetting(layer, plain),
  forward(layer, { graph, input }) {
    const [height, width, channels] = inputSizes(layer) as [number, number, number];
    return {
      output: mean(graph, input, [1, 2]),
      backward(gradient, wantInput) {
        if (!wantInput) return { input: null };
        const share = divide(graph, gradient, graph.constant([height * width]));
        return {
          input: broadcastTo(graph, reshape(graph, share, [-1, 1, 1, channels]), shapeOf(graph, input)),
        };
      },
    };
  },
};
