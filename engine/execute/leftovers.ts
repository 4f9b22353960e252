// Clears up after a run that was cut off: its commands, its scratch and what it had not yet given its name.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crashPoint } from '../store/crash-point.ts';
import { isTemporaryName } from '../store/files.ts';
import { PartialStates } from '../store/partial-states.ts';
import { removeTree } from '../store/trees.ts';
import { endOrphans } from './orphans.ts';

/** Where unfinished files may lie, relative to the project; pipeline.lock is written beside itself. */
const places = ['.', 'cache/runs', 'cache/memo', 'cache/memo/modules'];

/** For whoever holds the run lock. After a run that ended by itself there is no `cache/tmp`, and nothing to look for. */
export async function clearLeftovers(root: string, cache: string): Promise<void> {
  const scratch = join(cache, 'tmp');
  if (!existsSync(scratch)) return;
  await endOrphans(scratch);
  for (const place of places) {
    const folder = join(root, place);
    for (const name of await readdir(folder).catch(() => [])) {
      const ours = place === '.' ? name.startsWith('pipeline.lock.') : true;
      if (ours && isTemporaryName(name)) await removeTree(join(folder, name));
    }
  }
  new PartialStates(cache).removeEmpty();
  crashPoint('leftovers-found');
  // What can't be removed, such as another user's files, is in nobody's way; the end of the run says so.
  await removeTree(scratch).catch(() => undefined);
}
