// Dropout whose masks depend on the seed and the training step alone, where TensorFlow.js' own repeats one mask or is unseeded.
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

/**
 * Draws a mask: 1 / (1 - rate) with probability 1 - rate, else 0.
 *
 * @param shape of the layer's input, `[batch, …]`
 * @param rate share that is dropped, 0 < rate < 1
 * @param seed the layer's seed, and the training steps done before this one
 */
export type DrawMask = (
  shape: readonly number[],
  rate: number,
  seed: readonly [layer: number, step: number],
) => tf.Tensor;

/**
 * Inverted dropout (Srivastava et al. 2014, scaled while training as Keras does), saved and loaded as Keras' `Dropout`.
 *
 * While training, who runs the steps gives it `drawMask` and sets `step`; for inference it is the identity.
 */
export class SeededDropout extends layers.Layer {
  /** Keras' name: in a saved model this layer is a plain `Dropout`. */
  static className = 'Dropout';
  drawMask: DrawMask | null = null;
  step = 0;
  readonly rate: number;
  readonly seed: number;

  /** @param args `rate`: share of the inputs set to zero, 0 ≤ rate < 1; `seed`: of this layer alone */
  constructor(args: { name: string; rate: number; seed: number }) {
    super({ name: args.name });
    if (!(args.rate >= 0 && args.rate < 1))
      throw new RangeError(`Dropout's rate ${args.rate} is not in [0, 1).`);
    this.rate = args.rate;
    this.seed = args.seed;
    this.supportsMasking = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }): tf.Tensor {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    if (kwargs.training !== true || this.rate === 0) return tf.clone(input);
    const { drawMask } = this;
    if (drawMask === null) throw new Error(`Dropout layer ${this.name} trains without a source of masks.`);
    return tf.tidy(() => tf.mul(input, drawMask(input.shape, this.rate, [this.seed, this.step])));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate, noiseShape: null, seed: this.seed };
  }
}
