// What `status`, `why`, `repro --dry` and the other verbs that only look share.
import { join } from 'node:path';
import { RunLockViewer } from '../execute/run-lock.ts';
import { Workspace } from '../execute/workspace.ts';
import { damagedText } from '../lock-file.ts';
import type { Plan } from '../plan/plan.ts';
import { cacheFolder } from '../store/store-folder.ts';
import type { Session } from './session.ts';

/** A workspace in which nothing is set up. Says how far it is with reading, and what of the lock can't be read. */
export function lookAt({ emit }: Session, plan: Plan): Workspace {
  const facts = { setup: false, report: () => undefined };
  const workspace = new Workspace(plan, facts, (progress) => emit({ type: 'hashing', ...progress }));
  const { damaged } = workspace.lock;
  if (damaged.length > 0)
    emit({ type: 'note', message: `${damagedText(damaged)}: as good as absent until the next repro.` });
  return workspace;
}

/** Says that another run is changing the project, so that what this verb shows may be out of date soon. */
export async function tellOfRun({ root, emit }: Pick<Session, 'root' | 'emit'>): Promise<void> {
  const run = await lockViewer(root).running();
  if (run !== undefined) emit({ type: 'running', ...run });
}

/** Looks at the run lock of the project at `root`. */
export const lockViewer = (root: string): RunLockViewer =>
  new RunLockViewer(join(root, cacheFolder, 'run.lock'));
