// Tells how far the hashing of large inputs and outs is: it may take as long as a stage, and nothing else is seen meanwhile.
import { lstatSync } from 'node:fs';
import { type OnBytes, walk } from '../store/tree.ts';

export interface HashProgress {
  /** Relative to the project. */
  readonly path: string;
  /** Bytes. */
  readonly done: number;
  /** Bytes. */
  readonly total: number;
  readonly secondsLeft: number;
}

/** Whoever waits no longer than this does not wonder. */
const patience = 1_000; // milliseconds
/** Between two reports. */
const interval = 200; // milliseconds

/** Takes the bytes hashed at `absolute`, and reports from the first second on; what takes less is not mentioned. */
export function hashProgress(
  path: string,
  absolute: string,
  report: (progress: HashProgress) => void,
): OnBytes {
  const started = performance.now();
  let done = 0;
  let total: number | undefined;
  let due = started + patience;
  return (bytes) => {
    done += bytes;
    const now = performance.now();
    if (now < due && (total === undefined || done < total)) return;
    due = now + interval;
    total ??= sizeOf(absolute);
    const secondsLeft = ((now - started) / 1000) * (Math.max(0, total - done) / done);
    report({ path, done, total, secondsLeft: Math.round(secondsLeft * 10) / 10 });
  };
}

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  let size = 0;
  for (const entry of walk(path))
    if (entry.kind === 'file' || entry.kind === 'executable') size += Number(entry.stat.size);
  return size;
}
