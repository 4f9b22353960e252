// Ends the commands of a run that was killed: they would go on beside their successors, and hold the machine.
import { sep } from 'node:path';
import { RunProcesses } from './processes.ts';

/**
 * Kills every process whose `RODADA_STAGE` lies below `folder`, with what belongs to it, and waits until they are gone. Linux
 * alone tells the environment of a process; elsewhere such commands go on until they end by themselves, their work unused.
 */
export async function endOrphans(folder: string): Promise<number> {
  const orphans = new RunProcesses(`RODADA_STAGE=${folder}${sep}`);
  try {
    return await orphans.kill();
  } finally {
    orphans.forget();
  }
}
