// What a run holds while it changes a workspace: the lock of the workspace, and a share in the store if that is not its own.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, type Result, succeed } from '../result.ts';
import { Registry } from '../store/registry.ts';
import { cacheFolder, storeProblem } from '../store/store-folder.ts';
import { type RunLock, type RunLockOptions, takeRunLock } from './run-lock.ts';

export interface WorkspaceLock extends RunLock {
  readonly store: string;
  /** Of the workspaces that share the store; undefined if it is this workspace's own. */
  readonly registry: Registry | undefined;
  /**
   * Does something while nobody else uses the store; afterwards the lock of the store is given up.
   * @returns whether it was done: if others use the store, it is not
   */
  readonly alone: (work: () => Promise<void>) => Promise<boolean>;
}

export interface WorkspaceLockOptions extends Omit<RunLockOptions, 'shared'> {
  /** Whether no other run may use the store meanwhile: something is removed from it. */
  readonly exclusive?: boolean;
}

/** Takes the lock of the workspace at `root`, and then the one of the store. */
export async function lockWorkspace(
  root: string,
  store: string,
  options: WorkspaceLockOptions,
): Promise<Result<WorkspaceLock>> {
  const problem = storeProblem(root, store);
  if (problem !== undefined) return fail(problem);
  const cache = join(root, cacheFolder);
  const run = await takeRunLock(join(cache, 'run.lock'), options);
  if (!run.ok) return run;
  const alone = async (work: () => Promise<void>): Promise<boolean> => {
    await work();
    return true;
  };
  if (store === cache) return succeed({ ...run.value, store, registry: undefined, alone });
  const registry = new Registry(store, root, cache);
  const shared = await shareStore(store, options, options.exclusive !== true).catch(async (error) => {
    await run.value.release();
    throw error;
  });
  if (!shared.ok) {
    await run.value.release();
    return shared;
  }
  let use: RunLock | undefined = shared.value;
  return succeed({
    store,
    registry,
    check: () => {
      run.value.check();
      use?.check();
    },
    release: async () => {
      await use?.release();
      await run.value.release();
    },
    alone: async (work) => {
      await use?.release();
      use = undefined;
      const own = await shareStore(store, { onLost: options.onLost }, false);
      if (!own.ok) return false;
      use = own.value;
      await work();
      return true;
    },
  });
}

async function shareStore(store: string, options: RunLockOptions, shared: boolean): Promise<Result<RunLock>> {
  await mkdir(store, { recursive: true });
  const lock = await takeRunLock(join(store, 'lock'), { ...options, shared });
  if (lock.ok) return lock;
  return fail(
    ...lock.failures.map((failure) => (failure.reason === 'locked' ? { ...failure, store } : failure)),
  );
}
