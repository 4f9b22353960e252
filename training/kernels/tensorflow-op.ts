// Runs one raw TensorFlow operation through tfjs-node's backend.
import * as tf from '@tensorflow/tfjs-core';

/** An attribute of an operation: its `type` is one of the binding's `TF_ATTR_…` constants. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The part of tfjs-node's backend that is used here. */
export interface TensorflowBackend extends tf.KernelBackend {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_FLOAT' | 'TF_INT32', number>>;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
}

/** An attribute that names the type `float32`. */
export function floatType(backend: TensorflowBackend, name: string): OpAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT };
}

/** An attribute that names the type `int32`. */
export function intType(backend: TensorflowBackend, name: string): OpAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_INT32 };
}

/** The tensorflow backend; call it only where it is the current one. */
export function tensorflowBackend(): TensorflowBackend {
  return tf.backend() as TensorflowBackend;
}
