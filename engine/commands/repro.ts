// `rodada repro [targets…]`: brings the workspace up to date.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { watchInterrupts } from '../execute/interrupts.ts';
import { repro } from '../execute/repro.ts';
import { takeRunLock } from '../execute/run-lock.ts';
import { cacheFolder, Workspace } from '../execute/workspace.ts';
import { exitCodeOf, type Failure } from '../failure.ts';
import { makePlan } from '../plan/plan.ts';
import { selectTargets } from '../plan/targets.ts';
import { JsonLinesReporter } from '../reporters/json-lines.ts';
import type { Reporter } from '../reporters/reporter.ts';
import { TerminalReporter } from '../reporters/terminal.ts';

export interface ReproFlags {
  readonly force?: boolean;
  readonly keepGoing?: boolean;
  readonly jobs: number;
  readonly profile?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export function reproCommand(): Command {
  return new Command('repro')
    .description('run what changed, restore what was run before, leave the rest')
    .argument(
      '[targets...]',
      'stages, prefixes or instances to bring up to date, with all that they need (default: everything)',
    )
    .option('-p, --profile <name>', 'overlay profiles/<name>.yaml on params.yaml')
    .option('-s, --set <key=value>', 'set a parameter for this run; may be repeated', collect)
    .option('-f, --force', 'run the targets and what they need even if nothing changed')
    .option('-k, --keep-going', 'after a failure go on with whatever does not need the failed stage')
    .option('-j, --jobs <n>', 'stages at once', count, availableParallelism())
    .option('--json', 'print events as JSON lines; the last is the summary')
    .addHelpText(
      'after',
      `
Examples:
  $ npm run repro                                   everything
  $ npm run repro -- train:cnn1                     one model's trainings, and what they need
  $ npm run repro -- --set models.cnn1.dropout=0.3  try a value without editing params.yaml
  $ npm run repro -- --profile report               the full study
  $ npm run -s repro -- --json | tail -n 1          the summary, for a program`,
    )
    .action(async (targets: string[], flags: ReproFlags) => {
      process.exitCode = await runRepro(process.cwd(), targets, flags);
    });
}

/** @returns the exit code */
export async function runRepro(root: string, targets: readonly string[], flags: ReproFlags): Promise<number> {
  const reporter: Reporter = flags.json === true ? new JsonLinesReporter() : new TerminalReporter();
  const { signal, stop } = watchInterrupts();
  const failed = (failures: readonly Failure[]): number => {
    for (const failure of failures) reporter.report({ type: 'failure', failure });
    return exitCodeOf(failures);
  };
  try {
    const plan = await makePlan(root, { profile: flags.profile, set: flags.set });
    if (!plan.ok) return failed(plan.failures);
    const chosen = selectTargets(plan.value.graph, targets);
    if (!chosen.ok) return failed(chosen.failures);
    const release = await takeRunLock(join(root, cacheFolder, 'run.lock'));
    if (!release.ok) return failed(release.failures);
    try {
      const report = (message: string): void => reporter.report({ type: 'note', message });
      const workspace = new Workspace(plan.value, { setup: true, report });
      const lines = workspace.lock.damaged;
      if (lines.length > 0) report(`pipeline.lock: damaged blocks at lines ${lines.join(', ')} are rebuilt.`);
      const prepared = await workspace.prepare(chosen.value);
      if (!prepared.ok) return failed(prepared.failures);
      const summary = await repro(workspace, chosen.value, {
        jobs: flags.jobs,
        force: flags.force === true,
        keepGoing: flags.keepGoing === true,
        emit: (event) => reporter.report(event),
        signal,
      });
      return summary.failed.length + summary.skipped.length > 0 ? 1 : 0;
    } finally {
      await release.value();
    }
  } finally {
    stop();
    reporter.close();
  }
}

const collect = (value: string, all: string[] = []): string[] => [...all, value];

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1.');
  return value;
}
