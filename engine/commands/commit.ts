// `rodada commit [targets…]`: accepts outs that were made by hand.
import { Command } from 'commander';
import { acceptOuts } from '../execute/accept.ts';
import { clean } from '../execute/clean.ts';
import { storeOf, Workspace } from '../execute/workspace.ts';
import { lockWorkspace } from '../execute/workspace-lock.ts';
import { typed } from '../invocation.ts';
import { choose, examples, type PlanFlags, type Session, session, withPlanOptions } from './session.ts';

export function commitCommand(): Command {
  const command = new Command('commit')
    .description('accept outs made by hand as what their stages make of the present inputs; run nothing')
    .argument('[targets...]', 'stages, prefixes or instances (default: everything that is not fresh)');
  return withPlanOptions(command)
    .option(
      '--json',
      'print events as JSON lines; the last is {"type":"commit","accepted":n,"fresh":n,"failures":n}',
    )
    .addHelpText(
      'after',
      () => `${examples([
        [typed('commit split'), 'split.json was edited: from now on it is what split makes'],
        [
          typed('commit'),
          'after a change of code that changes no result, such as another name of a variable',
        ],
      ])}

The outs go into the store and pipeline.lock, and repro restores them wherever the inputs are the same. To have what the
command makes instead: \`repro --force --single-item STAGE\`. Exit code: 1 where there was nothing to accept at an out.`,
    )
    .action((targets: string[], flags: PlanFlags) =>
      session(flags, (session) => runCommit(session, targets, flags)),
    );
}

async function runCommit(session: Session, targets: readonly string[], flags: PlanFlags): Promise<number> {
  const { root, emit, failed } = session;
  let found = await choose(session, flags, targets, 'none');
  if (!found.ok) return failed(found.failures);
  const held = await lockWorkspace(root, storeOf(found.value.plan), session);
  if (!held.ok) return failed(held.failures);
  try {
    // Another run may have changed the workspace since.
    if (!found.value.plan.isCurrent()) found = await choose(session, flags, targets, 'none');
    if (!found.ok) return failed(found.failures);
    const { plan, chosen } = found.value;
    const report = (message: string): void => emit({ type: 'note', message });
    const workspace = new Workspace(plan, { setup: true, report }, undefined, held.value);
    const prepared = await workspace.prepare(chosen);
    if (!prepared.ok) return failed(prepared.failures);
    // What they would be accepted for must be what the next run finds.
    if (!plan.leftovers.isEmpty) {
      await clean(workspace, emit);
      await workspace.trash.emptied();
    }
    const left = await acceptOuts(workspace, chosen, emit);
    await held.value.registry?.note(workspace.lock);
    return left === 0 ? 0 : 1;
  } finally {
    await held.value.release();
  }
}
