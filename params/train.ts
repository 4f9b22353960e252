// Parameters of the training stage, besides those of each model.
import { z } from 'zod';

export const TrainParams = z.strictObject({
  /** Trainings of each model and iteration, with `seed`, `seed` + 1, …; verdicts about other seeds take three or more. */
  seeds: z.int().min(1).max(1000),
});
export type TrainParams = z.infer<typeof TrainParams>;
