// Decides what becomes of an instance: fresh, restored from the store, or run. Pure; the reasons come with it.
import { explain, type PresentOuts, type Reason } from './explain.ts';
import { type Fingerprint, keyOf } from './fingerprint/fingerprint.ts';
import type { LockBlock } from './lock-file.ts';
import type { RunRecord } from './store/run-records.ts';
import { isOf } from './varying.ts';

/** All that the decision rests on. */
export interface Situation {
  readonly fingerprint: Fingerprint;
  readonly block: LockBlock | undefined;
  readonly present: PresentOuts;
  /** The record for the fingerprint's key, if its outs are in the store. */
  readonly record: RunRecord | undefined;
  readonly force: boolean;
  /** Whether the stage runs every time. */
  readonly always: boolean;
}

export type Decision =
  | { readonly action: 'fresh'; readonly key: string }
  | {
      readonly action: 'restore';
      readonly key: string;
      readonly record: RunRecord;
      readonly reasons: readonly Reason[];
    }
  | { readonly action: 'run'; readonly key: string; readonly reasons: readonly Reason[] };

export function decide({ fingerprint, block, present, record, force, always }: Situation): Decision {
  const key = keyOf(fingerprint);
  if (force) return { action: 'run', key, reasons: [{ what: 'forced' }] };
  const reasons = explain(block, fingerprint, key, present);
  if (always) return { action: 'run', key, reasons: reasons.length > 0 ? reasons : [{ what: 'always' }] };
  if (reasons.length === 0 && block !== undefined && isOf(block, fingerprint, key))
    return { action: 'fresh', key };
  if (record !== undefined) return { action: 'restore', key, record, reasons };
  return { action: 'run', key, reasons };
}
