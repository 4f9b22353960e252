// Sums over the leading axes on WASM, as a bias's gradient is one; tfjs' own transposes the whole tensor first.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from './own-kernels.ts';
import { replaceKernel } from './replace-kernel.ts';
import { floatsAt } from './wasm-memory.ts';

/** Replaces the kernel `Sum` of the WASM backend where the axes are the first ones, but not all; tfjs' kernel computes all others. */
export function registerSum(): void {
  replaceKernel(tf.Sum, ({ inputs, attrs, backend }) => {
    const x = inputs.x!;
    const { axis, keepDims } = attrs as unknown as tf.SumAttrs;
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const leading =
      axes.length > 0 && axes.length < x.shape.length && axes.every((each) => each < axes.length);
    if (x.dtype !== 'float32' || !leading) return undefined;
    const kept = x.shape.slice(axes.length);
    const sums = backend.makeOutput(keepDims ? [...axes.map(() => 1), ...kept] : kept, 'float32');
    const kernels = ownKernels(backend);
    const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
    const columns = tf.util.sizeFromShape(kept);
    const parts = kernels
      .ranges(columns, 16)
      .map(({ start, end }) => [
        floatsAt(backend, x) + 4 * start,
        columns,
        rows,
        end - start,
        floatsAt(backend, sums) + 4 * start,
      ]);
    kernels.run('columnSums', parts);
    return sums;
  });
}
