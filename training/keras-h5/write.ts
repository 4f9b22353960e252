// Writes a whole model as a Keras .h5 file, which Keras 2 and Keras 3 open with `load_model`.
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { kerasConfig } from './config.ts';
import { type Group, writeHdf5 } from './hdf5.ts';

/** The version whose file layout this is. */
const kerasVersion = '2.15.0';

/**
 * Writes architecture and weights in the layout of Keras 2: `model_config` as an attribute, the weights of each layer in a
 * group of `model_weights`. The model is saved uncompiled. The same model gives the same bytes.
 *
 * @param path is replaced if it exists
 */
export async function writeKerasModel(model: LayersModel, path: string): Promise<void> {
  const layers = await Promise.all(
    model.layers.map(async (layer) => ({
      name: layer.name,
      weights: await Promise.all(
        layer.weights.map(async (weight) => ({
          name: `${weight.originalName}:0`,
          shape: weight.shape as number[],
          values: (await weight.read().data()) as Float32Array,
        })),
      ),
    })),
  );
  await writeHdf5(path, (file) => {
    file.create_attribute('backend', 'tensorflow');
    file.create_attribute('keras_version', kerasVersion);
    file.create_attribute('model_config', JSON.stringify(kerasConfig(model)));
    const root = file.create_group('model_weights');
    root.create_attribute('backend', 'tensorflow');
    root.create_attribute('keras_version', kerasVersion);
    names(
      root,
      'layer_names',
      layers.map((layer) => layer.name),
    );
    for (const { name, weights } of layers) {
      const group = root.create_group(name);
      names(
        group,
        'weight_names',
        weights.map((weight) => weight.name),
      );
      for (const { name: path, shape, values } of weights) {
        const parts = path.split('/');
        const last = parts.pop()!;
        const parent = parts.reduce<Group>(
          (parent, part) =>
            parent.keys().includes(part) ? (parent.get(part) as Group) : parent.create_group(part),
          group,
        );
        parent.create_dataset({ name: last, data: values, shape, dtype: '<f4' });
      }
    }
  });
}

/** A list of names as Keras writes it: fixed-length byte strings, padded with zeros. */
function names(group: Group, attribute: string, list: readonly string[]): void {
  const length = Math.max(1, ...list.map((name) => Buffer.byteLength(name)));
  group.create_attribute(attribute, [...list], [list.length], `A${length}`);
}
