// One run at a time in a workspace: a file names who is at work, and whoever died is taken over.
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { LockedFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** Gives up the lock. */
export type Release = () => Promise<void>;

/** Takes the lock at `path`, or says who holds it. */
export async function takeRunLock(path: string): Promise<Result<Release>> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      const file = await open(path, 'wx');
      const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
      await file.writeFile(`${JSON.stringify(holder)}\n`);
      await file.close();
      return succeed(() => rm(path, { force: true }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readHolder(path);
    if (holder !== undefined && isAlive(holder))
      return fail({ reason: 'locked', ...holder } satisfies LockedFailure);
    if (attempt === 3)
      return fail({
        reason: 'locked',
        pid: holder?.pid ?? 0,
        host: holder?.host ?? '?',
        since: holder?.since ?? '?',
      });
    await rm(path, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** A process of another host can't be asked, and counts as alive. */
function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
