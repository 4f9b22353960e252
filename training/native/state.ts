// The everyday look at the native binding: a few stats and one small file, no process started.
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Places, readJson } from './places.ts';

/** What is known of the native binding. */
export type NativeState =
  /** It loads; `tensorflow` is the version that it reported. */
  | { readonly kind: 'ready'; readonly tensorflow: string }
  /** There is a file where tfjs-node looks, but nobody has tried to load it yet. */
  | { readonly kind: 'untried' }
  /** The cache has a finished build; only the link is missing. */
  | { readonly kind: 'unlinked' }
  /** Setting it up was tried and failed; `npm run native` tries again. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' };

/** The record beside the binding. It only saves work: without it the binding is tried again. */
type BindingRecord =
  | { readonly tensorflow: string; readonly node: string; readonly size: number; readonly modified: number }
  | { readonly failed: string };

/** The description of a finished build in the cache: written last, so a folder without it isn't finished. */
export interface Build {
  readonly tensorflow: string;
  /** Size in bytes of each file. */
  readonly files: Readonly<Record<string, number>>;
}

/** Looks at the files; never writes, never starts a process. Takes well under a millisecond. */
export function nativeState(places: Places): NativeState {
  const found = statSync(places.binding, { throwIfNoEntry: false });
  const record = readJson(places.record) as BindingRecord | undefined;
  if (found !== undefined) {
    const known =
      record !== undefined &&
      'tensorflow' in record &&
      record.node === process.version &&
      record.size === found.size &&
      record.modified === found.mtimeMs;
    return known ? { kind: 'ready', tensorflow: record.tensorflow } : { kind: 'untried' };
  }
  if (finishedBuild(places) !== undefined) return { kind: 'unlinked' };
  if (record !== undefined && 'failed' in record) return { kind: 'failed', reason: record.failed };
  return { kind: 'absent' };
}

/** The cache's build, where all its files are there at the size that they had when it was finished. */
export function finishedBuild(places: Places): Build | undefined {
  const build = readJson(join(places.entry, 'build.json')) as Build | undefined;
  if (build === undefined) return undefined;
  const whole = Object.entries(build.files).every(
    ([name, size]) => statSync(join(places.entry, name), { throwIfNoEntry: false })?.size === size,
  );
  return whole ? build : undefined;
}

/** Notes that the binding loads, and with which TensorFlow. */
export function recordLoads(places: Places, tensorflow: string): void {
  const { size, mtimeMs } = statSync(places.binding);
  writeRecord(places, { tensorflow, node: process.version, size, modified: mtimeMs });
}

/** Notes why the set-up failed, so that not each run tries it again. */
export function recordFailure(places: Places, failed: string): void {
  writeRecord(places, { failed });
}

function writeRecord(places: Places, record: BindingRecord): void {
  try {
    mkdirSync(dirname(places.record), { recursive: true });
    const temporary = `${places.record}.${process.pid}`;
    writeFileSync(temporary, `${JSON.stringify(record)}\n`);
    renameSync(temporary, places.record);
  } catch {
    // A read-only node_modules: the binding is tried again next time.
  }
}
