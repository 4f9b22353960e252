// Moves out of the way what the engine must not delete: it stays in cache/displaced until `gc --quarantine`.
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moveTree } from '../store/trees.ts';

/** Relative to the project. */
const displacedFolder = 'cache/displaced';

/** Moves what is at `path`. @returns where it is now, relative to the project */
export async function displace(root: string, path: string): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
  let to = `${displacedFolder}/${time}/${path}`;
  const isTaken = (): boolean => lstatSync(join(root, to), { throwIfNoEntry: false }) !== undefined;
  for (let n = 2; isTaken(); n++) to = `${displacedFolder}/${time}-${n}/${path}`;
  mkdirSync(dirname(join(root, to)), { recursive: true });
  await moveTree(join(root, path), join(root, to));
  return to;
}
