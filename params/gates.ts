// The gates that `npm run check` holds a change to.
import { z } from 'zod';

export const GateParams = z.strictObject({
  /**
   * `PATH:KEY`, two globs: `metrics/{cnn1,cnn2}/*.json:accuracy`, `**:loss`, `**:perClass.*.f1`. `*` stands for one
   * folder or one part of the key, `**` for any number of them.
   */
  metric: z.string().regex(/^[^:]+:.+$/, 'a pattern PATH:KEY such as **:accuracy'),
  /** Which way is better. */
  better: z.enum(['higher', 'lower']),
  /** How much worse than the baseline still passes: an absolute number, or a share of the old value such as `5%`. */
  tolerance: z.union([
    z.number().min(0),
    z.string().regex(/^\d+(\.\d+)?%$/, 'a number, or a percentage such as 5%'),
  ]),
});
export const GatesParams = z.array(GateParams);
export type GateParams = z.infer<typeof GateParams>;
