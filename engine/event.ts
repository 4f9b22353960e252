// What happens during a run, as data. Reporters turn it into text or JSON lines.
import type { Audit } from './audit/audit.ts';
import type { Comparison, Format } from './compare/comparison.ts';
import type { Check } from './compare/judge.ts';
import type { HashProgress } from './execute/hash-progress.ts';
import type { RunningRun } from './execute/run-lock.ts';
import type { Reason } from './explain.ts';
import type { Failure, LockedFailure } from './failure.ts';
import type { Collected, CollectedRun } from './gc/collect.ts';
import type { Forecast, Outlook } from './inspect/forecast.ts';
import type { ShownRun } from './inspect/runs.ts';
import type { DagFormat, StageNode } from './inspect/stage-graph.ts';
import type { Explanation } from './inspect/why.ts';
import type { MovedOut, ShownLeftover } from './ownership/move-out.ts';
import type { Warning } from './warning.ts';

export interface Summary {
  readonly type: 'summary';
  readonly executed: readonly string[];
  readonly restored: readonly string[];
  readonly fresh: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  /** Something failed beside the stages: what they made may not be recorded. A failure before this says what. */
  readonly incomplete?: true;
  readonly seconds: number;
}

export type Event =
  | { readonly type: 'plan'; readonly stages: number }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly warning: Warning }
  /** Another run holds the lock; this one starts when that ends. If it gives no sign of life, the event comes again. */
  | ({ readonly type: 'waiting' } & Omit<LockedFailure, 'reason'>)
  /** While this verb only looks, another run holds the lock and changes the project. */
  | ({ readonly type: 'running' } & RunningRun)
  | ({ readonly type: 'hashing' } & HashProgress)
  | { readonly type: 'fresh'; readonly stage: string }
  | { readonly type: 'restored'; readonly stage: string; readonly reasons: readonly Reason[] }
  | {
      readonly type: 'started';
      readonly stage: string;
      readonly reasons: readonly Reason[];
      readonly log: string;
      /** The run that it goes on from: its instance, and its value of the number that grew. */
      readonly resumes?: { readonly stage: string; readonly by: string; readonly value: number };
      /** It finds what a run of the same key left that was cut off. */
      readonly continues?: boolean;
    }
  | {
      readonly type: 'progress';
      readonly stage: string;
      readonly done: number;
      readonly total?: number;
      readonly unit?: string;
      readonly message?: string;
    }
  /** What a stage wants its user to know; it goes on. */
  | { readonly type: 'stage-warning'; readonly stage: string; readonly message: string }
  /** An input at `path` changed while the command ran: nothing was recorded, and the instance runs again. */
  | { readonly type: 'rerun'; readonly stage: string; readonly path: string }
  /** What a traced run read and wrote in the project without declaring it. */
  | ({ readonly type: 'audit'; readonly stage: string } & Audit)
  | { readonly type: 'executed'; readonly stage: string; readonly seconds: number }
  | { readonly type: 'skipped'; readonly stage: string; readonly because: string }
  | { readonly type: 'failure'; readonly failure: Failure }
  | ({ readonly type: 'forecast' } & Forecast)
  | Outlook
  | ({ readonly type: 'why' } & Explanation)
  | ({
      readonly type: 'comparison';
      readonly format: Format;
      /** Whether names of images and all rows are to be shown. */
      readonly details: boolean;
    } & Comparison)
  | ({ readonly type: 'check'; readonly format: Format } & Check)
  | { readonly type: 'dag'; readonly format: DagFormat; readonly nodes: readonly StageNode[] }
  | ({ readonly type: 'run' } & ShownRun)
  | { readonly type: 'accepted'; readonly stage: string }
  | { readonly type: 'commit'; readonly accepted: number; readonly fresh: number; readonly failures: number }
  | {
      readonly type: 'frozen';
      readonly stage: string;
      readonly frozen: boolean;
      /** Whether it was not so before. */
      readonly changed: boolean;
    }
  | { readonly type: 'checked-out'; readonly stage: string; readonly path: string }
  | {
      readonly type: 'checkout';
      readonly checkedOut: number;
      readonly kept: number;
      readonly failures: number;
    }
  /** Outputs that the plan no longer has: repro and clean move them out, if nobody changed them. */
  | { readonly type: 'leftovers'; readonly outs: readonly ShownLeftover[] }
  | { readonly type: 'moved-out'; readonly outs: readonly MovedOut[] }
  /** What was at an output's path, moved aside before the output takes its place: `made` by a run and changed since, or not. */
  | {
      readonly type: 'displaced';
      readonly stage: string;
      readonly path: string;
      readonly to: string;
      readonly made: boolean;
    }
  /** Leftovers that are the user's own files from now on. */
  | { readonly type: 'adopted'; readonly paths: readonly string[] }
  | { readonly type: 'clean'; readonly dry: boolean; readonly moved: number; readonly kept: number }
  | CollectedRun
  | Collected
  | { readonly type: 'verifying'; readonly done: number; readonly total: number }
  | {
      readonly type: 'verified';
      readonly objects: number;
      readonly bytes: number;
      /** Hashes of the objects that were moved to cache/quarantine, and which outs need them. */
      readonly damaged: readonly { readonly hash: string; readonly neededBy: readonly string[] }[];
    }
  /** A piece of what a run printed: whole lines; of which stage, if several may print at once. */
  | { readonly type: 'output'; readonly stage?: string; readonly text: string }
  | Summary;

export type Emit = (event: Event) => void;
