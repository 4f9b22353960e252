// The temporary folders of set-ups: how they are named, and which of them nobody will finish.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

const prefix = 'making-';
const dayMs = 86_400_000;

/** The name of this process' temporary folder in the cache. */
export function temporaryName(): string {
  return `${prefix}${hostname()}-${process.pid}`;
}

/** Removes what set-ups that were killed left behind: those of this machine whose process is gone, and any older than a day. */
export function removeLeftovers(cache: string): void {
  let names: string[];
  try {
    names = readdirSync(cache).filter((name) => name.startsWith(prefix));
  } catch {
    return; // the cache is new
  }
  for (const name of names) {
    const folder = join(cache, name);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (isOrphan(name) || age > dayMs) rmSync(folder, { recursive: true, force: true });
  }
}

function isOrphan(name: string): boolean {
  const mine = `${prefix}${hostname()}-`;
  if (!name.startsWith(mine)) return false;
  try {
    process.kill(Number(name.slice(mine.length)), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
