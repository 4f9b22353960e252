// Ends the commands of a run that was killed: they would go on beside their successors, and hold the machine.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that waits for a device that does not answer can't be killed, and is not waited for. */
const patience = 5_000; // milliseconds

/**
 * Kills every process whose `RODADA_STAGE` lies below `folder`, and waits until they are gone. Linux alone tells the
 * environment of a process; elsewhere such commands go on until they end by themselves, their work unused.
 */
export async function endOrphans(folder: string): Promise<number> {
  const killed = orphansOf(folder);
  for (const pid of killed) kill(pid);
  const started = performance.now();
  for (
    let left = killed;
    left.length > 0 && performance.now() - started < patience;
    left = orphansOf(folder)
  ) {
    for (const pid of left) kill(pid); // also what these have started meanwhile
    await delay(5);
  }
  return killed.length;
}

function orphansOf(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  const mark = `\0RODADA_STAGE=${folder}${sep}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return `\0${readFileSync(join('/proc', String(pid), 'environ'), 'utf8')}`.includes(mark);
      } catch {
        return false; // another user's, or ended since
      }
    });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since.
  }
}
