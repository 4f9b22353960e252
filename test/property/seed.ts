// The seed of random sequences, for fast-check: RODADA_SEED, and RODADA_PATH for a single failing sequence.
import { repeat, seed } from '../support/seed.ts';

/** The parameters of fast-check that name the seed; prints how to repeat the run. */
export function seeded(): { seed: number; path?: string; endOnFailure?: boolean } {
  console.log(
    `Repeat these sequences with ${repeat}. A failure shows its path: with RODADA_PATH, too, only that one runs.`,
  );
  const path = process.env.RODADA_PATH;
  return path === undefined ? { seed } : { seed, path, endOnFailure: true };
}
