// What `status`, `why` and `repro --dry` share: a workspace that is only looked at.
import { Workspace } from '../execute/workspace.ts';
import { damagedText } from '../lock-file.ts';
import type { Plan } from '../plan/plan.ts';
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
