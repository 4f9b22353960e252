// What a collection keeps: the locks and runs that the workspace and the options name.

import { parseLock } from '../lock/read.ts';
import type { LockBlock } from '../lock-file.ts';
import { lockFile } from '../lock-file.ts';
import { type Result, succeed } from '../result.ts';
import type { Content } from '../store/tree.ts';
import { isKnown, isVarying } from '../varying.ts';
import type { StoredRun } from './sweep.ts';

/** What to keep besides what the workspace's lock names. */
export interface Scope {
  readonly branches: boolean;
  readonly tags: boolean;
  readonly allCommits: boolean;
  /** The last so many runs of each stage. */
  readonly runs: number | null;
  /** Runs that ended, or were used, within so many seconds. */
  readonly newerThan: number | null;
}

/** What the lock blocks of revisions name. */
export interface Needed {
  readonly contents: readonly Content[];
  /** Keys of runs: only their records tell what varying outputs held. */
  readonly keys: ReadonlySet<string>;
}

/** What the lock blocks of the scope's revisions name. */
export async function neededByHistory(root: string, scope: Scope): Promise<Result<Needed>> {
  const refs = [
    ...(scope.branches ? ['refs/heads', 'refs/remotes'] : []),
    ...(scope.tags ? ['refs/tags'] : []),
  ];
  const contents: Content[] = [];
  const keys = new Set<string>();
  if (refs.length === 0 && !scope.allCommits) return succeed({ contents, keys });
  const { Repository } = await import('../compare/git.ts');
  const repository = await Repository.open(root);
  if (!repository.ok) return repository;
  for (const texts of [
    refs.length > 0 ? await repository.value.textsAt(refs, lockFile) : succeed([]),
    scope.allCommits ? await repository.value.everyText(lockFile) : succeed([]),
  ]) {
    if (!texts.ok) return texts;
    for (const text of texts.value) {
      const { blocks } = parseLock(text);
      contents.push(...contentsOf(blocks.values()));
      for (const block of blocks.values()) if (isVarying(block)) keys.add(block.key);
    }
  }
  return succeed({ contents, keys });
}

/** The contents that lock blocks name. */
export const contentsOf = (blocks: Iterable<LockBlock>): Content[] =>
  [...blocks].flatMap(({ outs }) => Object.values(outs)).filter(isKnown);

/** Whether the scope keeps a run for its own sake. */
export function keptRuns(runs: readonly StoredRun[], scope: Scope, now: number): (run: StoredRun) => boolean {
  const kept = new Set<StoredRun>();
  if (scope.newerThan !== null) {
    const since = now - scope.newerThan * 1000;
    for (const run of runs) if (Math.max(Date.parse(run.ended), run.lastUsed) >= since) kept.add(run);
  }
  if (scope.runs !== null) {
    const seen = new Map<string, number>();
    for (const run of runs.toSorted((a, b) => Date.parse(b.ended) - Date.parse(a.ended))) {
      const count = (seen.get(run.stage) ?? 0) + 1;
      seen.set(run.stage, count);
      if (count <= scope.runs) kept.add(run);
    }
  }
  return (run) => kept.has(run);
}
