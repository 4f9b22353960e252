// Why a stage is not fresh, as data: the differences between what the lock says and what is there now.
import { usualShell } from './config/shell.ts';
import type { Fingerprint } from './fingerprint/fingerprint.ts';
import { type LockedFingerprint, lockedFingerprint, unknownContent } from './lock/locked-fingerprint.ts';
import type { LockBlock } from './lock-file.ts';
import { byCodeUnit } from './order.ts';
import { type Content, sameContent } from './store/content.ts';
import { isOf } from './varying.ts';

type Change = 'added' | 'removed' | 'changed';

export type Reason =
  | { readonly what: 'never-run' }
  | { readonly what: 'forced' }
  | { readonly what: 'always' }
  | { readonly what: 'cmd'; readonly old: string; readonly new: string }
  | { readonly what: 'shell'; readonly old: string; readonly new: string }
  | { readonly what: 'wdir'; readonly old: string; readonly new: string }
  | { readonly what: 'code'; readonly file: string; readonly change: Change }
  | {
      readonly what: 'package';
      readonly name: string;
      readonly old: string | null;
      readonly new: string | null;
    }
  | { readonly what: 'param'; readonly name: string; readonly old: unknown; readonly new: unknown }
  | { readonly what: 'matrix'; readonly axis: string; readonly old: unknown; readonly new: unknown }
  | { readonly what: 'dep'; readonly path: string; readonly change: Change }
  | {
      readonly what: 'environment';
      readonly name: string;
      readonly old: string | null;
      readonly new: string | null;
    }
  | {
      /** Values of variables may be secrets, so only what happened to one is told. */
      readonly what: 'variable';
      readonly name: string;
      readonly change: Change | 'set' | 'unset';
    }
  | {
      readonly what: 'out-moved';
      readonly name: string;
      readonly old: string | null;
      readonly new: string | null;
    }
  | { readonly what: 'out'; readonly path: string; readonly state: 'missing' | 'edited' | 'mode' }
  | { readonly what: 'format' }
  /** Stages that it reads from may run, so that its inputs are not known yet. Only a forecast says so. */
  | { readonly what: 'upstream'; readonly stages: readonly string[] };

/** What the workspace holds for each output, by name; null if there is nothing. */
export type PresentOuts = Readonly<Record<string, PresentOut | null>>;

/** `wider`: somebody has more rights to it than the run gave that pipeline.lock names. */
export type PresentOut = Content & { readonly wider?: boolean };

/**
 * All differences between an instance's lock block and its present state, the likely causes first.
 * No differences mean that it is fresh.
 * @param key of the fingerprint: if the block has the same, only outputs can differ; undefined if it is not known yet
 */
export function explain(
  block: LockBlock | undefined,
  fingerprint: Fingerprint,
  key: string | undefined,
  present: PresentOuts,
): Reason[] {
  if (block === undefined) return [{ what: 'never-run' }];
  if (block.fingerprint.format !== fingerprint.format) return [{ what: 'format' }];
  const isSame = key !== undefined && isOf(block, fingerprint, key);
  const inputs = isSame ? [] : inputReasons(block.fingerprint, lockedFingerprint(fingerprint));
  return [...inputs, ...outputReasons(block, fingerprint, present)];
}

