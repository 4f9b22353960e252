// The product of matrices on WASM. tfjs' own runs plain loops where a factor is transposed, as both are in a dense layer's gradients,
// and elsewhere packs the right factor anew for each product, which costs as much as multiplying.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels, replaceKernel } from './own-kernels.ts';
import { floatsAt, withScratch } from './wasm-memory.ts';

/**
 * Replaces the kernel `BatchMatMul` of the WASM backend where both factors have the same batch dimensions; where one of them is
 * broadcast, tfjs' kernel computes it.
 */
export function registerMatMul(): void {
  replaceKernel(tf.BatchMatMul, ({ inputs, attrs, backend }) => {
    const [a, b] = [inputs.a!, inputs.b!];
    const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
    const batch = a.shape.slice(0, -2);
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
    if (!tf.util.arraysEqual(batch, b.shape.slice(0, -2))) return undefined;
    const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
    const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
    const [height, depth] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
    const [deep, width] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
    tf.util.assert(depth === deep, () => `matMul: ${a.shape} and ${b.shape} don't fit together`);
    const product = backend.makeOutput([...batch, height, width], 'float32');
    const kernels = ownKernels(backend);
    withScratch(backend, kernels.matMulScratch(), (scratch) => {
      for (let i = 0; i < tf.util.sizeFromShape(batch); i++) {
        kernels.matMul(
          floatsAt(backend, a) + 4 * i * height * depth,
          ...(transposeA ? [1, columnsA] : [columnsA, 1]),
          floatsAt(backend, b) + 4 * i * depth * width,
          ...(transposeB ? [1, columnsB] : [columnsB, 1]),
          floatsAt(backend, product) + 4 * i * height * width,
          height,
          depth,
          width,
          scratch,
        );
      }
    });
    return product;
  });
}
