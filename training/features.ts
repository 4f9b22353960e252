// The frozen convolutions' outputs for every picture of an array, written batch by batch.
import type { Progress } from '../engine/stage.ts';
import { type NpyFile, NpyWriter } from '../pictures/npy.ts';
import { type Backbone, frozenBackbone } from './backbone.ts';
import { batches } from './batches.ts';
import { chooseInference } from './choose-inference.ts';
import { inferenceBatch } from './inference.ts';

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
  const model = frozenBackbone(backbone, pictures.shape[1]!, block);
  const inference = chooseInference(model.name, model.layers, 'uint8');
  const writer = await NpyWriter.open(file, 'float32', model.outputs[0]!.shape.slice(1) as number[]);
  try {
    const rows = Array.from({ length: pictures.length }, (_, row) => row);
    const examples = { inputs: pictures, labels: new Int32Array(pictures.length) };
    for await (const { inputs } of batches(
      examples,
      rows,
      inferenceBatch(model.layers),
      inference.inputType,
    )) {
      const outputs = inference.run(inputs);
      await writer.append((await outputs.data()) as Float32Array<ArrayBuffer>);
      outputs.dispose();
      progress({ done: writer.rows, total: pictures.length, unit: 'pictures' });
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    inference.dispose();
    model.dispose();
  }
}
