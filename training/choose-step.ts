// Chooses how a model's training steps are run: compiled where they can be, else operation by operation.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { eagerStep } from './eager-step.ts';
import { compiledStep } from './graph/compiled-step.ts';
import type { LossOptions } from './graph/loss.ts';
import type { Optimizer } from './optimizers/index.ts';
import type { InputType, TrainingStep } from './training-step.ts';

/**
 * Makes the fastest step that the current backend and the model have.
 *
 * @param stored what the array of inputs holds
 * @param log is told why a step on native TensorFlow is not compiled
 * @param loss how the loss of a training step differs from the plain cross-entropy
 */
export async function chooseStep(
  model: LayersModel,
  optimizer: Optimizer,
  stored: InputType,
  log: (line: string) => void = console.log,
  loss: LossOptions = {},
): Promise<TrainingStep> {
  if (tf.getBackend() !== 'tensorflow') return eagerStep(model, optimizer, loss);
  const compiled = await compiledStep(model, optimizer, { inputType: stored, ...loss });
  if ('step' in compiled) return compiled.step;
  log(`${model.name} trains operation by operation, which takes about twice as long: ${compiled.reason}.`);
  return eagerStep(model, optimizer, loss);
}
