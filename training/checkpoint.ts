// The state of a training after an epoch, in one HDF5 file: weights, optimizer, history. The same training gives the same bytes.
// Random numbers need no place in it: each is drawn from the seed, the epoch and the step alone.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { UserError } from '../engine/stage.ts';
import type { EpochRecord } from './fit.ts';
import { Dataset, type File, Group, readHdf5, writeHdf5 } from './keras-h5/hdf5.ts';
import type { Optimizer } from './optimizers/index.ts';

/** What a training goes on from. */
export interface Checkpoint {
  /** The epochs done. */
  readonly epochs: readonly EpochRecord[];
  /** The optimizer's steps. */
  readonly steps: number;
  /** Weights by name, `dense.kernel`. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** The optimizer's state by weight and slot, `dense.kernel.m`. */
  readonly slots: ReadonlyMap<string, Float32Array>;
  /** With early stopping the weights of the best epoch, by name; else empty. */
  readonly best: ReadonlyMap<string, Float32Array>;
  /** Of the file, for messages. */
  readonly source: string;
}

const format = 1;
const figures = ['loss', 'accuracy', 'valLoss', 'valAccuracy'] as const;

/** `block1_conv/kernel` as a name in the file, where `/` would open a folder. */
const nameOf = (weight: LayerVariable) => weight.originalName.replaceAll('/', '.');

/**
 * Writes a checkpoint. Model and optimizer must be up to date (`TrainingStep.updateModel`).
 *
 * @param best with early stopping the weights of the best epoch, in the order of `model.weights`
 */
export async function writeCheckpoint(
  path: string,
  model: LayersModel,
  optimizer: Optimizer,
  epochs: readonly EpochRecord[],
  best: readonly Float32Array[] = [],
): Promise<void> {
  const [count, ...state] = await optimizer.getWeights();
  count!.tensor.dispose();
  const known = new Map(state.map(({ name, tensor }) => [name, tensor]));
  const valuesOf = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;
  const { weights, trainableWeights } = model;
  await writeHdf5(path, (file) => {
    file.create_attribute('format', format);
    file.create_attribute('steps', optimizer.iterations);
    file.create_dataset({
      name: 'history',
      data: Float64Array.from(epochs.flatMap((record) => figures.map((figure) => record[figure]))),
      shape: [epochs.length, figures.length],
      dtype: '<d',
    });
    const add = (group: Group, name: string, shape: readonly (number | null)[], data: Float32Array) =>
      group.create_dataset({ name, data, shape: shape as number[], dtype: '<f4' });
    const own = file.create_group('weights');
    for (const weight of weights) add(own, nameOf(weight), weight.shape, valuesOf(weight.read()));
    const slots = file.create_group('optimizer');
    for (const weight of trainableWeights) {
      for (const slot of optimizer.slotNames) {
        const tensor = known.get(`${weight.name}/${slot}`);
        if (tensor !== undefined) add(slots, `${nameOf(weight)}.${slot}`, weight.shape, valuesOf(tensor));
      }
    }
    const bests = file.create_group('best');
    best.forEach((values, i) => {
      add(bests, nameOf(weights[i]!), weights[i]!.shape, values);
    });
  });
}

/**
 * Reads a checkpoint.
 *
 * @throws UserError if the file is missing, damaged or another kind of file
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return readHdf5(path, (file) => {
    if (Number(file.attrs.format?.value) !== format)
      throw new UserError(`${path} is no checkpoint of a training, or one of another version.`);
    const history = valuesAt(file, 'history', path);
    const epochs = Array.from({ length: history.length / figures.length }, (_, i) => {
      const own = figures.map((figure, j) => [figure, history[i * figures.length + j]]);
      return { epoch: i + 1, ...Object.fromEntries(own) } as EpochRecord;
    });
    return {
      epochs,
      steps: Number(file.attrs.steps?.value),
      weights: groupAt(file, 'weights', path),
      slots: groupAt(file, 'optimizer', path),
      best: groupAt(file, 'best', path),
      source: path,
    };
  });
}

/**
 * Brings a fresh model and optimizer to where the checkpoint's training was.
 *
 * @throws UserError if the checkpoint is of another model or optimizer
 */
export async function restoreCheckpoint(
  checkpoint: Checkpoint,
  model: LayersModel,
  optimizer: Optimizer,
): Promise<void> {
  const { weights, slots, steps, source } = checkpoint;
  const valuesFor = (weight: LayerVariable, from: ReadonlyMap<string, Float32Array>, name: string) => {
    const values = from.get(name);
    if (values?.length === tf.util.sizeFromShape(weight.shape as number[])) return values;
    throw new UserError(
      `${source} is the checkpoint of another training: its ${name} does not fit ${model.name}.`,
    );
  };
  tf.tidy(() => {
    for (const weight of model.weights)
      weight.write(
        tf.tensor(valuesFor(weight, weights, nameOf(weight)), weight.shape as number[], 'float32'),
      );
  });
  const state = [{ name: 'iter', tensor: tf.scalar(steps, 'int32') as tf.Tensor }];
  for (const weight of model.trainableWeights) {
    for (const slot of optimizer.slotNames) {
      const values = valuesFor(weight, slots, `${nameOf(weight)}.${slot}`);
      const tensor = tf.tensor(values, weight.shape as number[], 'float32');
      state.push({ name: `${weight.name}/${slot}`, tensor });
    }
  }
  await optimizer.setWeights(state);
  tf.dispose(state.map(({ tensor }) => tensor));
}

/** The best weights in the order of `model.weights`; empty if the checkpoint has none. */
export function bestWeights({ best }: Checkpoint, model: LayersModel): readonly Float32Array[] {
  return best.size === 0 ? [] : model.weights.map((weight) => best.get(nameOf(weight))!);
}

function groupAt(file: File, name: string, path: string): Map<string, Float32Array> {
  const group = file.get(name);
  if (!(group instanceof Group)) throw new UserError(`${path} is damaged: it has no ${name}.`);
  return new Map(group.keys().map((key) => [key, valuesAt(group, key, path) as Float32Array]));
}

function valuesAt(group: Group, name: string, path: string): Float32Array | Float64Array {
  const found = group.get(name);
  const values = found instanceof Dataset ? found.value : null;
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new UserError(`${path} is damaged: it has no ${name}.`);
}
