// Adam (Kingma & Ba 2014), as Keras writes it.
import * as tf from '@tensorflow/tfjs-core';
import { type Coefficients, epsilon, KerasOptimizer, type Slots } from './keras-optimizer.ts';

const beta1 = 0.9;
const beta2 = 0.999;

/**
 * The form of the paper's section 2, before algorithm 1's rewriting, which Keras uses: the bias corrections go into the step
 * size `α_t = α √(1 - β₂ᵗ) / (1 - β₁ᵗ)`, and epsilon is added to the uncorrected root: `w ← w - α_t m / (√v + ε)`.
 */
export class Adam extends KerasOptimizer<'m' | 'v', 'rate' | 'rest1' | 'rest2' | 'epsilon'> {
  static className = 'Adam';

  constructor(learningRate: number) {
    super(learningRate, ['m', 'v']);
  }

  override coefficients(step: number) {
    return {
      rate: (this.learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step),
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      epsilon,
    };
  }

  protected override update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    { m, v }: Slots<'m' | 'v'>,
    c: Coefficients<'rate' | 'rest1' | 'rest2' | 'epsilon'>,
  ): void {
    m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), c.rest1)));
    v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), c.rest2)));
    weight.assign(tf.sub(weight, tf.div(tf.mul(m, c.rate), tf.add(tf.sqrt(v), c.epsilon))));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, beta1, beta2, epsilon };
  }
}
