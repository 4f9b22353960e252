// Puts kernels of our own in the place of tfjs' on the WASM backend.
import * as tf from '@tensorflow/tfjs-core';
import type { WasmBackend } from './wasm-memory.ts';

/** What tfjs hands to a kernel. */
export interface KernelArguments {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attrs: tf.NamedAttrMap;
  readonly backend: WasmBackend;
}

/**
 * Registers a kernel of the WASM backend in place of tfjs' own, if that has one.
 *
 * @param kernel gives undefined for what it can't compute: then tfjs' kernel does it
 */
export function replaceKernel(
  kernelName: string,
  kernel: (args: KernelArguments) => tf.TensorInfo | undefined,
): void {
  const original = tf.getKernel(kernelName, 'wasm') as tf.KernelConfig | undefined;
  if (original !== undefined) tf.unregisterKernel(kernelName, 'wasm'); // registering over it would print a warning
  tf.registerKernel({
    ...original,
    kernelName,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const result = kernel(args as unknown as KernelArguments);
      if (result !== undefined) return result;
      if (original === undefined) throw new Error(`${kernelName} on WASM can't compute this.`);
      return original.kernelFunc(args);
    },
  });
}
