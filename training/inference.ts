// Runs layers as in inference, behind an interface that an eager and a compiled implementation share.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { InputType } from './training-step.ts';

/** A sequence of layers with weights. It takes the first layer's inputs and gives the last one's outputs. */
export interface Inference {
  /** What the inputs must hold. */
  readonly inputType: InputType;
  /**
   * Runs one batch, dropout off and with moving averages for batch statistics.
   *
   * @param inputs `[batch, …]`, of `inputType`
   * @returns `float32 [batch, …]`; the caller disposes of both
   */
  run(inputs: tf.Tensor): tf.Tensor;
  /** Frees what it holds beside the layers' own weights. */
  dispose(): void;
}

/** Layer by layer, on any backend: the reference for faster ones. */
export function eagerInference(layers: LayersModel['layers']): Inference {
  return {
    inputType: 'float32',
    run: (inputs) =>
      tf.tidy(() => layers.reduce((x, layer) => layer.apply(x, { training: false }) as tf.Tensor, inputs)),
    dispose() {},
  };
}

/** Values that the widest layer's outputs may have for a batch: half a GiB of them. */
const largestOutputs = 2 ** 27;

/** Rows to run at a time: as many as are of use, and fewer where the layers' outputs are large. */
export function inferenceBatch(layers: LayersModel['layers']): number {
  const values = layers.map((layer) => tf.util.sizeFromShape((layer.outputShape as number[]).slice(1)));
  return Math.max(1, Math.min(128, Math.floor(largestOutputs / Math.max(...values))));
}
