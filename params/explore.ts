// Parameters of the explore stage.
import { z } from 'zod';

export const ExploreParams = z.strictObject({
  /** Random pictures drawn of each class. */
  samplesPerClass: z.int().min(1).max(50),
});
export type ExploreParams = z.infer<typeof ExploreParams>;
