// Finds the blocks of a lock that targets name, in this workspace or at a revision.
import { meant } from '../config/nearest.ts';
import { parseLock } from '../lock/read.ts';
import { type Lock, type LockBlock, lockFile } from '../lock-file.ts';
import { meantTarget } from '../plan/targets.ts';
import { fail, type Result, succeed } from '../result.ts';

/** The blocks that the targets name: stages, prefixes or instances; no targets mean all. */
export function selectBlocks(lock: Lock, targets: readonly string[], where: string): Result<LockBlock[]> {
  const blocks = [...lock.blocks.values()];
  if (targets.length === 0) return succeed(blocks);
  const wanted = new Set<LockBlock>();
  for (const target of targets) {
    const named = blocks.filter(({ stage }) => stage === target || stage.startsWith(`${target}:`));
    if (named.length === 0) {
      const hint = meantTarget(
        target,
        blocks.map(({ stage }) => stage),
      );
      const message = `${where} has no stage \`${target}\`.`;
      return fail({ reason: 'usage', message, ...(hint === undefined ? {} : { hint }) });
    }
    for (const block of named) wanted.add(block);
  }
  return succeed(blocks.filter((block) => wanted.has(block)));
}

/** pipeline.lock at a revision of the project's repository. */
export async function lockAt(root: string, revision: string): Promise<Result<Lock>> {
  const { Repository } = await import('../compare/git.ts');
  const repository = await Repository.open(root);
  if (!repository.ok) return repository;
  const commit = await repository.value.commit(revision);
  if (commit === null) {
    const hint = meant(revision, await repository.value.names());
    const message = `There is no revision \`${revision}\`.`;
    return fail({ reason: 'usage', message, ...(hint === undefined ? {} : { hint }) });
  }
  const files = await repository.value.tree(commit, revision).read([lockFile], () => true);
  if (!files.ok) return files;
  const text = files.value.get(lockFile);
  if (text !== undefined) return succeed(parseLock(text));
  const hint = 'Name a revision that was committed after a repro.';
  return fail({ reason: 'usage', message: `There is no ${lockFile} at \`${revision}\`.`, hint });
}
