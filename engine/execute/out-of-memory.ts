// Tells whether the kernel ended a command because memory ran out, and how much memory there is (Linux).
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** How often the kernel's out-of-memory killer ended a process. */
export interface MemoryKills {
  /** In the engine's own control group, which its commands share; undefined if the system does not say. */
  readonly own: number | undefined;
  readonly machine: number | undefined;
}

/** How much memory there is, and who limits it. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly of: 'control group' | 'machine';
}

export function memoryKills(): MemoryKills {
  const { folder, version } = controlGroup();
  const events = version === 1 ? 'memory.oom_control' : 'memory.events';
  return {
    own: folder === undefined ? undefined : counter(join(folder, events), 'oom_kill'),
    machine: counter('/proc/vmstat', 'oom_kill'),
  };
}

/** How sure it is that memory ran out, and the limit. */
export interface OutOfMemory extends MemoryLimit {
  readonly sure: boolean;
}

/** From which share of the limit on a peak makes the lack of memory the likely cause of SIGKILL. */
const likely = 0.8;

/**
 * Whether memory ran out.
 * @param before counted when the run began
 * @param wasKilled whether SIGKILL ended the command, or what its shell waited for, and the engine did not send it
 */
export function outOfMemory(
  before: MemoryKills,
  wasKilled: boolean,
  peakMemory: number | null,
): OutOfMemory | undefined {
  const now = memoryKills();
  const grew = (name: keyof MemoryKills): boolean =>
    (now[name] ?? 0) > (before[name] ?? Number.POSITIVE_INFINITY);
  const limit = memoryLimit();
  if (grew('own') || (wasKilled && now.own === undefined && grew('machine'))) return { ...limit, sure: true };
  const isLikely = grew('machine') || (peakMemory ?? 0) > likely * limit.bytes;
  return wasKilled && isLikely ? { ...limit, sure: false } : undefined;
}

/** The smallest limit that applies. */
function memoryLimit(): MemoryLimit {
  let limit: MemoryLimit = { bytes: totalmem(), of: 'machine' };
  const { folder, version } = controlGroup();
  const name = version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
  // Each group up to the root may have one.
  for (let at = folder; at !== undefined; at = dirname(at)) {
    const text = read(join(at, name));
    if (text === undefined && at !== folder) break;
    const bytes = Number(text); // `max` is no limit
    if (text !== undefined && bytes < limit.bytes) limit = { bytes, of: 'control group' };
    if (dirname(at) === at) break;
  }
  return limit;
}

/** The folder of the engine's control group for memory. In a container it may be the only one that is visible. */
function controlGroup(): { readonly folder: string | undefined; readonly version: 1 | 2 } {
  const groups = read('/proc/self/cgroup')?.split('\n') ?? [];
  const first = groups.map((line) => /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/.exec(line)?.[1]).find(Boolean);
  const path = first ?? groups.map((line) => /^0::(.*)$/.exec(line)?.[1]).find(Boolean);
  const version = first === undefined ? 2 : 1;
  if (path === undefined) return { folder: undefined, version };
  const mount = version === 1 ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
  const known = version === 1 ? 'memory.oom_control' : 'memory.events';
  const folder = [join(mount, path), mount].find((at) => read(join(at, known)) !== undefined);
  return { folder, version };
}

function counter(file: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(read(file) ?? '');
  return found === null ? undefined : Number(found[1]);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
