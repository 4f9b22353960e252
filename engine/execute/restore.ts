// Brings the outputs of an earlier run back from the store, into scratch.
import { join } from 'node:path';
import type { PresentOuts } from '../explain.ts';
import type { Instance } from '../plan/instance.ts';
import { sameContent } from '../store/content.ts';
import { crashPoint } from '../store/crash-point.ts';
import { DamagedObject } from '../store/object-store.ts';
import type { RunRecord } from '../store/run-records.ts';
import { lookAt } from '../store/stamp.ts';
import type { ReadyOut } from './publish.ts';
import type { Workspace } from './workspace.ts';

/** The same in every run with this key: commands write it into their outputs. The run lock keeps others away from it. */
export const scratchFolder = ({ cache }: Workspace, key: string): string => join(cache, 'tmp', key);

/** The record's outs, recreated in scratch where the workspace does not hold them; undefined where one is damaged. */
export async function restore(
  workspace: Workspace,
  instance: Instance,
  record: RunRecord,
  present: PresentOuts,
): Promise<Record<string, ReadyOut> | undefined> {
  const folder = scratchFolder(workspace, record.key);
  const locked = workspace.lock.blocks.get(instance.name);
  const outs: Record<string, ReadyOut> = {};
  try {
    for (const [i, { name, path }] of instance.outs.entries()) {
      const content = record.outs[name]!;
      const from = join(folder, `restored${i}`);
      const known = locked === undefined || locked.outs[name]?.modes === content.modes;
      const held = known && sameContent(present[name], content) && !(await workspace.isWider(path, content));
      const files = workspace.memo.heldFiles(workspace.root, path);
      const links = workspace.memo.targets.of(workspace.root, from, join(workspace.root, path));
      const listing = held ? undefined : await workspace.objects.restore(content, from, links, files);
      const stamp = held ? undefined : lookAt(from)?.stamp;
      outs[name] = { from, path, content, listing, held, stamp, moment: workspace.memo.clock.now() };
    }
    crashPoint('restored');
    return outs;
  } catch (error) {
    if (error instanceof DamagedObject) return undefined;
    throw error;
  }
}
