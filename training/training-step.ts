// One step of training, behind an interface that an eager and a compiled implementation can share.
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** Pictures or features and their labels, on the device. */
export interface Batch {
  /** `[batch, …]`, of the step's `inputType`. */
  readonly inputs: Tensor;
  /** `int32 [batch]`. */
  readonly labels: Tensor;
}

/** What a batch gave, still on the device: reading it is left to the caller, who does not wait for it at each step. */
export interface BatchResult {
  /** Mean cross-entropy of the batch, in nats. */
  readonly loss: Scalar;
  /** Pictures whose most probable class is the true one. */
  readonly correct: Scalar;
}

/** What a batch's inputs are: floats, or pictures as the bytes that they are stored as (`bytesTensor` makes such a tensor). */
export type InputType = 'float32' | 'uint8';

/** Trains and evaluates one model. The caller disposes of the results. */
export interface TrainingStep {
  /** What the batches must hold. */
  readonly inputType: InputType;
  /**
   * Takes one optimizer step.
   *
   * @param step steps taken before this one; with the model's seed it fixes the dropout masks
   * @returns loss and hits before the step, dropout on
   */
  train(batch: Batch, step: number): BatchResult;
  /** Loss and hits as in inference: dropout off, moving averages for batch statistics. */
  evaluate(batch: Batch): BatchResult;
  /** Brings the model's own weights up to date, where an implementation keeps them elsewhere while it trains. */
  updateModel(): Promise<void>;
  dispose(): void;
}
