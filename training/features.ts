// The frozen convolutions' outputs for every picture of an array, written batch by batch.
import * as tf from '@tensorflow/tfjs-core';
import type { Progress } from '../engine/stage.ts';
import { type NpyFile, NpyWriter } from '../pictures/npy.ts';
import { type Backbone, frozenBackbone } from './backbone.ts';
import { batches } from './batches.ts';

/** Values that the widest feature maps of a batch may have: bounds the memory, whatever the pictures' size. */
const largestMaps = 2 ** 27;

/**
 * Writes `float32 [N, h, w, c]`, row i from picture i.
 *
 * @param pictures `uint8 [N, size, size, 3]`
 * @param block whose pooled outputs they are, 1 … 5
 * @param file to create
 */
export async function writeFeatures(
  pictures: NpyFile<'uint8'>,
  backbone: Backbone,
  block: number,
  file: string,
  progress: (update: Progress) => void = () => {},
): Promise<void> {
  const size = pictures.shape[1]!;
  const model = frozenBackbone(backbone, size, block);
  const widest = size * size * Math.max(1, 64 * backbone.info.width);
  const batch = Math.max(1, Math.min(128, Math.floor(largestMaps / widest)));
  const writer = await NpyWriter.open(file, 'float32', model.outputs[0]!.shape.slice(1) as number[]);
  try {
    const rows = Array.from({ length: pictures.length }, (_, row) => row);
    const examples = { inputs: pictures, labels: new Int32Array(pictures.length) };
    for await (const { inputs } of batches(examples, rows, batch)) {
      const outputs = tf.tidy(() => model.apply(inputs, { training: false }) as tf.Tensor);
      await writer.append((await outputs.data()) as Float32Array<ArrayBuffer>);
      outputs.dispose();
      progress({ done: writer.rows, total: pictures.length, unit: 'pictures' });
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    model.dispose();
  }
}
