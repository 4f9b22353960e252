// The product of matrices on WASM. tfjs' own runs plain loops where a factor is transposed, as both are in a dense layer's gradients,
// and elsewhere packs the right factor anew for each product, which costs as much as multiplying.
import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from './own-kernels.ts';
import { replaceKernel } from './replace-kernel.ts';
import { floatsAt, withScratch } from './wasm-memory.ts';

/** Rows and columns that the threads' shares of a product are multiples of: whole tiles. */
const tile = 8;

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
    const [rowA, columnA] = transposeA ? [1, columnsA] : [columnsA, 1];
    const [rowB, columnB] = transposeB ? [1, columnsB] : [columnsB, 1];
    const bytes = kernels.exports.matMulScratch();
    const wide = width >= height;
    const ranges = wide ? kernels.ranges(width, tile) : kernels.ranges(height, tile);
    withScratch(backend, bytes * ranges.length, (scratch) => {
      for (let i = 0; i < tf.util.sizeFromShape(batch); i++) {
        const atA = floatsAt(backend, a) + 4 * i * height * depth;
        const atB = floatsAt(backend, b) + 4 * i * depth * width;
        const to = floatsAt(backend, product) + 4 * i * height * width;
        const parts = ranges.map(({ start, end }, part) => [
          wide ? atA : atA + 4 * start * rowA,
          rowA,
          columnA,
          wide ? atB + 4 * start * columnB : atB,
          rowB,
          columnB,
          to + 4 * start * (wide ? 1 : width),
          width,
          wide ? height : end - start,
          depth,
          wide ? end - start : width,
          scratch + part * bytes,
        ]);
        kernels.run('matMul', parts);
      }
    });
    return product;
  });
}
