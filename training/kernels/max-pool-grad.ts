// The gradient of max-pooling on WASM: one pass with SIMD, where tfjs' own takes as long as the convolution before it.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from './own-kernels.ts';
import { replaceKernel } from './replace-kernel.ts';
import { floatsAt } from './wasm-memory.ts';

/** Replaces the kernel `MaxPoolGrad` of the WASM backend. */
export function registerMaxPoolGrad(): void {
  replaceKernel(tf.MaxPoolGrad, ({ inputs, attrs, backend }) => {
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as tf.MaxPoolGradAttrs;
    const [x, dy] = [inputs.input!, inputs.dy!];
    if (x.dtype !== 'float32') return undefined;
    const shape = x.shape as [number, number, number, number];
    const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const dx = backend.makeOutput(x.shape, 'float32');
    const kernels = ownKernels(backend);
    const [picture, gradient] = [x, dy].map((each) => tf.util.sizeFromShape(each.shape.slice(1)));
    const parts = kernels
      .ranges(info.batchSize)
      .map(({ start, end }) => [
        floatsAt(backend, x) + 4 * start * picture!,
        floatsAt(backend, dy) + 4 * start * gradient!,
        floatsAt(backend, dx) + 4 * start * picture!,
        end - start,
        info.inHeight,
        info.inWidth,
        info.inChannels,
        info.outHeight,
        info.outWidth,
        info.filterHeight,
        info.filterWidth,
        info.strideHeight,
        info.strideWidth,
        info.padInfo.top,
        info.padInfo.left,
      ]);
    kernels.run('maxPoolGrad', parts);
    return dx;
  });
}
