// Tensors of the WASM backend as typed arrays over its memory, for kernels written in TypeScript.
import * as tf from '@tensorflow/tfjs-core';

/** The part of tfjs-backend-wasm's backend that is used here. */
export interface WasmBackend extends tf.KernelBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** A view of a float32 tensor's values, without a copy. It is valid until the backend allocates memory. */
export function wasmFloats(backend: WasmBackend, tensor: tf.TensorInfo): Float32Array {
  tf.util.assert(tensor.dtype === 'float32', () => `expected a float32 tensor, got ${tensor.dtype}`);
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}
