// Convolutions that our own kernels compute (training/kernels/native/), with the bias, ReLU and pooling that follow in one operation.
import type { Attribute, Output } from '../graph-builder.ts';
import { shapeOf } from '../ops.ts';
import { inputSizes, type Layer, type LayerRule, otherSetting } from './layer-rule.ts';

/**
 * Whether the kernels compute this layer: 3 × 3, stride 1, and numbers of channels and filters as `convolution.h` has them.
 *
 * @param layer a convolution that `conv2dRule` can write
 * @param wantInput whether its input's gradient may be wanted
 */
export function isOwnConv2d(layer: Layer, wantInput: boolean): boolean {
  if (layer.getClassName() !== 'Conv2D') return false;
  const { filters } = layer.getConfig() as { filters: number };
  const channels = inputSizes(layer).at(-1)!;
  return (
    otherSetting(layer, { kernelSize: [[3, 3]], strides: [[1, 1]], activation: ['linear', 'relu'] }) ===
      null &&
    isMany(filters) &&
    (isMany(channels) || (channels <= 4 && !wantInput))
  );
}

const isMany = (channels: number) => channels % 16 === 0 && channels <= 4096;

/**
 * `y = activation(conv(x, kernel) + bias)`, or the largest of each 2 × 2 of that. Gradients as those of `conv2dRule` and
 * `maxPooling2dRule`; no tensor holds the outcome before pooling, nor its gradient.
 */
export const ownConv2d =
  (joinsPooling: boolean): LayerRule['forward'] =>
  (layer, { graph, input, weight }) => {
    const { padding, useBias, activation } = layer.getConfig();
    const relu = activation === 'relu';
    const kernel = weight('kernel').value;
    const bias = useBias === true ? [weight('bias').value] : [];
    const common: Record<string, Attribute> = { padding: { int: padding === 'same' ? 1 : 0 } };
    const attributes = { ...common, biases: { int: bias.length } };
    const operands = [input, kernel, ...bias];
    const [output, winners] = joinsPooling
      ? (graph.node('RodadaConv3x3Pool', operands, attributes, ['float32', 'uint8']) as [Output, Output])
      : [graph.output('RodadaConv3x3', operands, { ...attributes, relu: { bool: relu } })];
    return {
      output,
      endsInRelu: relu,
      backward(gradient, wantInput, masked) {
        const masks = winners !== undefined ? [winners] : relu && !masked ? [output] : [];
        const masking: Record<string, Attribute> = {
          ...common,
          masks: { int: masks.length },
          M: { type: masks[0]?.type ?? 'float32' },
        };
        const [kernelGradient, biasGradient] = graph.node(
          'RodadaConv3x3FilterGradient',
          [input, gradient, ...masks],
          masking,
          ['float32', 'float32'],
        ) as [Output, Output];
        return {
          input: wantInput
            ? graph.output(
                'RodadaConv3x3InputGradient',
                [shapeOf(graph, input), kernel, gradient, ...masks],
                masking,
              )
            : null,
          weights: { kernel: kernelGradient, ...(useBias === true ? { bias: biasGradient } : {}) },
        };
      },
    };
  };
