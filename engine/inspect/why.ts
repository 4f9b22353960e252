// Why a stage is not fresh, in detail: also which files of a changed or edited directory differ.
import type { LookUp, Workspace } from '../execute/workspace.ts';
import type { LockBlock } from '../lock-file.ts';
import { type Content, contentOfIdentity } from '../store/content.ts';
import { differingParts, linesOf, type Part } from '../store/manifest.ts';
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
    // The store may no longer have what was there before.
    const changes = await workspace.objects.read(old, async (before) => {
      const stored = await workspace.objects.read(now, (after) => changesOf(path, before, after));
      return stored ?? changesOf(path, before, await workspace.memo.targets.parts(workspace.root, path));
    });
    if (changes !== undefined) files.push(changes);
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

async function changesOf(
  path: string,
  before: readonly Part[],
  after: readonly Part[],
): Promise<FileChanges> {
  const changes = { path, added: [] as string[], removed: [] as string[], changed: [] as string[] };
  for (const pair of differingParts(before, after)) {
    const old = await linesByPath(pair.before);
    const now = await linesByPath(pair.after);
    for (const [file, line] of now)
      if (!old.has(file)) changes.added.push(file);
      else if (old.get(file) !== line) changes.changed.push(file);
    for (const file of old.keys()) if (!now.has(file)) changes.removed.push(file);
  }
  return changes;
}

const linesByPath = async (parts: readonly Part[]): Promise<Map<string, string>> =>
  new Map((await linesOf(parts)).map((line) => [line[1], JSON.stringify(line)]));
