// Accepts outs that were made by hand: keeps them as what the stage makes of its inputs, without running it.
import { join } from 'node:path';
import type { Emit } from '../event.ts';
import type { Failure } from '../failure.ts';
import { keyOf } from '../fingerprint/fingerprint.ts';
import { writeLock } from '../lock-file.ts';
import type { Instance } from '../plan/instance.ts';
import { type Content, sameContent } from '../store/content.ts';
import { examine } from './examine.ts';
import { blockOf } from './made.ts';
import type { Workspace } from './workspace.ts';

/** Accepts the outs of `instances`, which are in the graph's order. @returns how many could not be accepted */
export async function acceptOuts(
  workspace: Workspace,
  instances: readonly Instance[],
  emit: Emit,
): Promise<number> {
  const count = { accepted: 0, fresh: 0, failures: 0 };
  for (const instance of instances) {
    const outcome = await accept(workspace, instance);
    if (typeof outcome === 'object') {
      count.failures++;
      emit({ type: 'failure', failure: outcome });
    } else {
      count[outcome]++;
      if (outcome === 'accepted') emit({ type: 'accepted', stage: instance.name });
    }
  }
  workspace.check();
  if (count.accepted > 0) await writeLock(workspace.root, workspace.lock.blocks.values());
  await workspace.memo.save();
  await workspace.made.close();
  emit({ type: 'commit', ...count });
  return count.failures;
}

async function accept(workspace: Workspace, instance: Instance): Promise<'accepted' | 'fresh' | Failure> {
  const { root, lock, made, memo, objects, records } = workspace;
  const stage = instance.name;
  const failed = (message: string): Failure => ({
    reason: 'stage',
    stage,
    message,
    exitCode: null,
    tail: [],
    log: null,
    skips: [],
  });
  // What is frozen or runs every time is accepted like any other.
  const plain = { ...instance, frozen: false, always: false };
  const examined = await examine(workspace, plain, { force: false, restore: false });
  if ('failure' in examined) return examined.failure;
  const { decision, fingerprint, inputs, present } = examined;
  if (decision.action === 'fresh') return 'fresh';
  const absent = instance.outs.filter(({ name }) => present[name] === null);
  if (absent.length > 0) {
    const paths = absent.map(({ path }) => `\`${path}\``).join(', ');
    return failed(`There is nothing to accept at ${paths}.`);
  }
  const key = keyOf(fingerprint);
  const outs: Record<string, { path: string; content: Content }> = {};
  for (const { name, path, cache } of instance.outs) {
    const { wider: _, ...found } = present[name]!;
    const content = cache
      ? (await objects.take(join(root, path), { links: memo.targets.of(root, join(root, path)) })).content
      : found;
    if (!sameContent(content, present[name])) return failed(`\`${path}\` changed while it was read.`);
    outs[name] = { path, content };
  }
  const changed = await inputs.changed();
  if (changed !== undefined)
    return failed(`\`${changed.path}\` changed meanwhile; nothing was recorded. Run it again.`);
  workspace.check();
  await records.put({
    key,
    stage,
    fingerprint,
    outs: Object.fromEntries(Object.entries(outs).map(([name, { content }]) => [name, content])),
    seconds: 0,
    ended: new Date().toISOString(),
    accepted: true,
  });
  for (const { name, path, cache } of instance.outs)
    made.note({ ...outs[name]!.content, path, stage, ...(cache ? {} : { cache }) });
  lock.blocks.set(stage, blockOf(workspace, instance, key, fingerprint, outs));
  return 'accepted';
}
