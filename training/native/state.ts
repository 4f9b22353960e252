// The everyday look at the native binding: a few stats and one small file, no process started.
import { accessSync, constants, mkdirSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { circumstances, freeBytes, lstatOf, statOf } from './circumstances.ts';
import type { Flavour } from './flavour.ts';
import { ownKernelsBeside } from './own-kernels.ts';
import { entryName, type Places, readJson } from './places.ts';

/** What a binding was when it was loaded. */
export interface Loaded {
  /** The version of TensorFlow that it reported. */
  readonly tensorflow: string;
  /** Whether TensorFlow listed a GPU, and so runs on it. */
  readonly gpu: boolean;
  /** Why the build with CUDA, which this machine's driver calls for, is not the one that is used. */
  readonly withoutCuda?: string;
}

/** What is known of the native binding. */
export type NativeState =
  | ({ readonly kind: 'ready' } & Loaded)
  /** There is a file where tfjs-node looks, but nobody has tried to load it yet. */
  | { readonly kind: 'untried' }
  /** The cache has a finished build; the link to it is missing, or this checkout's kernels are. */
  | { readonly kind: 'unlinked' }
  /** Setting it up was tried and failed; `npm run native` tries again. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' };

/** The record beside the binding. It only saves work: without it the binding is tried again. */
type BindingRecord =
  | {
      readonly tensorflow: string;
      readonly node: string;
      readonly size: number;
      readonly modified: number;
      /** Absent for a binding that is not ours. */
      readonly flavour?: Flavour;
      /** Absent where there is no GPU; so are the others below. */
      readonly gpu?: boolean;
      /** The driver and the GPUs that might be used when it was tried. */
      readonly gpus?: string;
      readonly withoutCuda?: string;
    }
  | {
      readonly failed: string;
      /** What it may have been due to; if that changes, the set-up is tried again. */
      readonly on?: string;
      /** If the disk was full: bytes that were free. */
      readonly free?: number;
    };

/** The description of a finished build in the cache: written last, so a folder without it isn't finished. */
export interface Build {
  readonly tensorflow: string;
  /** Size in bytes of each file. */
  readonly files: Readonly<Record<string, number>>;
}

/** A header that the kernels need, in an entry: builds from before there were kernels lack it, and aren't finished. */
export const kernelsHeader = join('include', 'tensorflow', 'c', 'kernels.h');

/** Looks at the files; never writes, never starts a process. Takes well under a millisecond. */
export function nativeState(places: Places): NativeState {
  const record = readJson(places.record) as BindingRecord | undefined;
  // First: a binding that is there, or a build in the cache, may be what failed.
  if (record !== undefined && 'failed' in record && isStillSo(places, record))
    return { kind: 'failed', reason: record.failed };
  const found = statOf(places.binding);
  if (found !== undefined) {
    const known =
      record !== undefined &&
      'tensorflow' in record &&
      record.node === process.version &&
      record.size === found.size &&
      record.modified === found.mtimeMs
        ? record
        : undefined;
    const lacksKernels =
      linkedFlavour(places) !== undefined && ownKernelsBeside(places.binding) === undefined;
    if (isWanted(places, known) && !lacksKernels)
      return known === undefined ? { kind: 'untried' } : loadedThen(places, known);
  }
  const refused = linkProblem(places);
  if (refused !== undefined) return { kind: 'failed', reason: refused };
  return finishedBuild(places) === undefined ? { kind: 'absent' } : { kind: 'unlinked' };
}

/** Whether what the set-up failed for is as it was. */
function isStillSo(places: Places, { on, free }: Extract<BindingRecord, { failed: string }>): boolean {
  const room = free === undefined ? undefined : freeBytes(places.cache);
  if (room !== undefined && room >= free! + moreRoom) return false;
  return on === circumstances(places);
}

/** So much more must be free after the disk was full; a build needs some hundred megabytes. */
const moreRoom = 64 * 2 ** 20; // bytes

/** Why no binding can be put where tfjs-node looks; undefined if one can. */
function linkProblem({ binding }: Places): string | undefined {
  let folder = dirname(binding);
  while (lstatOf(folder) === undefined && folder !== dirname(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    const target = linkTarget(binding);
    const there =
      target === undefined ? '' : `, and the one that is there leads to ${target}, which can't be used`;
    return `no binding can be put into ${folder}, because you may not write there${there}`;
  }
}

type LoadRecord = Extract<BindingRecord, { tensorflow: string }>;

/**
 * Whether the binding that is there is of the flavour that is chosen, or may stand for it: that with CUDA runs without a GPU, too, and
 * that without takes its place where CUDA can't be had. One that is not ours is left alone.
 */
function isWanted(places: Places, record: LoadRecord | undefined): boolean {
  const flavour = record?.flavour ?? linkedFlavour(places);
  if (flavour === undefined || flavour === places.choice.flavour) return true;
  return !places.choice.wished && (flavour === 'cuda' || record?.withoutCuda !== undefined);
}

/** The flavour of the cache's entry that the binding is a link to; undefined for a copy, and for somebody else's binding. */
export function linkedFlavour(places: Places): Flavour | undefined {
  const folders = linkTarget(places.binding)?.split(sep);
  return (['cpu', 'cuda'] as const).find((flavour) => folders?.includes(entryName(flavour)));
}

/** Where the link at `path` leads; undefined if there is no link. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** With CUDA, what it was then holds for the driver of then: with another, or none, it must be tried again. */
function loadedThen(places: Places, record: LoadRecord): NativeState {
  const { tensorflow, gpu = false, withoutCuda } = record;
  if (record.flavour === 'cuda' && record.gpus !== places.choice.gpus) return { kind: 'untried' };
  return { kind: 'ready', tensorflow, gpu, ...(withoutCuda === undefined ? {} : { withoutCuda }) };
}

/** The cache's build, where all its files are there at the size that they had when it was finished. */
export function finishedBuild(places: Places): Build | undefined {
  const build = readJson(join(places.entry, 'build.json')) as Build | undefined;
  if (build === undefined) return undefined;
  const whole = Object.entries(build.files).every(
    ([name, size]) => statOf(join(places.entry, name))?.size === size,
  );
  return whole && kernelsHeader in build.files ? build : undefined;
}

/** Notes that the binding loads, and as what. */
export function recordLoads(places: Places, { tensorflow, gpu, withoutCuda }: Loaded): void {
  const { size, mtimeMs } = statSync(places.binding);
  const flavour = linkedFlavour(places);
  const { gpus } = places.choice;
  writeRecord(places, {
    tensorflow,
    node: process.version,
    size,
    modified: mtimeMs,
    ...(flavour === undefined ? {} : { flavour }),
    ...(gpu ? { gpu } : {}),
    ...(gpus === undefined ? {} : { gpus }),
    ...(withoutCuda === undefined ? {} : { withoutCuda }),
  });
}

/**
 * Notes why the set-up failed, so that not each run tries it again.
 * @param diskFull whether there was too little room
 */
export function recordFailure(places: Places, failed: string, diskFull = false): void {
  const free = diskFull ? freeBytes(places.cache) : undefined;
  writeRecord(places, { failed, on: circumstances(places), ...(free === undefined ? {} : { free }) });
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
