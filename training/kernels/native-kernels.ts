// Loads our kernels (native/, compiled by the native set-up) into the TensorFlow that tfjs-node has started.
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../engine/stage.ts';

/** The backends whose TensorFlow knows the operations. */
const loaded = new WeakSet<object>();

/**
 * Makes the operations known. The tensorflow backend must be registered.
 *
 * @param file the compiled kernels
 * @returns the instruction set that they use on this machine
 * @throws UserError if another one is asked for
 * @throws Error if they don't load into this TensorFlow
 */
export function loadNativeKernels(file: string): string {
  const addon = { exports: {} as { instructions: string } };
  process.dlopen(addon, file);
  const { instructions } = addon.exports;
  const wish = process.env.RODADA_INSTRUCTIONS;
  if (wish !== undefined && wish !== '' && wish !== instructions) {
    throw new UserError(
      `RODADA_INSTRUCTIONS is "${wish}"; it must be one of avx512, avx2, baseline, and one that this processor has.`,
    );
  }
  loaded.add(tf.findBackend('tensorflow'));
  return instructions;
}

/** Whether the current backend has our kernels. */
export const hasNativeKernels = (): boolean => loaded.has(tf.backend());
