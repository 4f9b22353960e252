// The training loop: epochs of shuffled batches, each with its loss and accuracy, the same for the same seed.
import * as tf from '@tensorflow/tfjs-core';
import { type Progress, UserError } from '../engine/stage.ts';
import { seededRandom, shuffle } from '../pictures/random.ts';
import type { Augment } from './augmentation.ts';
import { batches, type Examples } from './batches.ts';
import { Diverged } from './diverged.ts';
import { withBatchToTry } from './out-of-memory.ts';
import type { BatchResult, TrainingStep } from './training-step.ts';

/** What an epoch gave. Training figures are means over the epoch while the weights moved, dropout on, as Keras has them. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
}

/** How long an epoch took, in seconds. */
export interface EpochTime {
  /** The whole epoch, validation included. */
  readonly seconds: number;
  /** Its training steps alone. */
  readonly trainSeconds: number;
}

export interface FitOptions {
  readonly step: TrainingStep;
  readonly examples: Examples;
  /** Rows that train. */
  readonly train: readonly number[];
  /** Rows that validate. */
  readonly validation: readonly number[];
  /** Pictures in a step; an epoch's last step may have fewer. */
  readonly batch: number;
  readonly epochs: number;
  /** Fixes the order of the rows in each epoch. */
  readonly seed: number;
  /** Of each step, from the steps taken before it: for the message when the loss is no longer finite. */
  readonly learningRate: number | ((step: number) => number);
  /** Called before each step with the steps taken so far: a place to set the optimizer's learning rate. */
  readonly beforeStep?: (step: number) => void;
  /** Makes other pictures of an epoch's; epochs count from 1. */
  readonly augment?: (epoch: number) => Augment;
  /** Epochs of an earlier training that this one goes on from, the step's model and optimizer being where it ended. */
  readonly done?: readonly EpochRecord[];
  /** Called after each epoch, the model's and the optimizer's state up to date; `stop` ends the training. */
  readonly onEpoch?: (
    record: EpochRecord,
    time: EpochTime,
  ) => undefined | 'stop' | Promise<undefined | 'stop'>;
  readonly progress?: (update: Progress) => void;
}

export interface FitResult {
  /** All epochs, those done before among them. */
  readonly epochs: readonly EpochRecord[];
  /** Of the epochs trained here. */
  readonly times: readonly EpochTime[];
}

/** Results are read back together after so many steps, so that the device need not be waited for at each one. */
const readEvery = 16;

/** Most pictures in a batch of validation: many, since nothing is kept for gradients, and the same for all runs. */
const validationBatch = 128;

/** Values that the inputs of such a batch may have, 33 pictures of 224 × 224: the memory must do for steps of 64 and no more. */
const validationValues = 5_000_000;

/**
 * Trains for the given epochs and validates after each.
 *
 * @throws Diverged if the loss is not finite, with epoch, step and learning rate
 * @throws UserError if memory does not suffice, with the batch size to try
 */
export async function fitModel(options: FitOptions): Promise<FitResult> {
  const { train, validation } = options;
  if (train.length === 0 || validation.length === 0) {
    throw new UserError('There is nothing to train or validate on: the split has an empty side.');
  }
  const records: EpochRecord[] = [...(options.done ?? [])];
  const times: EpochTime[] = [];
  try {
    await fitEpochs(options, records, times);
  } catch (error) {
    if (error instanceof Diverged) {
      // The epoch that diverged is not among the finite ones.
      error.epochs = records.slice(0, error.epoch - 1);
      error.times = times.slice(0, Math.max(0, times.length - (records.length - error.epochs.length)));
    }
    throw error;
  }
  return { epochs: records, times };
}

