// Trains a model as its parameters say: optimizer and schedule, loss, augmentation, early stopping, and where it goes on from.
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress } from '../engine/stage.ts';
import type { TrainingParams } from '../params/training.ts';
import { augmentation, augments } from './augmentation.ts';
import type { Examples } from './batches.ts';
import { bestWeights, type Checkpoint, restoreCheckpoint } from './checkpoint.ts';
import { chooseStep } from './choose-step.ts';
import { balancedClassWeights } from './class-weights.ts';
import { Diverged } from './diverged.ts';
import { EarlyStopping } from './early-stopping.ts';
import { type EpochRecord, type EpochTime, type FitResult, fitModel } from './fit.ts';
import type { LossOptions } from './graph/loss.ts';
import { makeOptimizer, type Optimizer } from './optimizers/index.ts';
import { scheduledRate } from './schedule.ts';

export interface TrainModelOptions {
  /** Fresh from its builder; has the trained weights afterwards. */
  readonly model: LayersModel;
  readonly params: TrainingParams;
  readonly examples: Examples;
  readonly split: {
    readonly classes: readonly string[];
    readonly train: readonly number[];
    readonly validation: readonly number[];
  };
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  /** State of a training of the same settings after fewer epochs; null starts from scratch. */
  readonly from: Checkpoint | null;
  readonly progress?: (update: Progress) => void;
  /** Takes the state after each epoch but the last, with the times of the epochs trained here: a place to keep it. */
  readonly afterEpoch?: (state: TrainingState, times: readonly EpochTime[]) => Promise<void>;
  /** Takes the state after the last epoch, before the best weights are restored: the place to write a checkpoint. */
  readonly save?: (state: TrainingState) => Promise<void>;
}

/** Where a training is, besides the model's weights. */
export interface TrainingState {
  readonly optimizer: Optimizer;
  readonly epochs: readonly EpochRecord[];
  /** With early stopping the weights of the best epoch, in the order of `model.weights`; else empty. */
  readonly best: readonly Float32Array[];
}

export interface TrainModelResult extends FitResult {
  /** With early stopping the epoch whose weights the model has; else null. */
  readonly best: number | null;
}

/**
 * Trains, on the current backend. The same options give the same weights, also when the training goes on from a checkpoint.
 *
 * @throws Diverged if the loss or a weight is not finite
 * @throws UserError if memory does not suffice, or the checkpoint is of another training
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainModelResult> {
  const { model, params, examples, split, batch, epochs, seed } = options;
  const stopping = params.earlyStopping ? new EarlyStopping(params.earlyStopping) : null;
  let { from } = options;
  if (from !== null && stopping !== null) {
    stopping.resume(from.epochs, bestWeights(from, model));
    if (stopping.stopped) {
      // Nothing is left to train; but how long that took is known only by doing it.
      console.log(
        `The shorter training stopped early, in epoch ${from.epochs.length}; this one does so anew.`,
      );
      return trainModel({ ...options, from: null });
    }
  }
  if (from !== null && from.epochs.length >= epochs) from = null;
  const optimizer = makeOptimizer(params.optimizer);
  if (from !== null) await restoreCheckpoint(from, model, optimizer);
  const step = await chooseStep(model, optimizer, examples.inputs.dtype, console.log, lossOf(options));
  const perEpoch = Math.ceil(split.train.length / batch);
  if (from !== null) {
    const message = `goes on after epoch ${from.epochs.length}`;
    options.progress?.({
      done: from.epochs.length * perEpoch,
      total: epochs * perEpoch,
      unit: 'steps',
      message,
    });
  }
  const records = [...(from?.epochs ?? [])];
  const times: EpochTime[] = [];
  const rate = (done: number) =>
    scheduledRate(params.schedule, params.optimizer.learningRate, done, { perEpoch, epochs });
  const picture = examples.inputs.shape.slice(1) as [number, number, number];
  const { augmentation: changes } = params;
  try {
    const result = await fitModel({
      step,
      examples,
      train: split.train,
      validation: split.validation,
      batch,
      epochs,
      seed,
      learningRate: rate,
      beforeStep(done) {
        optimizer.learningRate = rate(done);
      },
      ...(augments(changes)
        ? { augment: (epoch: number) => augmentation(changes, picture, seed, epoch) }
        : {}),
      ...(from === null ? {} : { done: from.epochs }),
      async onEpoch(record, time) {
        checkFinite(model, record.epoch, perEpoch, rate(record.epoch * perEpoch - 1));
        stopping?.observe(record, model);
        if (stopping?.stopped) return 'stop';
        records.push(record);
        times.push(time);
        if (record.epoch < epochs)
          await options.afterEpoch?.(
            { optimizer, epochs: records, best: stopping?.bestWeights ?? [] },
            times,
          );
        return undefined;
      },
      ...(options.progress === undefined ? {} : { progress: options.progress }),
    });
    await options.save?.({ optimizer, epochs: result.epochs, best: stopping?.bestWeights ?? [] });
    stopping?.restore(model);
    return { ...result, best: stopping?.best ?? null };
  } finally {
    step.dispose();
    optimizer.dispose();
  }
}

function lossOf({ params, examples, split }: TrainModelOptions): LossOptions {
  const { labelSmoothing = 0, classWeights = 'none' } = params;
  return {
    ...(labelSmoothing === 0 ? {} : { labelSmoothing }),
    ...(classWeights === 'none'
      ? {}
      : { classWeights: balancedClassWeights(examples.labels, split.train, split.classes.length) }),
  };
}

/**
 * A loss can hide weights that are not finite: pooling and ReLU pass over NaN on some backends.
 *
 * @throws Diverged if there are any
 */
function checkFinite(model: LayersModel, epoch: number, step: number, rate: number): void {
  const layer = model.layers.find((each) =>
    each.weights.some((weight) => !weight.read().dataSync().every(Number.isFinite)),
  );
  if (layer === undefined) return;
  throw new Diverged(
    epoch,
    `Weights of ${layer.name} are no longer finite after epoch ${epoch}, step ${step}, at learning rate ${Number(rate.toPrecision(4))}`,
  );
}
