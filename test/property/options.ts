// How the tests of random sequences run the engine.
import type { ReproOptions } from '../../engine/execute/repro.ts';

/** Two jobs; only failures are noted. */
export const optionsOf = (failures: unknown[]): ReproOptions => ({
  jobs: 2,
  force: false,
  restore: true,
  keepGoing: false,
  verbose: false,
  emit: (event) => event.type === 'failure' && failures.push(event),
  signal: new AbortController().signal,
});
