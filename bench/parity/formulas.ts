// The weights, pictures and labels of the comparison with Keras: the formulas of test/fixtures/parity.py, bit for bit.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** The finalizer of MurmurHash3: 32 random-looking bits. */
export function mixed(index: number): number {
  let x = index >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Gives each weight numbers in a range that suits its kind. The preparation of the pictures, which Keras has outside, stays. */
export function fill(model: LayersModel): void {
  let stream = 1;
  for (const layer of model.layers) {
    if (layer.name === 'preprocess' || layer.weights.length === 0) continue;
    const values = layer.weights.map(({ originalName, shape }) => {
      const sizes = shape as number[];
      const fanIn = sizes.slice(0, -1).reduce((n, size) => n * size, 1);
      const scale = Math.sqrt(6 / fanIn);
      const aroundOne = /variance|gamma/.test(originalName);
      const offset = stream++ * 1000003;
      const flat = Float32Array.from({ length: tf.util.sizeFromShape(sizes) }, (_, i) => {
        const noise = (mixed(i + offset) >>> 8) / 2 ** 23 - 1;
        if (sizes.length > 1) return noise * scale;
        return aroundOne ? 1 + 0.5 * noise : 0.1 * noise;
      });
      return tf.tensor(flat, sizes, 'float32');
    });
    layer.setWeights(values);
    tf.dispose(values);
  }
}

/** Labels of a step's batch, `[batch]`. */
export const labelsOf = (step: number, batch: number, classes: number): Int32Array =>
  Int32Array.from({ length: batch }, (_, row) => (row * 7 + step) % classes);

/** A batch of pictures as bytes, `[batch, …]` with so many values a row. */
export function picturesOf(step: number, labels: Int32Array, rowSize: number): Uint8Array {
  return Uint8Array.from(
    { length: labels.length * rowSize },
    (_, i) => (mixed(i + step * 7919) >>> 25) + labels[Math.floor(i / rowSize)]! * 50,
  );
}

/** A batch of features. */
export function featuresOf(step: number, labels: Int32Array, rowSize: number): Float32Array {
  return Float32Array.from(
    { length: labels.length * rowSize },
    (_, i) => (mixed(i + step * 7919) >>> 8) / 2 ** 24 + labels[Math.floor(i / rowSize)]! * 0.25,
  );
}

/** The pictures that VGG16 sees, `float32 [2, size, size, 3]`, 0 … 255. */
export const vggPictures = (size: number): tf.Tensor4D =>
  tf.tensor4d(
    Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => mixed(i) >>> 24),
    [2, size, size, 3],
  );
