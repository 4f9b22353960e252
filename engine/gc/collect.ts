// Collects garbage: takes stock of the store, decides, and removes what is not needed.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RunLogs } from '../execute/run-log.ts';
import type { Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import type { Lock } from '../lock-file.ts';
import { fail, type Result, succeed } from '../result.ts';
import { shellWord } from '../shell-word.ts';
import { isTemporaryName } from '../store/files.ts';
import { ObjectStore } from '../store/object-store.ts';
import { type PartialState, PartialStates } from '../store/partial-states.ts';
import type { Registered } from '../store/registry.ts';
import { RunRecords } from '../store/run-records.ts';
import type { Content } from '../store/tree.ts';
import { removeTree } from '../store/trees.ts';
import { contentsOf, type Needed } from './scope.ts';
import { nameOf, type StoredRun, type Sweep, sweep } from './sweep.ts';

/** What a collection did, or would do. */
export interface Collected {
  readonly type: 'gc';
  readonly dry: boolean;
  readonly removed: {
    readonly runs: number;
    readonly objects: number;
    readonly logs: number;
    /** What runs that were cut off had left to go on from. */
    readonly partial: number;
    readonly bytes: number;
  };
  readonly kept: { readonly objects: number; readonly bytes: number };
  /** Bytes that the store may have; null where there is no limit. */
  readonly limit: number | null;
}

/** A run whose result leaves the store. */
export interface CollectedRun {
  readonly type: 'gc-run';
  readonly stage: string;
  readonly key: string;
  readonly ended: string;
  /** ISO 8601. */
  readonly lastUsed: string;
  /** Bytes of its outs, also of what others share with it. */
  readonly bytes: number;
}

export interface CollectOptions {
  /** What the workspace holds: always kept. */
  readonly lock: Lock;
  /** What else to keep. */
  readonly needed: Needed;
  /** Chooses runs to keep for their own sake. */
  readonly keeps: (runs: readonly StoredRun[]) => (run: StoredRun) => boolean;
  /** Whether what a cut-off run left at such a time, in milliseconds since 1970, is kept; asked where there is no limit. */
  readonly keepsPartial: (changed: number) => boolean;
  readonly limit: number | null;
  /** Also what was moved aside, as damaged or as changed by hand. */
  readonly quarantine: boolean;
  /** Change nothing. */
  readonly dry: boolean;
  /** Makes sure that this run still holds the run lock. */
  readonly check: () => void;
}

/** Where things are removed from. */
export interface CollectPlaces {
  readonly cache: string;
  readonly store: string;
  /** What other workspaces need that share the store. */
  readonly others: Registered | undefined;
}

/** The caller holds the run lock, and the store's for itself: no run is going on. */
export async function collect(
  { cache, store: folder, others }: CollectPlaces,
  { lock, needed, keeps, keepsPartial, limit, quarantine, dry, check }: CollectOptions,
): Promise<Result<{ runs: CollectedRun[]; collected: Collected }>> {
  if (others !== undefined && others.damaged.length > 0) return fail(damagedEntry(others.damaged[0]!));
  const store = new ObjectStore(folder);
  const records = new RunRecords(folder);
  const objects = new Map([...store.list()].map(({ hash, size }) => [hash, size]));
  const runs = [...records.all()].map(
    ({ key, stage, ended, outs }): StoredRun => ({
      key,
      stage,
      ended,
      lastUsed: records.lastUsed(key),
      outs: Object.values(outs),
    }),
  );
  const locked = [...contentsOf(lock.blocks.values()), ...(others?.contents ?? [])];
  const inWorkspace = new Set(others?.keys);
  for (const { key } of lock.blocks.values()) inWorkspace.add(key);
  const isKept = keeps(runs);
  const manifests = new Map<string, readonly string[]>();
  for (const content of [...locked, ...needed.contents, ...runs.flatMap(({ outs }) => outs)])
    if (!manifests.has(nameOf(content))) {
      const stands = await objectsOf(store, content, objects);
      if (stands === undefined) return fail(damagedManifest(content));
      manifests.set(nameOf(content), stands);
    }
  const states = new PartialStates(cache);
  const all = states.list();
  const partial =
    limit === null
      ? all.filter(({ changed }) => !keepsPartial(changed))
      : oldestBeyond(all, limit - [...objects.values()].reduce((sum, size) => sum + size, 0));
  const swept = sweep({
    objects,
    runs,
    needed: [...locked, ...needed.contents],
    isKept: (run) => inWorkspace.has(run.key) || needed.keys.has(run.key) || isKept(run),
    limit,
    objectsOf: (content) => manifests.get(nameOf(content))!,
  });
  const logs = staleLogs(new RunLogs(cache), swept, new Set(runs.map(({ key }) => key)), limit === null);
  // Damaged objects, and what people changed at the paths of outputs.
  const asideFolders = quarantine ? [join(folder, 'quarantine'), join(cache, 'displaced')] : [];
  const aside = asideFolders.reduce((sum, path) => sum + sizeOf(path), 0);
  const bytes =
    swept.freed +
    aside +
    logs.reduce((sum, file) => sum + sizeOf(file), 0) +
    partial.reduce((sum, state) => sum + state.bytes, 0);
  if (!dry) {
    check();
    // First the records: cut off in between, what is left of a run is nobody's and goes with the next collection.
    for (const { key } of swept.runs) records.remove(key);
    for (const hash of swept.objects) store.remove(hash);
    for (const file of logs) rmSync(file, { force: true });
    for (const { key } of partial) await states.remove(key);
    for (const path of asideFolders) await removeTree(path);
    if (folder !== cache) await removeUnfinished(folder);
  }
  return succeed({
    runs: [...swept.runs]
      .sort((a, b) => a.lastUsed - b.lastUsed)
      .map(({ key, stage, ended, lastUsed, outs }) => ({
        type: 'gc-run',
        stage,
        key,
        ended,
        lastUsed: new Date(lastUsed).toISOString(),
        bytes: outs.reduce((sum, { size }) => sum + size, 0),
      })),
    collected: {
      type: 'gc',
      dry,
      removed: {
        runs: swept.runs.length,
        objects: swept.objects.length,
        logs: logs.filter((file) => file.endsWith('.log')).length,
        partial: partial.length,
        bytes,
      },
      kept: { objects: objects.size - swept.objects.length, bytes: swept.kept },
      limit,
    },
  });
}

/** What has not been written to for longest, until the rest has no more than so many bytes. */
function oldestBeyond(states: readonly PartialState[], bytes: number): PartialState[] {
  let size = states.reduce((sum, state) => sum + state.bytes, 0);
  const gone: PartialState[] = [];
  for (const state of states.toSorted((a, b) => a.changed - b.changed)) {
    if (size <= bytes) break;
    gone.push(state);
    size -= state.bytes;
  }
  return gone;
}

/** Removes what killed runs did not give its name. The workspace's own store is cleared by its next run. */
async function removeUnfinished(store: string): Promise<void> {
  await removeTree(join(store, 'tmp'));
  for (const folder of [join(store, 'runs'), join(store, 'workspaces')])
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (isTemporaryName(name)) rmSync(join(folder, name), { force: true });
}

const damagedEntry = (name: string): Failure => ({
  reason: 'usage',
  message: `The note of a workspace that shares the store, workspaces/${name}, is damaged: what it needs can't be told, and nothing was removed.`,
  hint: `Run \`${typed('repro')}\` in that workspace, or forget it with \`${typed(`gc --forget ${shellWord(name)}`)}\`.`,
});

/** Without the list of a directory's files nobody can tell which objects are needed. */
const damagedManifest = ({ hash }: Content): Failure => ({
  reason: 'usage',
  message: `The list of a directory's files, object ${hash}, is damaged; it was moved to cache/quarantine, and nothing was removed.`,
  hint: `Run \`${typed('repro')}\` to make what the workspace needs again, then repeat this.`,
});

/** The objects that a content stands for; undefined where the list of them is damaged. */
async function objectsOf(
  store: ObjectStore,
  content: Content,
  objects: ReadonlyMap<string, number>,
): Promise<string[] | undefined> {
  const own = content.modes === undefined ? [content.hash] : [content.hash, content.modes];
  if (content.type !== 'directory' || !objects.has(content.hash)) return own;
  return store.read(content, async (parts) => {
    const hashes = new Set(own);
    for (const part of parts) {
      // The leaves of a split manifest are objects, too. One that is gone names nothing any more.
      if (!objects.has(part.hash)) continue;
      hashes.add(part.hash);
      for (const line of await part.lines())
        if (line[0] === 'file' || line[0] === 'executable') hashes.add(line[2]);
    }
    return [...hashes];
  });
}

/**
 * Files of the logs of runs whose result leaves and, where everything that is not needed does, of runs that left none. The
 * last run of each stage stays on view.
 */
function staleLogs(
  logs: RunLogs,
  { runs }: Sweep,
  recorded: ReadonlySet<string>,
  everything: boolean,
): string[] {
  const leaving = new Set(runs.map(({ key }) => key));
  const seen = new Set<string>();
  return logs.all().flatMap(({ run, log }) => {
    const isLast = !seen.has(run.stage);
    seen.add(run.stage);
    if (isLast || !(leaving.has(run.key) || (everything && !recorded.has(run.key)))) return [];
    return [log, log.replace(/log$/, 'json')];
  });
}

/** Bytes of a file, or of all files of a folder; 0 where there is none. */
function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
