// Why a stage is not fresh, in detail: also which files of a changed or edited directory differ.
import type { LookUp, Workspace } from '../execute/workspace.ts';
import type { LockBlock } from '../lock-file.ts';
import { type Content, contentOfIdentity } from '../store/content.ts';
import type { ManifestLine } from '../store/tree.ts';
import type { Forecast } from './forecast.ts';

/** The files by which a directory differs from what pipeline.lock says. */
export interface FileChanges {
  readonly path: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** A stage's forecast with all that can be said about its reasons. */
export interface Explanation extends Forecast {
  readonly files: readonly FileChanges[];
  /** Its last run that counts: when it ended (ISO 8601) and how long it took; null where there is none on this machine. */
  readonly lastRun: { readonly ended: string; readonly seconds: number; readonly accepted?: true } | null;
}

/** Adds to a forecast what the store and the lock can tell. */
export async function explainForecast(
  workspace: Workspace,
  forecast: Forecast,
  lookUp: LookUp,
): Promise<Explanation> {
  const block = workspace.lock.blocks.get(forecast.stage);
  const record = block && workspace.records.get(block.key);
  const files: FileChanges[] = [];
  for (const { path, isOut } of changedPaths(forecast)) {
    // An edited out is compared as it stands, though it may give way to what is restored.
    const now = await (isOut ? workspace.lookUp : lookUp)(path);
    const old = block && lockedContent(block, path);
    if (now?.type !== 'directory' || old?.type !== 'directory') continue;
    const before = await workspace.objects.lines(old);
    if (before === undefined) continue; // the store no longer has it
    const after =
      (await workspace.objects.lines(now)) ?? (await workspace.memo.targets.lines(workspace.root, path));
    files.push(changesOf(path, before, after));
  }
  const lastRun =
    record === undefined
      ? null
      : { ended: record.ended, seconds: record.seconds, ...(record.accepted && { accepted: true as const }) };
  return { ...forecast, files, lastRun };
}

/** Paths whose content differs from the lock's. */
function changedPaths({ reasons }: Forecast): { path: string; isOut: boolean }[] {
  return reasons.flatMap((reason): { path: string; isOut: boolean }[] => {
    if (reason.what === 'dep' && reason.change === 'changed') return [{ path: reason.path, isOut: false }];
    if (reason.what === 'out' && reason.state === 'edited') return [{ path: reason.path, isOut: true }];
    return [];
  });
}

function lockedContent(block: LockBlock, path: string): Content | undefined {
  const out = Object.values(block.outs).find((each) => each.path === path);
  if (out !== undefined) return out;
  const identity = Object.values(block.fingerprint.deps).find((paths) => path in paths)?.[path];
  return identity === undefined ? undefined : contentOfIdentity(identity);
}

function changesOf(
  path: string,
  before: readonly ManifestLine[],
  after: readonly ManifestLine[],
): FileChanges {
  const old = new Map(before.map((line) => [line[1], JSON.stringify(line)]));
  const now = new Map(after.map((line) => [line[1], JSON.stringify(line)]));
  return {
    path,
    added: [...now.keys()].filter((file) => !old.has(file)),
    removed: [...old.keys()].filter((file) => !now.has(file)),
    changed: [...now.keys()].filter((file) => old.has(file) && old.get(file) !== now.get(file)),
  };
}
