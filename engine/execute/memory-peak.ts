// Watches how much memory a command and all that it starts take, where the system tells (Linux).
import { readdirSync, readFileSync } from 'node:fs';

/** Between two looks. A command that ends sooner may take more than is seen. In milliseconds. */
const interval = 200;

/** The first looks follow quickly, so that something is known of a short command. In milliseconds. */
const firstInterval = 10;

export interface MemoryWatch {
  /** Ends the watch. @returns the most bytes seen; null where nothing could be seen */
  stop(): number | null;
}

/**
 * Watches the resident memory of a process and its descendants: the most that all took together at a look (shared pages
 * count for each), or that one alone ever took.
 * @param onTree gets their ids at each look
 */
export function watchMemory(
  pid: number | undefined,
  onTree: (pids: Iterable<number>) => void = () => undefined,
): MemoryWatch {
  let peak: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  const look = (wait: number): void => {
    peak = Math.max(peak ?? 0, residentBytes(pid!, onTree)) || null;
    timer = setTimeout(() => look(Math.min(interval, wait * 2)), wait).unref();
  };
  if (pid !== undefined && process.platform === 'linux') look(firstInterval);
  return {
    stop: () => {
      clearTimeout(timer);
      return peak;
    },
  };
}

function residentBytes(pid: number, onTree: (pids: Iterable<number>) => void): number {
  let together = 0;
  let largest = 0;
  const tree = new Set([pid]);
  for (const process of tree) {
    const { resident, peak, children } = lookAt(process);
    together += resident;
    largest = Math.max(largest, peak);
    for (const child of children) tree.add(child);
  }
  onTree(tree);
  return Math.max(together, largest);
}

function lookAt(pid: number): { resident: number; peak: number; children: number[] } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const tasks = readdirSync(`/proc/${pid}/task`);
    return {
      resident: bytes(status, 'VmRSS'),
      peak: bytes(status, 'VmHWM'),
      children: tasks.flatMap((task) => childrenOf(pid, task)),
    };
  } catch {
    return { resident: 0, peak: 0, children: [] }; // it has ended
  }
}

function childrenOf(pid: number, task: string): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // the thread has ended, or the kernel does not tell
  }
}

function bytes(status: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
