// What made the metrics of two versions, and how it differs: parameters, code, packages and data as pipeline.lock has them.
import { isDeepStrictEqual } from 'node:util';
import { explain, type Reason } from '../explain.ts';
import type { LockBlock } from '../lock-file.ts';
import { byCodeUnit } from '../order.ts';
import { flattenLeaves, isMapping } from './flatten.ts';
import { isIn, type Results } from './results.ts';

/** A difference, and the instances that have it. */
export interface Change {
  readonly reason: Reason;
  /** Empty if it comes from params.yaml. */
  readonly stages: readonly string[];
}

export interface Identity {
  /** `params.yaml` if a version has no pipeline.lock, or one in another format: then it tells only the parameters. */
  readonly from: 'pipeline.lock' | 'params.yaml';
  /** Why it is not `pipeline.lock`: labels of the versions without one. */
  readonly without: readonly string[];
  readonly changes: readonly Change[];
  /** Instances behind the metrics of one version that the other does not have. */
  readonly onlyOld: readonly string[];
  readonly onlyNew: readonly string[];
  /** Metrics files that are not what the version's pipeline.lock says: nothing tells what made them. */
  readonly unknown: readonly { readonly version: string; readonly path: string }[];
}

/** How what made these metrics files differs between the versions. */
export function compareIdentity(old: Results, now: Results, paths: readonly string[]): Identity {
  const without = [old, now].filter(({ lock }) => lock === undefined).map(({ label }) => label);
  const [before, after] = [makersOf(old, paths), makersOf(now, paths)];
  const none = { without, onlyOld: [], onlyNew: [], unknown: [] };
  if (without.length > 0) return { ...none, from: 'params.yaml', changes: paramChanges(old, now) };
  const common = [...after.keys()].filter((name) => before.has(name)).sort(byCodeUnit);
  const reasons = new Map(
    common.map((name) => [
      name,
      explain(before.get(name), after.get(name)!.fingerprint, after.get(name)!.key, {}),
    ]),
  );
  if ([...reasons.values()].some((each) => each.some(({ what }) => what === 'format')))
    return { ...none, without: [old.label], from: 'params.yaml', changes: paramChanges(old, now) };
  return {
    from: 'pipeline.lock',
    without,
    changes: grouped(withoutConsequences(reasons, before, after)),
    onlyOld: [...before.keys()].filter((name) => !after.has(name)).sort(byCodeUnit),
    onlyNew: [...after.keys()].filter((name) => !before.has(name)).sort(byCodeUnit),
    unknown: [...unknownFiles(old), ...unknownFiles(now)],
  };
}

type Blocks = ReadonlyMap<string, LockBlock>;

/** The instances that made these files, and all that these needed. */
function makersOf({ lock }: Results, paths: readonly string[]): Blocks {
  const makers = new Map<string, LockBlock>();
  if (lock === undefined) return makers;
  const byPath = makersByPath(lock);
  const open = [...paths];
  const seen = new Set(open);
  for (let path = open.pop(); path !== undefined; path = open.pop())
    for (const block of byPath(path)) {
      if (makers.has(block.stage)) continue;
      makers.set(block.stage, block);
      for (const dep of depPaths(block))
        if (!seen.has(dep)) {
          seen.add(dep);
          open.push(dep);
        }
    }
  return makers;
}

const depPaths = ({ fingerprint }: LockBlock): string[] =>
  Object.values(fingerprint.deps).flatMap((paths) => Object.keys(paths));

/** The blocks of which an output is a path, contains it or lies in it. */
function makersByPath(lock: Blocks): (path: string) => LockBlock[] {
  const makers = new Map<string, LockBlock[]>();
  const add = (path: string, block: LockBlock): void => {
    const others = makers.get(path);
    if (others === undefined) makers.set(path, [block]);
    else others.push(block);
  };
  const outs = new Map<string, LockBlock>();
  for (const block of lock.values())
    for (const { path } of Object.values(block.outs)) {
      outs.set(path, block);
      for (const folder of foldersOf(path)) add(folder, block);
    }
  return (path) => {
    const around = [path, ...foldersOf(path)]
      .map((each) => outs.get(each))
      .find((block) => block !== undefined);
    return around === undefined ? (makers.get(path) ?? []) : [around];
  };
}

