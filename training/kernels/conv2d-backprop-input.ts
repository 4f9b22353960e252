// The gradient of a convolution's input on WASM as a convolution, which XNNPACK runs ten times faster than tfjs' own plain loops.
import * as tf from '@tensorflow/tfjs-core';

/**
 * Replaces the kernel `Conv2DBackpropInput` of the WASM backend for stride 1; other strides keep tfjs' kernel.
 *
 * The gradient is dy, padded to the full overlap, convolved with the filter turned by 180° and its channels exchanged.
 */
export function registerConv2dBackpropInput(): void {
  const original = tf.getKernel(tf.Conv2DBackpropInput, 'wasm');
  tf.unregisterKernel(tf.Conv2DBackpropInput, 'wasm'); // registering over it would print a warning
  tf.registerKernel({
    ...original,
    kernelFunc: (args) => {
      const { strides, pad, dataFormat, dimRoundingMode, inputShape } =
        args.attrs as unknown as tf.Conv2DBackpropInputAttrs;
      const dy = args.inputs.dy as tf.Tensor4D;
      const filter = args.inputs.filter as tf.Tensor4D;
      if (dataFormat !== 'NHWC') return original.kernelFunc(args);
      const computeInfo = tf.backend_util.computeConv2DInfo;
      const info = computeInfo(inputShape, filter.shape, strides, 1, pad, dimRoundingMode);
      if (info.strideHeight !== 1 || info.strideWidth !== 1) return original.kernelFunc(args);
      const top = info.filterHeight - 1 - info.padInfo.top;
      const left = info.filterWidth - 1 - info.padInfo.left;
      // A convolution's padding can't be negative: such a filter pads its input by more than it reaches.
      if (top < 0 || left < 0) return original.kernelFunc(args);
      const bottom = info.inHeight - info.outHeight + info.padInfo.top;
      const right = info.inWidth - info.outWidth + info.padInfo.left;
      return tf.tidy(() => {
        const turned = tf.transpose(tf.reverse4d(filter, [0, 1]), [0, 1, 3, 2]);
        return tf.conv2d(dy, turned, 1, [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ]);
      });
    },
  });
}
