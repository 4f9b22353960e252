// Chooses how layers are run as in inference: compiled where they can be, else one after the other.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { compiledInference } from './graph/compiled-inference.ts';
import { eagerInference, type Inference } from './inference.ts';
import type { InputType } from './training-step.ts';

/**
 * Makes the fastest inference that the current backend and the layers have. The weights are those that the layers have now;
 * keep them until it is disposed of.
 *
 * @param name of the model, for the log
 * @param layers one after the other, each with one input
 * @param stored what the array of inputs holds
 * @param log is told why an inference on native TensorFlow is not compiled
 */
export function chooseInference(
  name: string,
  layers: LayersModel['layers'],
  stored: InputType,
  log: (line: string) => void = console.log,
): Inference {
  if (tf.getBackend() !== 'tensorflow') return eagerInference(layers);
  const compiled = compiledInference(layers, stored);
  if ('inference' in compiled) return compiled.inference;
  log(`${name} runs layer by layer, which takes a little longer: ${compiled.reason}.`);
  return eagerInference(layers);
}