/** What differs between the fingerprint of a block and the present one, in the form of a block. */
function inputReasons(old: LockedFingerprint, fingerprint: LockedFingerprint): Reason[] {
  const reasons: Reason[] = [];
  for (const [name, before, after] of differences(old.params, fingerprint.params))
    reasons.push({ what: 'param', name, old: before, new: after });
  for (const [axis, before, after] of differences(old.matrix, fingerprint.matrix))
    reasons.push({ what: 'matrix', axis, old: before?.value, new: after?.value });
  for (const [file, before, after] of differences(old.code, fingerprint.code))
    reasons.push({ what: 'code', file, change: changeOf(before, after) });
  for (const [name, before, after] of differences(old.packages, fingerprint.packages))
    reasons.push({ what: 'package', name, old: before ?? null, new: after ?? null });
  const unknown = unknownDeps(old.deps);
  for (const [path, before, after] of differences(byPath(old.deps), byPath(fingerprint.deps)))
    if (!unknown.has(path) || after === undefined)
      reasons.push({ what: 'dep', path, change: changeOf(before, after) });
  if (JSON.stringify(old.cmd) !== JSON.stringify(fingerprint.cmd))
    reasons.push({ what: 'cmd', old: oneLine(old.cmd), new: oneLine(fingerprint.cmd) });
  if (old.shell !== fingerprint.shell)
    reasons.push({ what: 'shell', old: old.shell ?? usualShell, new: fingerprint.shell ?? usualShell });
  if (old.wdir !== fingerprint.wdir)
    reasons.push({ what: 'wdir', old: old.wdir ?? '.', new: fingerprint.wdir ?? '.' });
  const variables = variablesOf(old, fingerprint);
  for (const [name, before, after] of differences(variables, fingerprint.variables ?? {}))
    reasons.push({ what: 'variable', name, change: variableChange(before, after) });
  for (const [name, before, after] of differences(old.environment, fingerprint.environment)) {
    if (Object.hasOwn(variables, name)) continue;
    reasons.push({ what: 'environment', name, old: before ?? null, new: after ?? null });
  }
  for (const [name, before, after] of differences(old.outs, fingerprint.outs))
    reasons.push({ what: 'out-moved', name, old: before ?? null, new: after ?? null });
  // Whatever else differs, the block itself tells. Of a dependency, it may leave that to the block whose stage made it.
  if (reasons.length === 0)
    for (const path of Object.keys(byPath(old.deps))) reasons.push({ what: 'dep', path, change: 'changed' });
  return reasons;
}

/** Paths of dependencies whose content the lock does not tell, because a block that told it is damaged. */
const unknownDeps = (deps: LockedFingerprint['deps']): Set<string> =>
  new Set(
    Object.values(deps)
      .flatMap((hashes) => Object.entries(hashes))
      .flatMap(([path, hash]) => (hash === unknownContent ? [path] : [])),
  );

function outputReasons(block: LockBlock, fingerprint: Fingerprint, present: PresentOuts): Reason[] {
  const reasons: Reason[] = [];
  for (const [name, content] of Object.entries(present)) {
    const locked = own(block.outs, name);
    const path = fingerprint.outs[name]!;
    if (content === null) reasons.push({ what: 'out', path, state: 'missing' });
    else if (locked !== undefined && (content.wider === true || !sameContent(locked, content)))
      reasons.push({ what: 'out', path, state: sameBytes(locked, content) ? 'mode' : 'edited' });
  }
  return reasons;
}

/** Whether only a mode can differ. */
const sameBytes = (one: Content, other: Content): boolean =>
  one.hash === other.hash && (one.type === 'directory') === (other.type === 'directory');

const oneLine = (cmd: Fingerprint['cmd']): string => (typeof cmd === 'string' ? cmd : cmd.join(' && '));

/** Path → its hash and, since a stage sees its dependencies by name, the names under which it stands. */
function byPath(deps: Fingerprint['deps']): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, paths] of Object.entries(deps))
    for (const [path, hash] of Object.entries(paths))
      found[path] = `${own(found, path) ?? ''}${name}=${hash};`;
  return found;
}

function* differences<T>(
  old: Readonly<Record<string, T>>,
  now: Readonly<Record<string, T>>,
): Generator<[name: string, old: T | undefined, now: T | undefined]> {
  for (const name of [...new Set([...Object.keys(old), ...Object.keys(now)])].sort(byCodeUnit)) {
    const [before, after] = [old, now].map((values) => own(values, name));
    if (JSON.stringify(before) !== JSON.stringify(after)) yield [name, before, after];
  }
}

/** A name may be that of a method which every object inherits. */
const own = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

/** The variables of an old fingerprint. Before they had a field of their own, their values were among the facts, in the clear. */
function variablesOf(old: Fingerprint, now: Fingerprint): Record<string, string | null> {
  const names = Object.keys(old.environment).filter(
    (name) => /^[A-Z][A-Z0-9_]*$/.test(name) && !Object.hasOwn(now.environment, name),
  );
  return { ...Object.fromEntries(names.map((name) => [name, 'in the clear'])), ...old.variables };
}

const variableChange = (
  old: string | null | undefined,
  now: string | null | undefined,
): Change | 'set' | 'unset' =>
  old === undefined || now === undefined
    ? changeOf(old, now)
    : old === null
      ? 'set'
      : now === null
        ? 'unset'
        : 'changed';

const changeOf = (old: unknown, now: unknown): Change =>
  old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
