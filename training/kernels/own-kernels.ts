// Our own WebAssembly module, working on the memory of tfjs-backend-wasm's.
import * as tf from '@tensorflow/tfjs-core';
import { assemblyBinary } from './assembly-binary.ts';
import type { WasmBackend } from './wasm-memory.ts';

/** What assembly/index.ts exports: addresses and sizes are numbers. */
type Exports = Readonly<
  Record<
    | 'columnSums'
    | 'conv2dBackpropFilter'
    | 'conv2dBackpropFilterScratch'
    | 'matMul'
    | 'matMulScratch'
    | 'maxPoolGrad'
    | 'reluGrad',
    (...numbers: number[]) => number
  >
>;

let loaded: { memory: WebAssembly.Memory; kernels: Exports } | undefined;

/** The module's functions. A backend that is started anew has a new memory, and gets a new instance. */
export function ownKernels({ wasm }: WasmBackend): Exports {
  const { memory } = wasm.asm;
  if (loaded?.memory !== memory) {
    const module = new WebAssembly.Module(Buffer.from(assemblyBinary, 'base64'));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    loaded = { memory, kernels: exports as Exports };
  }
  return loaded.kernels;
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

/** What tfjs hands to a kernel. */
export interface KernelArguments {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attrs: tf.NamedAttrMap;
  readonly backend: WasmBackend;
}
