// Moves out of the workspace what the plan no longer makes, so that nothing reads it, and remembers what stays.
import { join } from 'node:path';
import type { Emit } from '../event.ts';
import { moveOut } from '../ownership/move-out.ts';
import { lstatIfThere } from '../store/stamp.ts';
import type { Workspace } from './workspace.ts';

/** @returns how many outputs moved, and how many stay because they were changed by hand */
export async function clean(workspace: Workspace, emit: Emit): Promise<{ moved: number; kept: number }> {
  const { lock, made, plan } = workspace;
  const { moved, kept } = await moveOut(workspace.leftoverPlace(), plan.leftovers);
  workspace.keepLeftovers(kept);
  if (moved.length > 0) emit({ type: 'moved-out', outs: moved });
  if (kept.length > 0) emit({ type: 'leftovers', outs: kept });
  // The blocks of other stages leave the lock, but what they made is still known, whichever stage makes it now.
  const known = new Set(plan.graph.instances.map(({ name }) => name));
  const leaving = [...lock.blocks.values()].filter(({ stage }) => !known.has(stage));
  for (const { stage, outs } of [...leaving, ...lock.disputed])
    for (const out of Object.values(outs))
      if (made.get(out.path) === undefined && plan.graph.outs.containing(out.path)?.out.path === out.path)
        made.note({ ...out, stage });
  // What somebody removed by hand is not expected back: a new file there is theirs.
  for (const { path } of [...made.all()])
    if (
      plan.graph.outs.containing(path)?.out.path !== path &&
      lstatIfThere(join(workspace.root, path)) === undefined
    )
      made.forget(path);
  return { moved: moved.length, kept: kept.length };
}