/** `a/b` and `a` of `a/b/c`. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
}

/** Leaves out dependencies that changed because the stage that makes them did, or something before that. */
function withoutConsequences(
  reasons: ReadonlyMap<string, readonly Reason[]>,
  before: Blocks,
  after: Blocks,
): Map<string, Reason[]> {
  const [oldMaker, newMaker] = [makersByPath(before), makersByPath(after)];
  const explained = new Map<string, boolean>();
  const isExplained = (stage: string): boolean => {
    const known = explained.get(stage);
    if (known !== undefined) return known;
    explained.set(stage, false);
    // An instance that one version lacks is listed as that.
    const own = reasons.get(stage);
    const result = own === undefined || own.some((reason) => isCause(reason) || makersChanged(reason));
    explained.set(stage, result);
    return result;
  };
  const makersChanged = (reason: Reason): boolean =>
    reason.what === 'dep' &&
    [...newMaker(reason.path), ...oldMaker(reason.path)].some(({ stage }) => isExplained(stage));
  return new Map([...reasons].map(([stage, all]) => [stage, all.filter((each) => !makersChanged(each))]));

  function isCause(reason: Reason): boolean {
    return reason.what !== 'dep' || [...newMaker(reason.path), ...oldMaker(reason.path)].length === 0;
  }
}

/** Each difference once, a parameter for each of its values that differ. */
function grouped(reasons: ReadonlyMap<string, readonly Reason[]>): Change[] {
  const changes = new Map<string, { reason: Reason; stages: string[] }>();
  for (const [stage, all] of reasons)
    for (const reason of all.flatMap(byLeaf)) {
      const id = JSON.stringify(reason);
      const change = changes.get(id);
      if (change === undefined) changes.set(id, { reason, stages: [stage] });
      else change.stages.push(stage);
    }
  return [...changes.values()];
}

function byLeaf(reason: Reason): Reason[] {
  if (reason.what !== 'param' && reason.what !== 'matrix') return [reason];
  if (!isMapping(reason.old) && !isMapping(reason.new)) return [reason];
  const name = reason.what === 'param' ? reason.name : reason.axis;
  const [old, now] = [reason.old, reason.new].map((value) => flattenLeaves({ [name]: value }));
  const keys = new Set([...now!.keys(), ...old!.keys()]);
  return [...keys]
    .filter((key) => !isDeepStrictEqual(old!.get(key), now!.get(key)))
    .map((key) => {
      // A name that has dots itself is quoted as one segment.
      const shown = key.replace(JSON.stringify(name), name);
      const values = { old: old!.get(key), new: now!.get(key) };
      return reason.what === 'param'
        ? { what: 'param', name: shown, ...values }
        : { what: 'matrix', axis: shown, ...values };
    });
}

/** What differs in params.yaml; nothing if a version has none. */
function paramChanges(old: Results, now: Results): Change[] {
  if (old.params === undefined || now.params === undefined) return [];
  const [before, after] = [flattenLeaves(old.params), flattenLeaves(now.params)];
  return [...new Set([...after.keys(), ...before.keys()])]
    .filter((key) => !isDeepStrictEqual(before.get(key), after.get(key)))
    .map((key) => ({
      reason: { what: 'param', name: key, old: before.get(key), new: after.get(key) },
      stages: [],
    }));
}

/** Metrics files with other bytes than pipeline.lock says, or of which it says nothing. */
function unknownFiles({ files, lock, label }: Results): { version: string; path: string }[] {
  if (lock === undefined) return [];
  const outs = new Map(
    [...lock.values()].flatMap(({ outs }) => Object.values(outs).map((out) => [out.path, out] as const)),
  );
  const folders = [...outs.values()].filter(({ type }) => type === 'directory').map(({ path }) => path);
  return [...files]
    .filter(([path, { hash }]) => {
      const out = outs.get(path);
      if (out === undefined) return !isIn(path, folders);
      // Of an output that varies, the lock need not know the bytes.
      return out.varies !== true && out.hash !== hash;
    })
    .map(([path]) => ({ version: label, path }));
}
