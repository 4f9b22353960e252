// One iteration of the study: every model is trained once with each.
import { z } from 'zod';

export const IterationParams = z.strictObject({
  /** Pictures in a training step. */
  batch: z.int().min(1),
  /** Passes over the training pictures. */
  epochs: z.int().min(1),
});
export type IterationParams = z.infer<typeof IterationParams>;