/** Adds a record and a time for each epoch. */
async function fitEpochs(options: FitOptions, records: EpochRecord[], times: EpochTime[]): Promise<void> {
  const { step, examples, train, validation, batch, epochs, seed } = options;
  const stepsPerEpoch = Math.ceil(train.length / batch);
  for (let epoch = records.length + 1; epoch <= epochs; epoch++) {
    const start = performance.now();
    const tally = new Tally((stepInEpoch, loss) => notFinite(options, epoch, stepInEpoch, loss));
    const rows = shuffle([...train], seededRandom(seed, 'epoch', epoch));
    let done = (epoch - 1) * stepsPerEpoch;
    const augment = options.augment?.(epoch);
    try {
      for await (const own of batches(examples, rows, batch, step.inputType, augment)) {
        options.beforeStep?.(done);
        await tally.add(step.train(own, done), own.inputs.shape[0]!);
        done++;
        options.progress?.({
          done,
          total: epochs * stepsPerEpoch,
          unit: 'steps',
          message: `epoch ${epoch}/${epochs}, ${described(tally.soFar())}`,
        });
      }
    } catch (error) {
      throw withBatchToTry(error, batch);
    }
    const { loss, accuracy } = await tally.finish();
    const trained = performance.now();
    const { loss: valLoss, accuracy: valAccuracy } = await evaluate(step, examples, validation);
    if (!Number.isFinite(valLoss))
      throw new Diverged(epoch, `The validation loss is ${valLoss} after epoch ${epoch}`);
    const record = { epoch, loss, accuracy, valLoss, valAccuracy };
    const time = {
      seconds: (performance.now() - start) / 1000,
      trainSeconds: (trained - start) / 1000,
    };
    records.push(record);
    times.push(time);
    await step.updateModel();
    if ((await options.onEpoch?.(record, time)) === 'stop') break;
  }
}

/** Mean loss and accuracy of rows, without training on them. */
export async function evaluate(
  step: TrainingStep,
  examples: Examples,
  rows: readonly number[],
): Promise<{ loss: number; accuracy: number }> {
  const tally = new Tally();
  const fitting = Math.floor(validationValues / examples.inputs.rowElements);
  const size = Math.max(1, Math.min(validationBatch, fitting));
  for await (const own of batches(examples, rows, size, step.inputType)) {
    await tally.add(step.evaluate(own), own.inputs.shape[0]!);
  }
  return tally.finish();
}

/** Sums up the batches' results, reading them back from the device a few at a time. */
class Tally {
  private readonly pending: { result: BatchResult; size: number }[] = [];
  private loss = 0;
  private correct = 0;
  private pictures = 0;
  private steps = 0;

  /** @param onNotFinite is told the step in the epoch, from 1, and the loss; it throws */
  constructor(private readonly onNotFinite?: (step: number, loss: number) => never) {}

  async add(result: BatchResult, size: number): Promise<void> {
    this.pending.push({ result, size });
    if (this.pending.length >= readEvery) await this.read();
  }

  /** Means of what has been read back; null before the first. */
  soFar(): { loss: number; accuracy: number } | null {
    if (this.pictures === 0) return null;
    return { loss: rounded(this.loss / this.pictures), accuracy: rounded(this.correct / this.pictures) };
  }

  async finish(): Promise<{ loss: number; accuracy: number }> {
    await this.read();
    return this.soFar()!;
  }

  private async read(): Promise<void> {
    const own = this.pending.splice(0);
    if (own.length === 0) return;
    const stacked = tf.tidy(() => tf.stack(own.flatMap(({ result }) => [result.loss, result.correct])));
    tf.dispose(own.flatMap(({ result }) => [result.loss, result.correct]));
    const values = await stacked.data();
    stacked.dispose();
    own.forEach(({ size }, index) => {
      this.steps++;
      const loss = values[2 * index]!;
      if (!Number.isFinite(loss)) this.onNotFinite?.(this.steps, loss);
      this.loss += loss * size;
      this.correct += values[2 * index + 1]!;
      this.pictures += size;
    });
  }
}

/** Seven significant digits: what a float32 holds. */
const rounded = (value: number) => Number(value.toPrecision(7));

const described = (means: { loss: number; accuracy: number } | null) =>
  means === null ? 'loss –' : `loss ${means.loss.toFixed(3)}, accuracy ${means.accuracy.toFixed(3)}`;

function notFinite(
  { learningRate, train, batch }: FitOptions,
  epoch: number,
  step: number,
  loss: number,
): never {
  const before = (epoch - 1) * Math.ceil(train.length / batch) + step - 1;
  const rate = typeof learningRate === 'number' ? learningRate : learningRate(before);
  throw new Diverged(
    epoch,
    `The loss is ${loss} in epoch ${epoch}, step ${step}, at learning rate ${Number(rate.toPrecision(4))}`,
  );
}
