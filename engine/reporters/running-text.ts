// Says which run is changing the project while a verb only looks at it.
import { hostname } from 'node:os';
import pc from 'picocolors';
import type { RunningRun } from '../execute/run-lock.ts';
import { duration } from './duration.ts';
import { pathText } from './path-text.ts';

/** `• \`rodada repro\` is running here: pid 123, since …. Results may change until it ends.` */
export function runningText({ pid, host, since, command, silence }: RunningRun): string {
  const what = command === undefined ? 'Another run' : `\`${pathText(command)}\``;
  const where = host === hostname() ? '' : ` on ${host}`;
  const end =
    silence !== undefined && silence.seconds >= silence.limit
      ? `No sign of life for ${duration(silence.seconds)}: it may be dead.`
      : 'Results may change until it ends.';
  return `${pc.yellow('•')} ${what} is running here: pid ${pid}${where}, since ${since}. ${end}`;
}
