// Bytes as a tensor of native TensorFlow, a quarter of the size of floats.
import type * as tf from '@tensorflow/tfjs-core';
import { tensorflowBackend } from './kernels/tensorflow-op.ts';

/** The part of tfjs-node's backend that is used here. */
interface Backend {
  readonly binding: {
    readonly TF_UINT8: number;
    createTensor(shape: readonly number[], type: number, values: Uint8Array): number;
  };
  createOutputTensor(info: { id: number; shape: readonly number[]; dtype: number }): tf.Tensor;
}

/**
 * A tensor of `uint8`, which tfjs has no name for (it reads it as int32): good to be fed where a compiled graph takes bytes, and
 * for nothing else. The tensorflow backend must be the current one. The caller disposes of the tensor.
 *
 * @param bytes are not copied: leave them as they are until then
 */
export function bytesTensor(bytes: Uint8Array, shape: readonly number[]): tf.Tensor {
  const backend = tensorflowBackend() as unknown as Backend;
  const { binding } = backend;
  const id = binding.createTensor(shape, binding.TF_UINT8, bytes);
  return backend.createOutputTensor({ id, shape: [...shape], dtype: binding.TF_UINT8 });
}
