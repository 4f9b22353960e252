// The JSON that Keras rebuilds an architecture from.
import { type LayersModel, Sequential } from '@tensorflow/tfjs-layers';

interface LayerConfig {
  class_name: string;
  config: Record<string, unknown>;
}

/** A model's `model_config`, as Keras 2 writes it. */
export interface ModelConfig {
  class_name: string;
  config: { name: string; layers: LayerConfig[] } & Record<string, unknown>;
}

/**
 * The `model_config` of a sequential model.
 *
 * TensorFlow.js' own JSON lacks the input layer, which Keras 3 asks for, and the layers' number type.
 *
 * @throws Error if the model is not sequential
 */
export function kerasConfig(model: LayersModel): ModelConfig {
  if (!(model instanceof Sequential))
    throw new Error(`Only sequential models are saved; ${model.name} is not one.`);
  const { class_name, config } = model.toJSON(null, false) as unknown as ModelConfig;
  const input: LayerConfig = {
    class_name: 'InputLayer',
    config: {
      batch_input_shape: model.inputs[0]!.shape,
      dtype: 'float32',
      sparse: false,
      ragged: false,
      name: 'pictures',
    },
  };
  const layers = config.layers.map(({ class_name, config: { batch_input_shape: _, ...rest } }) => ({
    class_name,
    config: { dtype: 'float32', ...rest },
  }));
  return { class_name, config: { name: config.name, layers: [input, ...layers] } };
}
