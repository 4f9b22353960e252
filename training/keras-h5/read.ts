// Reads Keras .h5 files: weights by layer name, and whole models.
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { UserError } from '../../engine/stage.ts';
import type { ModelConfig } from './config.ts';
import { Dataset, type File, Group, readHdf5 } from './hdf5.ts';

/** One weight of a layer. */
export interface KerasWeight {
  /** As in the file: `block1_conv1/kernel:0`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights of each layer, in the layer's own order: kernel, bias. */
export type KerasWeights = ReadonlyMap<string, readonly KerasWeight[]>;

/**
 * Reads the weights of a file that Keras' `save_weights`, `save` or `writeKerasModel` wrote, or of Keras applications.
 *
 * @throws UserError if the file is missing, damaged, cut short, or no Keras file
 */
export async function readKerasWeights(path: string): Promise<KerasWeights> {
  return readHdf5(path, (file) => weightsOf(file, path));
}

/**
 * Opens a whole model: what `writeKerasModel` wrote, or a sequential model that Keras 2 saved with layers TensorFlow.js knows.
 *
 * @returns the model with its weights, uncompiled; the caller disposes of it
 * @throws UserError if the file is missing, damaged, cut short, or holds no architecture
 */
export async function loadKerasModel(path: string): Promise<LayersModel> {
  const { config, weights } = await readHdf5(path, (file) => ({
    config: configOf(file, path),
    weights: weightsOf(file, path),
  }));
  // Every weight is overwritten, so none of them is drawn at random first: that takes seconds for a large network.
  const modelTopology = withoutRandomStart(config);
  let model: LayersModel;
  try {
    model = await loadLayersModel({ load: async () => ({ modelTopology }) });
  } catch (error) {
    throw new UserError(
      `${path} holds an architecture that can't be rebuilt: ${error instanceof Error ? error.message : error}`,
    );
  }
  try {
    setKerasWeights(model, weights, path);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

/**
 * Sets the weights of every layer that has any, by layer name. Layers that only the file has are passed over.
 *
 * @param source the file's name, for messages
 * @param skip layers that keep what they have
 * @throws UserError if a layer is missing in the file or a weight has another shape
 */
export function setKerasWeights(
  model: LayersModel,
  weights: KerasWeights,
  source: string,
  skip: ReadonlySet<string> = new Set(),
): void {
  for (const layer of model.layers) {
    if (layer.weights.length === 0 || skip.has(layer.name)) continue;
    const found = weights.get(layer.name);
    if (found === undefined) {
      throw new UserError(
        `${source} has no layer "${layer.name}", which ${model.name} needs; it has ${listed([...weights.keys()])}.`,
      );
    }
    const wanted = layer.weights.map((weight) => weight.shape.join(' × '));
    const given = found.map((weight) => weight.shape.join(' × '));
    if (wanted.join() !== given.join()) {
      throw new UserError(
        `In ${source} the weights of layer "${layer.name}" are ${listed(given)}, but ${model.name} needs ${listed(wanted)}.`,
      );
    }
    tf.tidy(() =>
      layer.setWeights(found.map(({ values, shape }) => tf.tensor(values, [...shape], 'float32'))),
    );
  }
}

const listed = (items: readonly string[]) => (items.length === 0 ? 'none' : items.join(', '));

function weightsOf(file: File, path: string): KerasWeights {
  const root = file.keys().includes('model_weights') ? group(file, 'model_weights', path) : file;
  const layerNames = textList(root, 'layer_names');
  if (layerNames === null) {
    throw new UserError(`${path} is HDF5 but no Keras file: it has no list of layers.`);
  }
  return new Map(
    layerNames.map((layer) => {
      const own = group(root, layer, path);
      return [layer, (textList(own, 'weight_names') ?? []).map((name) => weight(own, name, path))];
    }),
  );
}

function group(parent: Group, name: string, path: string): Group {
  const found = parent.get(name);
  if (!(found instanceof Group))
    throw new UserError(`${path} is damaged: it lists "${name}" but does not hold it.`);
  return found;
}

function weight(layer: Group, name: string, path: string): KerasWeight {
  const found = layer.get(name);
  if (!(found instanceof Dataset))
    throw new UserError(`${path} is damaged: it lists "${name}" but does not hold it.`);
  const values = found.value;
  const { shape } = found;
  if (!(values instanceof Float32Array) || shape === null) {
    throw new UserError(`${path} holds "${name}" as ${String(found.dtype)}; only float32 weights are read.`);
  }
  if (!values.every(Number.isFinite)) {
    throw new UserError(`${path} holds values in "${name}" that are no finite numbers: it is damaged.`);
  }
  return { name, shape, values };
}

function configOf(file: File, path: string): ModelConfig {
  const text = file.attrs.model_config?.value;
  if (typeof text !== 'string') {
    throw new UserError(`${path} holds no model, only weights or something else: it has no "model_config".`);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw new UserError(`${path} is damaged: its "model_config" is no JSON.`);
  }
  if (!isModelConfig(config)) throw new UserError(`${path} holds a "model_config" that lists no layers.`);
  return config;
}

function isModelConfig(config: unknown): config is ModelConfig {
  return (
    typeof config === 'object' &&
    config !== null &&
    Array.isArray((config as Partial<ModelConfig>).config?.layers)
  );
}

/** An attribute that is a list of names; null where there is none. */
function textList(holder: Group, name: string): string[] | null {
  const value = holder.attrs[name]?.value;
  if (value === undefined || value === null) return null;
  // An empty list comes as an empty array of numbers: Keras writes it so for a layer without weights.
  return Array.from(value as ArrayLike<unknown>, (entry) => String(entry));
}

function withoutRandomStart({ class_name, config }: ModelConfig): ModelConfig {
  const zeros = { class_name: 'Zeros', config: {} };
  return {
    class_name,
    config: {
      ...config,
      layers: config.layers.map((layer) =>
        'kernel_initializer' in layer.config
          ? { ...layer, config: { ...layer.config, kernel_initializer: zeros } }
          : layer,
      ),
    },
  };
}
