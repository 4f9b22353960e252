// The learning rate at each step, from the schedule that the parameters name.
import type { ScheduleParams } from '../params/training.ts';

/** Steps of a training. */
export interface Steps {
  readonly perEpoch: number;
  readonly epochs: number;
}

/**
 * The learning rate of a step, with the formulas of Keras' `CosineDecay` and `ExponentialDecay`.
 *
 * Cosine (Loshchilov & Hutter 2016, without restarts): `α (f + (1 - f) (1 + cos(π t / T)) / 2)`, T all steps, f `final`.
 * Exponential: `α rate^(t / D)`, D the steps of `epochs` epochs; the exponent rounded down for a staircase.
 *
 * @param learningRate α, at the first step
 * @param step steps taken before this one
 */
export function scheduledRate(
  schedule: ScheduleParams | undefined,
  learningRate: number,
  step: number,
  steps: Steps,
): number {
  switch (schedule?.kind) {
    case undefined:
    case 'constant':
      return learningRate;
    case 'cosine': {
      const { final = 0 } = schedule;
      const done = Math.min(1, step / (steps.perEpoch * steps.epochs));
      return learningRate * (final + ((1 - final) * (1 + Math.cos(Math.PI * done))) / 2);
    }
    case 'exponential': {
      const exponent = step / (steps.perEpoch * schedule.epochs);
      return learningRate * schedule.rate ** (schedule.staircase === true ? Math.floor(exponent) : exponent);
    }
  }
}

/** Whether the learning rate of a step depends on how many epochs there will be: then no run can go on from a shorter one. */
export const dependsOnLength = (schedule: ScheduleParams | undefined): boolean => schedule?.kind === 'cosine';
