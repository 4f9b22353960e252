// How an instance is brought up to date, and what comes of it.
import type { Emit } from '../event.ts';
import type { Failure } from '../failure.ts';
import type { LockBlock } from '../lock-file.ts';
import type { ExamineOptions } from './examine.ts';
import type { Inputs } from './inputs.ts';
import type { Slots } from './slots.ts';

export interface RunOptions extends ExamineOptions {
  readonly emit: Emit;
  readonly slots: Slots;
  readonly signal: AbortSignal;
  /** Whether what commands print is reported while they run. */
  readonly verbose: boolean;
  /** Whether the run is traced, to find what it reads and writes without declaring it. */
  readonly audit: boolean;
  /** Whether a failure elsewhere keeps new commands from being started. */
  readonly halted: () => boolean;
  /** Waits for a run that this one may go on from. */
  readonly shorterEnded: () => Promise<unknown>;
}

export type Outcome =
  /** A block comes with it if something became known of varying outputs. */
  | { readonly status: 'fresh'; readonly block?: LockBlock }
  | { readonly status: 'restored' | 'executed'; readonly block: LockBlock }
  | { readonly status: 'failed'; readonly failure: Failure }
  | { readonly status: 'interrupted' };

/** An input changed after the key was computed, so nothing was recorded under that key. */
export interface Overtaken {
  readonly status: 'overtaken';
  readonly path: string;
  /** Whether the command had started. */
  readonly started: boolean;
  readonly inputs: Inputs;
  /** What is reported if the instance does not run again. */
  readonly failure: Failure;
}
