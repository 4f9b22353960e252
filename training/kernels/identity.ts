// Copies of tensors on WASM that share their values, as on all other backends; tfjs' own copies them, at each assignment too.
import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './replace-kernel.ts';

/** Replaces the kernel `Identity` of the WASM backend. Tensors don't change, so two of them can share one place in memory. */
export function registerIdentity(): void {
  replaceKernel(tf.Identity, ({ inputs, backend }) => {
    const { dataId, shape, dtype } = inputs.x!;
    backend.incRef(dataId);
    return { dataId, shape, dtype };
  });
}
