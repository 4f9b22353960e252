// Parameters of the split stage.
import { z } from 'zod';

export const SplitParams = z.strictObject({
  /** Share of the pictures that validate, aimed at within each class. */
  validation: z.number().gt(0).lt(1),
});
export type SplitParams = z.infer<typeof SplitParams>;
