// What a training run leaves of its epochs: the contents of history.json.
import { z } from 'zod';

const Epoch = z.object({
  /** Counted from 1. */
  epoch: z.int(),
  loss: z.number(),
  accuracy: z.number(),
  valLoss: z.number(),
  valAccuracy: z.number(),
});

/** Loss and accuracy of training and validation after each epoch. */
export const History = z.object({ model: z.string(), run: z.string(), epochs: z.array(Epoch).min(1) });
export type History = z.infer<typeof History>;
export type Epoch = z.infer<typeof Epoch>;

/** The epoch with the highest validation accuracy; of several, the first. */
export function bestAccuracyEpoch(history: History): Epoch {
  return history.epochs.reduce((best, epoch) => (epoch.valAccuracy > best.valAccuracy ? epoch : best));
}

/** The epoch with the lowest validation loss; of several, the first. */
export function bestLossEpoch(history: History): Epoch {
  return history.epochs.reduce((best, epoch) => (epoch.valLoss < best.valLoss ? epoch : best));
}
