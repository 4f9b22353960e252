// The benchmarks, in the order in which they run.
import type { Bench } from './bench.ts';
import { cold, edit, noop, undo } from './engine.ts';
import { files1m } from './engine-million.ts';
import { files200k, lock10k, plan10k } from './engine-scale.ts';
import { studyNoop } from './engine-study.ts';
import { tiny2k } from './engine-tiny.ts';
import { features } from './features.ts';
import { feeding } from './feeding.ts';
import { memory224 } from './memory.ts';
import { step64, step224 } from './step.ts';
import { study } from './study.ts';
import { wasm } from './wasm.ts';

export const benches: readonly Bench[] = [
  step64,
  step224,
  wasm,
  features,
  feeding,
  memory224,
  study,
  noop,
  cold,
  edit,
  undo,
  files200k,
  files1m,
  plan10k,
  lock10k,
  tiny2k,
  studyNoop,
];
