// The gradient of a convolution's input on WASM, which tfjs computes in plain loops that take ten times as long.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from './own-kernels.ts';
import { replaceKernel } from './replace-kernel.ts';
import { floatsAt, withScratch } from './wasm-memory.ts';

/** Replaces the kernel `Conv2DBackpropInput` of the WASM backend for stride 1; other strides keep tfjs' kernel. */
export function registerConv2dBackpropInput(): void {
  replaceKernel(tf.Conv2DBackpropInput, ({ inputs, attrs, backend }) => {
    const { strides, pad, dataFormat, dimRoundingMode, inputShape } =
      attrs as unknown as tf.Conv2DBackpropInputAttrs;
    const [dy, filter] = [inputs.dy!, inputs.filter!];
    if (dataFormat !== 'NHWC') return undefined;
    const filterShape = filter.shape as [number, number, number, number];
    const computeInfo = tf.backend_util.computeConv2DInfo;
    const info = computeInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode);
    if (info.strideHeight !== 1 || info.strideWidth !== 1) return undefined;
    const { inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = info;
    const top = filterHeight - 1 - info.padInfo.top;
    const left = filterWidth - 1 - info.padInfo.left;
    if (top < 0 || left < 0) return undefined; // such a convolution pads its input by more than its filter reaches
    const dx = backend.makeOutput(inputShape, 'float32');
    const kernels = ownKernels(backend);
    const ranges = kernels.ranges(info.batchSize * inHeight);
    const { conv2dBackpropInputScratch } = kernels.exports;
    const bytes = conv2dBackpropInputScratch(inWidth, inChannels, filterHeight, filterWidth, outChannels);
    withScratch(backend, bytes * ranges.length, (scratch) => {
      const parts = ranges.map(({ start, end }, i) => [
        floatsAt(backend, dy),
        floatsAt(backend, filter),
        floatsAt(backend, dx),
        inHeight,
        inWidth,
        inChannels,
        filterHeight,
        filterWidth,
        info.outHeight,
        info.outWidth,
        outChannels,
        top,
        left,
        start,
        end,
        scratch + i * bytes,
      ]);
      kernels.run('conv2dBackpropInput', parts);
    });
    return dx;
  });
}
