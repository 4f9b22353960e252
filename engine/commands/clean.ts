// `rodada clean`: moves out of the workspace what pipeline.yaml no longer makes.
import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { clean } from '../execute/clean.ts';
import { clearLeftovers } from '../execute/leftovers.ts';
import { LockWriter } from '../execute/repro.ts';
import { Workspace } from '../execute/workspace.ts';
import { lockWorkspace } from '../execute/workspace-lock.ts';
import type { UsageFailure } from '../failure.ts';
import { startFolder, typed } from '../invocation.ts';
import { writeLock } from '../lock-file.ts';
import type { Plan } from '../plan/plan.ts';
import { storeAt } from '../store/configured-store.ts';
import { examples, type PlanFlags, planOf, type Session, session, withPlanOptions } from './session.ts';

interface CleanFlags extends PlanFlags {
  readonly dry?: boolean;
  readonly keep?: readonly string[];
}

export function cleanCommand(): Command {
  const command = new Command('clean')
    .description('move outputs that pipeline.yaml no longer has out of the workspace; repro does it, too')
    .option('--dry', 'say what would be moved out; change nothing')
    .option('--keep <path...>', 'move nothing; from now on these leftovers are files of your own');
  return withPlanOptions(command)
    .option('--json', 'print events as JSON lines; the last is {"type":"clean","dry":…,"moved":n,"kept":n}')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('clean --dry'), 'what is left over from removed stages, labels and outputs'],
        [typed('clean'), 'move it out; the store keeps it'],
        [typed('clean --keep data/raw'), 'the stage that made it is gone, but the data is needed'],
      ])}

Outputs that the store does not keep go to cache/displaced. What was changed by hand stays where it is.
Exit code: 1 if something stays; 0 otherwise.`,
    )
    .action((flags: CleanFlags) => session(flags, (session) => runClean(session, flags)));
}

async function runClean(session: Session, flags: CleanFlags): Promise<number> {
  const { root, emit, failed } = session;
  const held = await lockWorkspace(root, storeAt(root), session);
  if (!held.ok) return failed(held.failures);
  try {
    // What a stage lacks does not matter here.
    const plan = await planOf(session, flags, { allowMissing: true });
    if (!plan.ok) return failed(plan.failures);
    if (flags.keep !== undefined) return await keepLeftovers(session, plan.value, flags.keep);
    const workspace = new Workspace(
      plan.value,
      { setup: false, report: () => undefined },
      undefined,
      held.value,
    );
    if (flags.dry === true) {
      const outs = await workspace.leftovers();
      if (outs.length > 0) emit({ type: 'leftovers', outs });
      const kept = outs.filter(({ edited }) => edited).length;
      emit({ type: 'clean', dry: true, moved: outs.length - kept, kept });
      return kept === 0 ? 0 : 1;
    }
    await clearLeftovers(root, workspace.cache);
    const { moved, kept } = await clean(workspace, emit);
    await new LockWriter(workspace).finish();
    await workspace.trash.emptied();
    await workspace.made.close();
    await held.value.registry?.note(workspace.lock);
    emit({ type: 'clean', dry: false, moved, kept });
    return kept === 0 ? 0 : 1;
  } finally {
    await held.value.release();
  }
}

/** Forgets that runs made the leftovers at `paths`. */
async function keepLeftovers(
  { root, emit, failed }: Session,
  { lock, made, leftovers }: Plan,
  paths: readonly string[],
): Promise<number> {
  const known = new Map(leftovers.all().map((leftover) => [leftover.path, leftover]));
  const names = paths.map((path) => {
    const [first, ...forms] = formsOf(root, path);
    return [first!, ...forms].find((form) => known.has(form)) ?? first!;
  });
  const unknown = names.find((path) => !known.has(path));
  if (unknown !== undefined) return failed([notLeft(unknown, [...known.keys()])]);
  for (const path of names) made.forget(path);
  let changed = false;
  for (const [stage, block] of lock.blocks) {
    const outs = Object.entries(block.outs).filter(([, { path }]) => !names.includes(path));
    if (outs.length === Object.keys(block.outs).length) continue;
    lock.blocks.set(stage, { ...block, outs: Object.fromEntries(outs) });
    changed = true;
  }
  // Writing the lock ends its conflicts, so that what these say is noted elsewhere.
  for (const { stage, outs } of lock.disputed)
    for (const out of Object.values(outs)) {
      changed = true;
      if (!names.includes(out.path) && made.get(out.path) === undefined) made.note({ ...out, stage });
    }
  if (changed) await writeLock(root, lock.blocks.values());
  await made.close();
  emit({ type: 'adopted', paths: names });
  return 0;
}

/** What a path may mean: relative to where the user is, or to the project, as rodada names it. */
const formsOf = (root: string, path: string): string[] =>
  [startFolder() ?? root, root].map((folder) => relative(root, resolve(folder, path)));

function notLeft(path: string, known: readonly string[]): UsageFailure {
  const hint = known.length === 0 ? 'Nothing is left over.' : `Left over: ${known.join(', ')}.`;
  return { reason: 'usage', message: `\`${path}\` is not left over from an earlier run.`, hint };
}
