// Nadam: Adam with Nesterov momentum (Dozat 2016), as Keras writes it.
import * as tf from '@tensorflow/tfjs-core';
import { type Coefficients, epsilon, KerasOptimizer, type Slots } from './keras-optimizer.ts';

const beta1 = 0.9;
const beta2 = 0.999;

type Coefficient = 'rest1' | 'rest2' | 'moment' | 'gradient' | 'unbias2' | 'rate' | 'epsilon';

/**
 * With the momentum schedule `μ_t = β₁ (1 - ½ · 0.96^(t·d))`, where d is the schedule's decay, and its product `Π_t = μ₁ … μ_t`:
 *
 * `m̂ = μ_{t+1} m / (1 - Π_{t+1}) + (1 - μ_t) g / (1 - Π_t)`, `v̂ = v / (1 - β₂ᵗ)`, `w ← w - α m̂ / (√v̂ + ε)`.
 *
 * (Keras 2.11 … 2.15 multiplies `Π` once for each weight instead of once a step when it trains inside a `tf.function`, as `fit`
 * does; run eagerly, and in Keras 3, it is as here.)
 *
 * Dozat's report and Keras up to 2.10 have d = 0.004; Keras' optimizers since 2.11, Keras 3 too, have d = 1, and so is the
 * default here.
 */
export class Nadam extends KerasOptimizer<'m' | 'v', Coefficient> {
  static className = 'Nadam';
  /** `Π_t` after `step` steps; follows from the step alone, so it needs no saving. */
  private product = { step: 0, value: 1 };

  /** @param scheduleDecay the momentum schedule's decay: 1 as Keras since 2.11, 0.004 as Dozat and Keras before */
  constructor(
    learningRate: number,
    private readonly scheduleDecay = 1,
  ) {
    super(learningRate, ['m', 'v']);
  }

  private momentum(step: number): number {
    return beta1 * (1 - 0.5 * 0.96 ** (step * this.scheduleDecay));
  }

  /** `Π_t`, from the last step's where this one follows it. */
  private momentumProduct(step: number): number {
    if (this.product.step > step) this.product = { step: 0, value: 1 };
    let { step: last, value } = this.product;
    while (last < step) value *= this.momentum(++last);
    this.product = { step, value };
    return value;
  }

  override coefficients(step: number) {
    const product = this.momentumProduct(step);
    const next = this.momentum(step + 1);
    return {
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      moment: next / (1 - product * next),
      gradient: (1 - this.momentum(step)) / (1 - product),
      unbias2: 1 - beta2 ** step,
      rate: this.learningRate,
      epsilon,
    };
  }

  protected override update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    { m, v }: Slots<'m' | 'v'>,
    c: Coefficients<Coefficient>,
  ): void {
    m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), c.rest1)));
    v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), c.rest2)));
    const moment = tf.add(tf.mul(m, c.moment), tf.mul(gradient, c.gradient));
    const root = tf.sqrt(tf.div(v, c.unbias2));
    weight.assign(tf.sub(weight, tf.div(tf.mul(moment, c.rate), tf.add(root, c.epsilon))));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, beta1, beta2, epsilon, scheduleDecay: this.scheduleDecay };
  }
}
