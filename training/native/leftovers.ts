// The temporary folders of set-ups: how they are named, and which of them nobody will finish.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { livenessOf, parseProcessName, processName, thisProcess } from '../../engine/stage.ts';

const prefix = 'making-';
const dayMs = 86_400_000;

/** The name of this process' temporary folder in the cache. */
export function temporaryName(): string {
  return prefix + processName(thisProcess());
}

/** Removes what set-ups that were killed left behind: those whose process is dead, and any older than a day. */
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
  const maker = name.slice(prefix.length);
  const [, host, pid] = /^(.+)-(\d+)$/.exec(maker) ?? []; // named by an older version
  const old = host === undefined ? undefined : { pid: Number(pid), host, started: null, place: null };
  const identity = parseProcessName(maker) ?? old;
  return identity !== undefined && livenessOf(identity) === 'dead';
}
