// What a training run leaves of its epochs: the contents of history.json.
import { z } from 'zod';
import { mean, variance } from '../engine/statistics/t-test.ts';

const Epoch = z.object({
  /** Counted from 1. */
  epoch: z.int(),
  loss: z.number(),
  accuracy: z.number(),
  valLoss: z.number(),
  valAccuracy: z.number(),
});

/** Loss and accuracy of training and validation after each epoch. */
export const History = z.object({
  model: z.string(),
  run: z.string(),
  seed: z.int(),
  /** If the training diverged: in which epoch, and the sentence for the user. `epochs` has those before it. */
  diverged: z.object({ epoch: z.int(), reason: z.string() }).optional(),
  epochs: z.array(Epoch),
});
export type History = z.infer<typeof History>;
export type Epoch = z.infer<typeof Epoch>;

/** An epoch of several trainings: means over those that reached it, and how far they spread. */
export interface MeanEpoch extends Epoch {
  /** Sample standard deviations; 0 for one training. */
  readonly sd: Readonly<Record<Figure, number>>;
  /** Trainings that reached the epoch. */
  readonly trainings: number;
}

const figures = ['loss', 'accuracy', 'valLoss', 'valAccuracy'] as const;
export type Figure = (typeof figures)[number];

/**
 * The mean curve of trainings that differ in their seed; those that diverged are left out.
 *
 * @throws RangeError if all diverged
 */
export function meanEpochs(histories: readonly History[]): MeanEpoch[] {
  const finite = histories.filter(({ diverged }) => diverged === undefined);
  if (finite.length === 0) throw new RangeError('All trainings diverged.');
  const longest = Math.max(...finite.map(({ epochs }) => epochs.length));
  return Array.from({ length: longest }, (_, i) => {
    const reached = finite.flatMap(({ epochs }) => epochs[i] ?? []);
    const of = (figure: Figure) => reached.map((epoch) => epoch[figure]);
    const means = Object.fromEntries(figures.map((figure) => [figure, mean(of(figure))]));
    const sd = (figure: Figure) => (reached.length === 1 ? 0 : Math.sqrt(variance(of(figure))));
    return {
      epoch: i + 1,
      ...(means as Record<Figure, number>),
      sd: Object.fromEntries(figures.map((figure) => [figure, sd(figure)])) as Record<Figure, number>,
      trainings: reached.length,
    };
  });
}

/** The epoch with the highest validation accuracy; of several, the first. */
export function bestAccuracyEpoch<E extends Epoch>(epochs: readonly E[]): E {
  return epochs.reduce((best, epoch) => (epoch.valAccuracy > best.valAccuracy ? epoch : best));
}

/** The epoch with the lowest validation loss; of several, the first. */
export function bestLossEpoch<E extends Epoch>(epochs: readonly E[]): E {
  return epochs.reduce((best, epoch) => (epoch.valLoss < best.valLoss ? epoch : best));
}

/**
 * How rough a validation curve is: the mean change of its loss from one epoch to the next, up or down, over the second half of
 * the training, where learning itself changes little. In nats.
 */
export function roughness(epochs: readonly Epoch[]): number {
  const half = epochs.slice(Math.max(0, Math.floor(epochs.length / 2) - 1));
  const steps = half.slice(1).map(({ valLoss }, i) => Math.abs(valLoss - half[i]!.valLoss));
  return steps.length === 0 ? 0 : mean(steps);
}
