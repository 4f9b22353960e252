// Says how a run of a stage went: the head lines of `log`.
import pc from 'picocolors';
import type { ShownRun } from '../inspect/runs.ts';
import { byteText } from './byte-text.ts';
import { duration } from './duration.ts';

/** One line: outcome, when, how long, how much memory, and the file with what it printed. */
export function runText(run: ShownRun): string {
  const { stage, number, started, seconds, peakMemory, log, message } = run;
  const facts = [
    outcomeText(run),
    `started ${started}`,
    ...(seconds === null ? [] : [`took ${duration(seconds)}`]),
    peakMemory === null ? 'memory not known' : `at most ${byteText(peakMemory)} of memory seen`,
    log,
  ];
  const heading = `${pc.bold(stage)} #${number}: ${facts.join(', ')}`;
  return message === null ? heading : `${heading}\n  ${message}`;
}

function outcomeText({ outcome, exitCode, killedBy }: ShownRun): string {
  const end =
    killedBy !== null ? `ended by ${killedBy}` : exitCode === null ? 'not started' : `exit code ${exitCode}`;
  switch (outcome) {
    case 'executed':
      return `${pc.green('executed')} (${end})`;
    case 'failed':
      return `${pc.red('failed')} (${end})`;
    case 'interrupted':
      return `${pc.yellow('interrupted')} (${end})`;
    case 'running':
      return pc.cyan('running');
    case 'lost':
      return `${pc.red('lost')} (the engine ended before the command did)`;
  }
}
