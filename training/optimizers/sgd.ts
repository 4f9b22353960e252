// Stochastic gradient descent with momentum (Sutskever et al. 2013), as Keras writes it.
import * as tf from '@tensorflow/tfjs-core';
import { type Coefficients, KerasOptimizer, type Slots } from './keras-optimizer.ts';

/** `m ← μ m - α g`, `w ← w + m`: the learning rate is inside the momentum, so a change of it takes effect gradually. */
export class SGD extends KerasOptimizer<'momentum', 'rate' | 'momentum'> {
  static className = 'SGD';

  /** @param momentum 0 ≤ μ < 1; 0 is plain gradient descent */
  constructor(
    learningRate: number,
    private readonly momentum = 0,
  ) {
    super(learningRate, momentum === 0 ? [] : ['momentum']);
    if (!(momentum >= 0 && momentum < 1)) throw new RangeError(`The momentum ${momentum} is not in [0, 1).`);
  }

  override coefficients() {
    return { rate: this.learningRate, momentum: this.momentum };
  }

  protected override update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    slots: Slots<'momentum'>,
    c: Coefficients<'rate' | 'momentum'>,
  ): void {
    const step = tf.mul(gradient, c.rate);
    if (this.momentum === 0) {
      weight.assign(tf.sub(weight, step));
      return;
    }
    slots.momentum.assign(tf.sub(tf.mul(slots.momentum, c.momentum), step));
    weight.assign(tf.add(weight, slots.momentum));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, momentum: this.momentum };
  }
}
