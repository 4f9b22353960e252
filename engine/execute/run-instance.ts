// Brings one instance up to date: examine, decide, then restore or run, and publish.
import { join } from 'node:path';
import type { Reason } from '../explain.ts';
import { moveAside } from '../ownership/protect.ts';
import type { Instance } from '../plan/instance.ts';
import { type Examined, examine } from './examine.ts';
import { execute, startsFromScratch } from './execute.ts';
import { blockOf, noteMade } from './made.ts';
import type { Outcome, Overtaken, RunOptions } from './outcome.ts';
import { publish } from './publish.ts';
import { restore, scratchFolder } from './restore.ts';
import type { Workspace } from './workspace.ts';

/** How often inputs may change before the command starts. */
const patience = 5;

/** Brings an instance up to date. If an input changes while its command runs, it runs once more, with the new inputs. */
export async function runInstance(
  workspace: Workspace,
  instance: Instance,
  options: RunOptions,
): Promise<Outcome> {
  let current = instance;
  let ran = false;
  for (let attempt = 1; ; attempt++) {
    const outcome = await bringUpToDate(workspace, current, options);
    if (outcome.status !== 'overtaken') return outcome;
    const { path, started, inputs, failure } = outcome;
    if ((started && ran) || attempt > patience) return { status: 'failed', failure };
    if (started) options.emit({ type: 'rerun', stage: instance.name, path });
    ran ||= started;
    current = await workspace.refresh(current, inputs.paths);
  }
}

async function bringUpToDate(
  workspace: Workspace,
  instance: Instance,
  options: RunOptions,
): Promise<Outcome | Overtaken> {
  const { emit } = options;
  const force = options.force || options.audit;
  const examined = await examine(workspace, instance, { ...options, force });
  if ('failure' in examined) return { status: 'failed', failure: examined.failure };
  const { decision, fingerprint, inputs, present, found } = examined;
  if (decision.action === 'fresh') {
    noteMade(workspace, instance, (name) => present[name] ?? undefined);
    emit({ type: 'fresh', stage: instance.name });
    return found === undefined ? { status: 'fresh' } : { status: 'fresh', block: found };
  }
  const folder = scratchFolder(workspace, decision.key);
  workspace.check();
  workspace.trash.add(folder); // there is one only if an earlier run's could not be removed
  let reasons = decision.reasons;
  if (decision.action === 'restore') {
    const restored = await restoreRecorded(workspace, instance, { ...examined, decision }, options);
    if (restored !== undefined) return restored;
    const message = `${instance.name}: its cached outs are damaged and were moved to cache/quarantine; it runs again.`;
    emit({ type: 'note', message });
    reasons = reasons.length > 0 ? reasons : [{ what: 'never-run' } satisfies Reason];
  }
  const work = { key: decision.key, fingerprint, inputs, present, reasons, old: join(folder, 'old') };
  if (!startsFromScratch(options)) await options.shorterEnded();
  return options.slots.use(instance.slots, () => execute(workspace, instance, work, options));
}

/** Brings back what an earlier run made; undefined if the store's copy is damaged. */
async function restoreRecorded(
  workspace: Workspace,
  instance: Instance,
  {
    decision: { key, record, reasons },
    fingerprint,
    present,
  }: Examined & { readonly decision: { readonly action: 'restore' } },
  options: RunOptions,
): Promise<Outcome | undefined> {
  const folder = scratchFolder(workspace, key);
  const outs = await restore(workspace, instance, record, present);
  if (outs === undefined) {
    workspace.trash.add(folder);
    return undefined;
  }
  const isHeld = (name: string): boolean => outs[name]!.held;
  const unowned = await moveAside(workspace, instance, isHeld, { ...options, present });
  if (unowned !== undefined) {
    workspace.trash.add(folder);
    return { status: 'failed', failure: unowned };
  }
  workspace.check();
  noteMade(workspace, instance, (name) => outs[name]?.content);
  await publish(workspace, outs, join(folder, 'old'));
  workspace.trash.add(folder);
  workspace.records.used(key);
  options.emit({ type: 'restored', stage: instance.name, reasons });
  const locked = instance.frozen ? workspace.lock.blocks.get(instance.name) : undefined;
  return { status: 'restored', block: locked ?? blockOf(workspace, instance, key, fingerprint, outs) };
}
