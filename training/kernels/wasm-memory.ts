// Tensors of the WASM backend as addresses in its memory, for kernels of our own.
import type { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';

/** The part of Emscripten's module, in tfjs-backend-wasm's build with threads, that is used here. */
export interface BackendWasmModule {
  readonly wasmMemory: WebAssembly.Memory;
  readonly PThread: { readonly unusedWorkers: Worker[]; readonly runningWorkers: Worker[] };
  /** What tfjs' loader adds. */
  tfjs: { getThreadsCount(): number; [name: string]: (...numbers: number[]) => unknown };
  cwrap(name: string, returns: 'number', takes: string[]): (...numbers: number[]) => number;
  cwrap(name: string, returns: null, takes: string[]): (...numbers: number[]) => unknown;
  _malloc(bytes: number): number;
}

/** The part of tfjs-backend-wasm's backend that is used here. */
export interface WasmBackend extends tf.KernelBackend {
  readonly wasm: BackendWasmModule;
  readonly dataIdMap: tf.DataStorage<{ readonly memoryOffset: number }>;
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
}

/**
 * The address of a float32 tensor's values.
 *
 * @throws Error where there was no memory for them: tfjs then gives the tensor the address 0, and its own kernels write there
 */
export function floatsAt(backend: WasmBackend, tensor: tf.TensorInfo): number {
  tf.util.assert(tensor.dtype === 'float32', () => `expected a float32 tensor, got ${tensor.dtype}`);
  const { memoryOffset } = backend.dataIdMap.get(tensor.dataId);
  if (memoryOffset === 0) throw new Error(`WASM is out of memory: no room for [${tensor.shape}].`);
  return memoryOffset;
}

/**
 * Lends memory for the time of a call.
 *
 * @param use is given the memory's address
 */
export function withScratch(backend: WasmBackend, bytes: number, use: (address: number) => void): void {
  const scratch = backend.makeOutput([Math.ceil(bytes / 4)], 'float32');
  try {
    use(floatsAt(backend, scratch));
  } finally {
    backend.disposeData(scratch.dataId, true);
  }
}
