// A training whose numbers are no longer finite: a result of its own, which is reported and not averaged away.
import { UserError } from '../engine/stage.ts';
import type { EpochRecord, EpochTime } from './fit.ts';

/** Where and why a training diverged. Its message is for the user. */
export class Diverged extends UserError {
  /** Epochs before it diverged, whose numbers are finite. */
  epochs: readonly EpochRecord[] = [];
  /** Of those of these epochs that were trained here. */
  times: readonly EpochTime[] = [];

  /**
   * @param epoch in which it diverged, from 1
   * @param what is not finite, as the beginning of a sentence
   */
  constructor(
    readonly epoch: number,
    what: string,
  ) {
    super(`${what}: the training diverged. Try a smaller learning rate.`);
  }
}
