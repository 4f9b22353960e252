// A score of several trainings that differ in their seed alone: mean, spread, and what each seed scored.
import { z } from 'zod';
import { mean, variance } from '../engine/statistics/t-test.ts';

/** As metrics files hold it; `compare` and `check` know it by its four fields. */
export const Replicated = z.strictObject({
  /** Over the seeds that did not diverge. */
  mean: z.number(),
  /** Sample standard deviation, with n - 1; null for one seed. */
  sd: z.number().nullable(),
  /** Seeds that did not diverge. */
  n: z.int().min(1),
  /** By seed; null for one that diverged. */
  values: z.record(z.string(), z.number().nullable()),
});
export type Replicated = z.infer<typeof Replicated>;

/**
 * @param values by seed, in the order in which they are written; null for a seed that diverged
 * @throws RangeError if no seed has a value
 */
export function replicated(values: ReadonlyMap<string, number | null>): Replicated {
  const known = [...values.values()].filter((value) => value !== null);
  if (known.length === 0) throw new RangeError('No seed has a value.');
  return {
    mean: mean(known),
    sd: known.length === 1 ? null : Math.sqrt(variance(known)),
    n: known.length,
    values: Object.fromEntries(values),
  };
}

/** The seeds that did not diverge, with their values, for a test. */
export function scoresBySeed({ values }: Replicated): Map<string, number> {
  return new Map(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== null));
}

/** `0.828 ± 0.014`, or `0.828` for one seed. */
export function replicatedText({ mean: centre, sd }: Replicated, digits = 3): string {
  return sd === null ? centre.toFixed(digits) : `${centre.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}
