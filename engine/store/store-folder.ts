// Where the store of results is: cache/ of the workspace, or a folder that several workspaces may share.
import { existsSync, lstatSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FileFailure } from '../failure.ts';

/** Folder of the state of a workspace and, by default, of its store, relative to the project. */
export const cacheFolder = 'cache';

/**
 * The folder that holds `objects/` and `runs/`: `RODADA_STORE`, else what pipeline.yaml says, else cache/.
 * @param configured `cache: { store: … }`, relative to the project, absolute, or with `~` for the home directory
 */
export function storeFolder(root: string, configured: string | undefined): string {
  const path = process.env.RODADA_STORE || configured || cacheFolder;
  return resolve(root, path.replace(/^~(?=\/|$)/, homedir()));
}

/** Why the workspace at `root` can't work with its cache/ or with this store. */
export function storeProblem(root: string, store: string): FileFailure | undefined {
  const cache = join(root, cacheFolder);
  const hint =
    'Make cache/ a folder of the project, and name the other place by `RODADA_STORE`, or by `cache: { store: … }`.';
  const stat = lstatSync(cache, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() === true)
    return {
      reason: 'file',
      path: cacheFolder,
      message:
        'It is a symbolic link. It holds the lock and the scratch of this workspace, which no other may share.',
      hint,
    };
  if (stat !== undefined && stat.dev !== statSync(root).dev)
    return {
      reason: 'file',
      path: cacheFolder,
      message:
        'It is on another file system than the project, so what a command makes in it could not be renamed into the project.',
      hint,
    };
  if (store !== cache && existsSync(join(store, 'run.lock')))
    return {
      reason: 'file',
      path: store,
      message: 'It is the cache/ of a workspace, which no other may share.',
      hint: 'Move its folders `objects` and `runs` to a folder of their own, and name that as the store of both.',
    };
  return undefined;
}
