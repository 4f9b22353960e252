// Says whether a process that left its identity behind is alive: the one answer for locks, logs, downloads and set-ups.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's own measure; null if the system does not tell. */
  readonly started: string | null;
  /** Boot and namespaces in which `pid` and `started` have their meaning; null if the system does not tell. */
  readonly place?: string | null;
}

/** `unknown`: it runs on another machine or in another container, or the system does not tell it from a later process. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  host: hostname(),
  started: startOf(process.pid),
  place: ownPlace(),
});

/** Whether the process is alive. A zombie is dead, and so is a process whose pid another one has now. */
export function livenessOf({ pid, host, started, place }: ProcessIdentity): Liveness {
  const here = ownPlace();
  const isElsewhere = place != null && here !== null && place !== here;
  if (isElsewhere || host !== hostname()) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'dead';
  }
  const now = startOf(pid);
  if (now === ended) return 'dead';
  if (started == null || now === null) return 'unknown';
  return now === started ? 'alive' : 'dead';
}

/** An identity as a part of a file's name. */
export const processName = ({ pid, host, started, place }: ProcessIdentity): string =>
  [host, String(pid), started ?? '', place ?? '']
    .map((part) => encodeURIComponent(part).replaceAll('~', '%7E'))
    .join('~');

/** Reads what `processName` wrote; undefined if it is anything else. */
export function parseProcessName(name: string): ProcessIdentity | undefined {
  const parts = name.split('~');
  if (parts.length !== 4) return undefined;
  try {
    const [host, pid, started, place] = parts.map(decodeURIComponent) as [string, string, string, string];
    if (!/^[1-9]\d*$/.test(pid)) return undefined;
    return { pid: Number(pid), host, started: started || null, place: place || null };
  } catch {
    return undefined; // a `%` that encodes nothing
  }
}

const ended = 'ended';

/** Boot and clock ticks at which a process started, on Linux; `ended` for a zombie. */
function startOf(pid: number): string | null {
  if (ownPlace() === null) return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command's name in parentheses, which may hold anything; the start is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? ended : `${bootId()} ${fields[19]}`;
  } catch {
    return null;
  }
}

let place: string | null | undefined;

/** The boot of this process's kernel, and its namespaces of pids and times, on Linux. They never change. */
function ownPlace(): string | null {
  if (place === undefined) place = findPlace();
  return place;
}

function findPlace(): string | null {
  try {
    // A container may see the /proc of its host, in which its own pids mean other processes.
    if (readlinkSync('/proc/self') !== String(process.pid)) return null;
    return [bootId().slice(0, 8), namespaceOf('pid'), namespaceOf('time')].join('-');
  } catch {
    return null;
  }
}

function namespaceOf(kind: string): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0] ?? '';
  } catch {
    return ''; // the kernel is older than this kind of namespace
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
