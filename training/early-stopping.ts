// Ends a training that gets no better, and gives the model the weights of its best epoch.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { EarlyStoppingParams } from '../params/training.ts';
import type { EpochRecord } from './fit.ts';

/** As Keras' `EarlyStopping` with `restore_best_weights`; as in Keras 3, the best weights are restored however the training ends. */
export class EarlyStopping {
  private bestEpoch = 0;
  private bestValue = Number.POSITIVE_INFINITY;
  private lastEpoch = 0;
  private weights: readonly Float32Array[] = [];

  constructor(private readonly params: EarlyStoppingParams) {}

  /** The epoch whose weights are the best, from 1; 0 before the first. */
  get best(): number {
    return this.bestEpoch;
  }

  /** The weights of the best epoch, in the order of `model.weights`. */
  get bestWeights(): readonly Float32Array[] {
    return this.weights;
  }

  /** Whether `patience` epochs have passed without a better one. */
  get stopped(): boolean {
    return this.lastEpoch - this.bestEpoch >= this.params.patience;
  }

  /** Takes over where a shorter training ended. */
  resume(epochs: readonly EpochRecord[], bestWeights: readonly Float32Array[]): void {
    for (const record of epochs) this.note(record);
    this.weights = bestWeights;
  }

  /** Notes an epoch; the model's weights are those after it. */
  observe(record: EpochRecord, model: LayersModel): void {
    if (this.note(record))
      this.weights = model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));
  }

  /** Gives the model its best weights. */
  restore(model: LayersModel): void {
    tf.tidy(() =>
      model.weights.forEach((weight, i) => {
        weight.write(tf.tensor(this.weights[i]!, weight.shape as number[], 'float32'));
      }),
    );
  }

  private note(record: EpochRecord): boolean {
    this.lastEpoch = record.epoch;
    const { monitor } = this.params;
    const value = monitor === 'valAccuracy' ? -record.valAccuracy : record.valLoss;
    // Written so that NaN is never the best.
    if (!(value < this.bestValue)) return false;
    this.bestValue = value;
    this.bestEpoch = record.epoch;
    return true;
  }
}
