// Parameters of the split stage.
import { z } from 'zod';

export const SplitParams = z.strictObject({
  /** Share of the images that validate, aimed at within each class. */
  validation: z.number().gt(0).lt(1),
  /** Share of the images that are scored and on which nothing is chosen; 0 scores those that validate. */
  test: z.number().min(0).lt(1).default(0),
});
export type SplitParams = z.infer<typeof SplitParams>;
