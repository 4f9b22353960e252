// `rodada log STAGE`: what its last run, or an earlier one, printed and how it ended.
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { RunLogs } from '../execute/run-log.ts';
import { findRuns, type ShownRun } from '../inspect/runs.ts';
import { typed } from '../invocation.ts';
import { cacheFolder } from '../store/store-folder.ts';
import { tellOfRun } from './looking.ts';
import { examples, type OutputFlags, planOf, type Session, session } from './session.ts';
import { ShownOutput } from './shown-output.ts';

interface LogFlags extends OutputFlags {
  readonly runs?: boolean;
  readonly run?: number;
  readonly follow?: boolean;
  readonly raw?: boolean;
}

export function logCommand(): Command {
  return new Command('log')
    .description('what the last run of a stage printed, its exit code, duration and memory; failed runs too')
    .argument('<stage>', 'a stage, prefix or instance; of several the last run of each is listed')
    .option('--runs', 'list all runs that are known instead')
    .addOption(
      new Option('-n, --run <n>', 'the n-th last run: 2 is the one before the last')
        .argParser(number)
        .conflicts('runs'),
    )
    .addOption(
      new Option(
        '-f, --follow',
        'show what a run prints while it goes on, until it ends; exit code 1 if it fails',
      ).conflicts(['runs', 'run']),
    )
    .addOption(
      new Option('--raw', 'print every byte of the log and nothing else').conflicts(['runs', 'json']),
    )
    .option(
      '--json',
      'print JSON lines: {"type":"run",…}, then {"type":"output","text":…} for what it printed',
    )
    .addHelpText(
      'after',
      () => `${examples([
        [typed('log download'), 'what it printed when it ran last'],
        [typed('log train'), 'how the last run of each training went'],
        [typed('log train:cnn1:batch32-epochs20 --runs'), 'all its runs'],
        [typed('log split -n 2'), 'the run before the last'],
        [typed('log train:cnn1 --follow'), 'the run that goes on now'],
      ])}

stdout and stderr are kept together, in the order in which they came. Escape sequences are left out, and of a line that overwrites
itself, such as a progress bar, only the last state is shown. --follow waits for a run to start as long as a repro goes on. Memory is the most that was seen of the command and
all that it started, in looks 5 times a second, on Linux; elsewhere it is not known.`,
    )
    .action((stage: string, flags: LogFlags) => session(flags, (session) => runLog(session, stage, flags)));
}

async function runLog(
  session: Session,
  stage: string,
  { runs, run, follow, raw = false }: LogFlags,
): Promise<number> {
  const { root, emit, failed } = session;
  const logs = new RunLogs(join(root, cacheFolder));
  const names = await stageNames(session);
  if (follow === true) {
    const { followRun, runToFollow } = await import('./follow-log.ts');
    const followed = await runToFollow(session, logs, stage, names);
    if ('failure' in followed) return failed([followed.failure]);
    if ('run' in followed) return followRun(session, logs, followed.run, raw);
  }
  const found = findRuns(root, logs, stage, names);
  if (!found.ok) return failed(found.failures);
  const all = [...found.value.values()];
  if (runs === true || (all.length > 1 && run === undefined)) {
    const listed = all.flatMap((each) => (runs === true ? each : each.slice(0, 1)));
    if (!listed.some(isRunning)) await tellOfRun(session);
    for (const shown of listed) emit({ type: 'run', ...shown });
    return 0;
  }
  if (all.length > 1)
    return failed([
      {
        reason: 'usage',
        message: `\`${stage}\` has ${all.length} instances; --run needs one.`,
        hint: `For example \`${all[0]![0]!.stage}\`.`,
      },
    ]);
  const wanted = all[0]![(run ?? 1) - 1];
  if (wanted === undefined)
    return failed([
      {
        reason: 'usage',
        message: `Of \`${stage}\` only ${all[0]!.length} ${all[0]!.length === 1 ? 'run is' : 'runs are'} known.`,
        hint: '`--runs` lists them.',
      },
    ]);
  if (!raw && !isRunning(wanted)) await tellOfRun(session);
  await show(session, wanted, raw);
  return 0;
}

/** It shows by itself that a run goes on in the project. */
const isRunning = ({ outcome }: ShownRun): boolean => outcome === 'running';

async function show({ root, emit }: Session, run: ShownRun, raw: boolean): Promise<void> {
  if (!raw) emit({ type: 'run', ...run });
  const file = join(root, run.log);
  if (!existsSync(file)) return;
  const output = new ShownOutput(emit, raw);
  for await (const piece of createReadStream(file)) await output.write(piece as Buffer);
  output.end();
}

/** Names of the instances in pipeline.yaml; none where that can't be read: a log is of use all the more then. */
async function stageNames(session: Session): Promise<string[]> {
  const plan = await planOf(session, {});
  return plan.ok ? plan.value.graph.instances.map(({ name }) => name) : [];
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1.');
  return value;
}
