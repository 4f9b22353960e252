// A trained classifier on rows of an array: on pictures the whole network, on features the part after them.
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UserError } from '../engine/stage.ts';
import { batches, type InputsFile, openInputs } from './batches.ts';
import { chooseInference } from './choose-inference.ts';
import { inferenceBatch } from './inference.ts';
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
    const layers = layersFor(inputs, model);
    if (layers === null) {
      model.dispose();
      throw new UserError(
        `${modelFile} takes inputs of ${model.inputs[0]!.shape.slice(1).join(' × ')}; ${inputsFile} has rows of ` +
          `${inputs.shape.slice(1).join(' × ')}. Run \`npm run repro\` to bring both up to date.`,
      );
    }
    const classes = model.outputs[0]!.shape.at(-1)!;
    const inference = chooseInference(model.name, layers, inputs.dtype);
    const unlabelled = { inputs, labels: new Int32Array(inputs.length) };
    return {
      classes,
      async predict(rows, onBatch) {
        const all = new Float32Array(rows.length * classes);
        let done = 0;
        for await (const batch of batches(unlabelled, rows, inferenceBatch(layers), inference.inputType)) {
          const outputs = inference.run(batch.inputs);
          all.set((await outputs.data()) as Float32Array, done * classes);
          outputs.dispose();
          done += batch.inputs.shape[0]!;
          onBatch?.(done);
        }
        return all;
      },
      async close() {
        inference.dispose();
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
