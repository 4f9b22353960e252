// RMSprop (Hinton's lecture 6e, 2012), as Keras writes it.
import * as tf from '@tensorflow/tfjs-core';
import { type Coefficients, epsilon, KerasOptimizer, type Slots } from './keras-optimizer.ts';

const rho = 0.9;

/** `v ← ρ v + (1 - ρ) g²`, `w ← w - α g / √(v + ε)`: epsilon stands inside the root. */
export class RMSprop extends KerasOptimizer<'velocity', 'rate' | 'rho' | 'rest' | 'epsilon'> {
  static className = 'RMSprop';

  constructor(learningRate: number) {
    super(learningRate, ['velocity']);
  }

  override coefficients() {
    return { rate: this.learningRate, rho, rest: 1 - rho, epsilon };
  }

  protected override update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    { velocity }: Slots<'velocity'>,
    c: Coefficients<'rate' | 'rho' | 'rest' | 'epsilon'>,
  ): void {
    velocity.assign(tf.add(tf.mul(velocity, c.rho), tf.mul(tf.square(gradient), c.rest)));
    weight.assign(tf.sub(weight, tf.mul(tf.mul(gradient, c.rate), tf.rsqrt(tf.add(velocity, c.epsilon)))));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, rho, epsilon };
  }
}
