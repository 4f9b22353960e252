// A trained classifier on rows of an array: on pictures the whole network, on features the part after them.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UserError } from '../engine/stage.ts';
import { type InputsFile, inputsOf, openInputs } from './batches.ts';
import { loadKerasModel } from './keras-h5/read.ts';

/** A trained model together with the array that it classifies. */
export interface Classifier {
  /** How many classes it tells apart. */
  readonly classes: number;
  /**
   * Probabilities of the classes for rows of the array.
   *
   * @param rows any number, in any order; they are run in batches
   * @param onBatch is told the rows done so far
   * @returns `[rows.length, classes]`, row-major; each row sums to 1
   */
  predict(rows: readonly number[], onBatch?: (done: number) => void): Promise<Float32Array>;
  /** Closes the array and frees the model. */
  close(): Promise<void>;
}

/** Rows that are run at a time. */
const batchSize = 128;

/**
 * Opens a model and the array of its inputs, after `loadBackend`.
 *
 * @param modelFile a whole Keras model, `model.h5`
 * @param inputsFile `.npy` of the pictures that the model takes (uint8, `[N, height, width, channels]`), or of the features
 *   that one of its pooling layers gives (float32, `[N, h, w, c]`)
 * @throws UserError if a file is missing or damaged, or the array fits no layer of the model
 */
export async function loadClassifier(modelFile: string, inputsFile: string): Promise<Classifier> {
  const inputs = await openInputs(inputsFile);
  try {
    const model = await loadKerasModel(modelFile);
    const steps = layersFor(inputs, model);
    if (steps === null) {
      model.dispose();
      throw new UserError(
        `${modelFile} takes inputs of ${model.inputs[0]!.shape.slice(1).join(' × ')}; ${inputsFile} has rows of ` +
          `${inputs.shape.slice(1).join(' × ')}. Run \`npm run repro\` to bring both up to date.`,
      );
    }
    const classes = model.outputs[0]!.shape.at(-1)!;
    return {
      classes,
      async predict(rows, onBatch) {
        const all = new Float32Array(rows.length * classes);
        for (let start = 0; start < rows.length; start += batchSize) {
          const own = rows.slice(start, start + batchSize);
          const batch = await inputsOf(inputs, own);
          const outputs = tf.tidy(
            () =>
              steps.reduce(
                (x, layer) => layer.apply(x, { training: false }) as tf.Tensor,
                batch,
              ) as tf.Tensor,
          );
          all.set((await outputs.data()) as Float32Array, start * classes);
          tf.dispose([batch, outputs]);
          onBatch?.(start + own.length);
        }
        return all;
      },
      async close() {
        model.dispose();
        await inputs.close();
      },
    };
  } catch (error) {
    await inputs.close();
    throw error;
  }
}

/** The layers that the inputs have yet to pass, or null if they fit nowhere. Bytes are pictures, floats are features. */
function layersFor(inputs: InputsFile, model: LayersModel): LayersModel['layers'] | null {
  const row = inputs.shape.slice(1).join();
  const takes = (shape: readonly (number | null)[]) => shape.slice(1).join() === row;
  // An input layer only names the input; it can't be run.
  const layers = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  if (inputs.dtype === 'uint8') return takes(model.inputs[0]!.shape) ? layers : null;
  const last = layers.findLastIndex(
    (layer) => layer.getClassName() === 'MaxPooling2D' && takes(layer.outputShape as (number | null)[]),
  );
  return last === -1 ? null : layers.slice(last + 1);
}
