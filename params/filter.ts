// Parameters of the filter stage: which of the source's classes make up each class of the study.
import { z } from 'zod';

export const FilterParams = z.strictObject({
  /** Class of the study → the source's classes that it consists of, by exact name. */
  classes: z.record(z.string().min(1), z.array(z.string().min(1)).min(1)),
});
export type FilterParams = z.infer<typeof FilterParams>;
