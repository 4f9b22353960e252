// What the optimizers share: one set of state variables for each weight, updated with Keras' formulas, saved and restored.
import * as tf from '@tensorflow/tfjs-core';

/** A weight's state variables, by slot name. */
export type Slots<Slot extends string> = Readonly<Record<Slot, tf.Variable>>;

/** What is the same for all weights in a step, as scalars on the device. */
export type Coefficients<Name extends string> = Readonly<Record<Name, tf.Scalar>>;

type NamedTensor = Awaited<ReturnType<tf.Optimizer['getWeights']>>[number];

/**
 * An optimizer as TensorFlow.js knows it, with Keras' formulas.
 *
 * TensorFlow.js' own differ in places that show after a few steps: RMSprop's decay and its learning rate inside the momentum,
 * Adam's bias correction beside epsilon rather than before it. There is no Nadam.
 */
export abstract class KerasOptimizer<Slot extends string, Coefficient extends string> extends tf.Optimizer {
  /** State variables of each weight, by the weight's name; in the order in which the weights first came. */
  private readonly slots = new Map<string, Slots<Slot>>();

  protected constructor(
    /** Step size; may be changed between steps. */
    public learningRate: number,
    /** The state variables that each weight has. */
    readonly slotNames: readonly Slot[],
  ) {
    super();
    if (!(learningRate > 0)) throw new RangeError(`The learning rate ${learningRate} is not above 0.`);
  }

  /**
   * The numbers of the formula that are the same for all weights, at the current learning rate.
   *
   * @param step steps taken, this one included: 1 at the first
   */
  abstract coefficients(step: number): Record<Coefficient, number>;

  /** Moves one weight and its state by its gradient, all of one shape. */
  protected abstract update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    slots: Slots<Slot>,
    coefficients: Coefficients<Coefficient>,
  ): void;

  override applyGradients(gradients: tf.NamedTensorMap | NamedTensor[]): void {
    const list = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    tf.tidy(() => {
      const numbers = this.coefficients(this.iterations + 1);
      const coefficients = Object.fromEntries(
        Object.entries<number>(numbers).map(([name, value]) => [name, tf.scalar(value, 'float32')]),
      ) as Coefficients<Coefficient>;
      for (const { name, tensor } of list) {
        const weight = tf.engine().registeredVariables[name];
        if (weight === undefined) throw new Error(`There is no weight ${name} to apply a gradient to.`);
        this.update(weight, tensor, this.slotsOf(weight), coefficients);
      }
    });
    this.incrementIterations();
  }

  private slotsOf(weight: tf.Variable): Slots<Slot> {
    const existing = this.slots.get(weight.name);
    if (existing !== undefined) return existing;
    const made = Object.fromEntries(
      this.slotNames.map((slot) => [slot, tf.tidy(() => tf.variable(tf.zerosLike(weight), false))]),
    ) as Slots<Slot>;
    this.slots.set(weight.name, made);
    return made;
  }

  /** @returns the step counter, then each weight's slots, named `<weight>/<slot>`; the variables themselves, not copies */
  override async getWeights(): Promise<NamedTensor[]> {
    const state = [...this.slots].flatMap(([weight, slots]) =>
      this.slotNames.map((slot) => ({ name: `${weight}/${slot}`, tensor: slots[slot] })),
    );
    return [await this.saveIterations(), ...state];
  }

  /** Takes over what `getWeights` gave, of an optimizer of the same kind on weights of the same names. */
  override async setWeights(values: NamedTensor[]): Promise<void> {
    const state = await this.extractIterations(values);
    this.disposeSlots();
    for (let start = 0; start < state.length; start += this.slotNames.length) {
      const own = state.slice(start, start + this.slotNames.length);
      const suffix = `/${this.slotNames[0]}`;
      const first = own[0]!.name;
      if (own.length < this.slotNames.length || !first.endsWith(suffix)) {
        throw new Error(`This is not the state of ${this.getClassName()}: ${first}.`);
      }
      this.slots.set(
        first.slice(0, -suffix.length),
        Object.fromEntries(
          own.map(({ tensor }, index) => [this.slotNames[index], tf.variable(tensor, false)]),
        ) as Slots<Slot>,
      );
    }
  }

  override dispose(): void {
    this.disposeSlots();
  }

  private disposeSlots(): void {
    for (const slots of this.slots.values()) tf.dispose(Object.values<tf.Variable>(slots));
    this.slots.clear();
  }
}

/** Keras' small number that keeps denominators from 0. */
export const epsilon = 1e-7;
