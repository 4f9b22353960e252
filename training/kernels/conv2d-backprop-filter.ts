// The gradient of a convolution's filter on WASM, which tfjs-backend-wasm lacks: without it no convolution can be trained there.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from './own-kernels.ts';
import { replaceKernel } from './replace-kernel.ts';
import { floatsAt, withScratch } from './wasm-memory.ts';

/** Positions of a block. More than this would not stay in the cache; with fewer, the sums go to memory too often. */
const blockPositions = 128;

/** Registers the kernel `Conv2DBackpropFilter` of the WASM backend; assembly/conv2d-backprop-filter.ts says how it works. */
export function registerConv2dBackpropFilter(): void {
  replaceKernel(tf.Conv2DBackpropFilter, ({ inputs, attrs, backend }) => {
    const { strides, pad, dataFormat, dimRoundingMode, filterShape } =
      attrs as unknown as tf.Conv2DBackpropFilterAttrs;
    if (dataFormat !== 'NHWC') return undefined;
    const [x, dy] = [inputs.x!, inputs.dy!];
    const shape = x.shape as [number, number, number, number];
    const computeInfo = tf.backend_util.computeConv2DInfo;
    const info = computeInfo(shape, filterShape, strides, 1, pad, dimRoundingMode, false, 'channelsLast');
    const { inChannels, filterHeight, filterWidth, outWidth, outChannels, strideHeight, strideWidth } = info;
    const blockRows = Math.min(info.outHeight, Math.max(1, Math.round(blockPositions / outWidth)));
    const dw = backend.makeOutput(filterShape, 'float32');
    const kernels = ownKernels(backend);
    const { conv2dBackpropFilterScratch, conv2dBackpropFilterTiles } = kernels.exports;
    const ranges = kernels.ranges(conv2dBackpropFilterTiles(inChannels, filterHeight, filterWidth));
    const bytes = ranges.map(({ start, end }) =>
      conv2dBackpropFilterScratch(
        inChannels,
        filterHeight,
        filterWidth,
        outWidth,
        outChannels,
        strideHeight,
        strideWidth,
        blockRows,
        end - start,
      ),
    );
    const most = Math.max(...bytes);
    withScratch(backend, most * ranges.length, (scratch) => {
      const parts = ranges.map(({ start, end }, i) => [
        floatsAt(backend, x),
        floatsAt(backend, dy),
        floatsAt(backend, dw),
        info.batchSize,
        info.inHeight,
        info.inWidth,
        inChannels,
        filterHeight,
        filterWidth,
        info.outHeight,
        outWidth,
        outChannels,
        strideHeight,
        strideWidth,
        info.padInfo.top,
        info.padInfo.left,
        blockRows,
        start,
        end,
        scratch + i * most,
      ]);
      kernels.run('conv2dBackpropFilter', parts);
    });
    return dw;
  });
}
