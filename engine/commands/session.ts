// What the verbs share: the options that choose parameters, a reporter that is closed, failures that become exit codes.
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Emit, Summary } from '../event.ts';
import { killAllRuns } from '../execute/processes.ts';
import { systemErrorText } from '../execute/system-error.ts';
import { exitCodeOf, type Failure, type SystemFailure } from '../failure.ts';
import type { Instance } from '../plan/instance.ts';
import { makePlan, type Plan, type PlanOptions } from '../plan/plan.ts';
import { type Reach, selectTargets } from '../plan/targets.ts';
import { enterProject, namesPaths, placeText } from '../project-folder.ts';
import { JsonLinesReporter } from '../reporters/json-lines.ts';
import type { Reporter } from '../reporters/reporter.ts';
import { TerminalReporter, type VerbTexts } from '../reporters/terminal.ts';
import { type Result, succeed } from '../result.ts';

/** What a verb works with. */
export interface Session {
  readonly root: string;
  readonly emit: Emit;
  /** Reports the failures. @returns their exit code */
  readonly failed: (failures: readonly Failure[]) => number;
  /** Ends this process and its commands at once, because another run has taken the run lock; see RunLockOptions. */
  readonly onLost: (seconds: number, summary?: Summary) => never;
}

export interface OutputFlags {
  readonly json?: boolean;
}

export interface PlanFlags extends OutputFlags {
  readonly profile?: string;
  readonly set?: readonly string[];
}

/** What is particular to a verb. */
interface VerbOptions {
  readonly texts?: VerbTexts;
  /** Finds the folder to work in and changes to it. */
  readonly enter?: () => Result<string>;
}

/** Runs a verb's work in the user's project with a reporter, and leaves its exit code. */
export async function session(
  flags: OutputFlags,
  work: (session: Session) => Promise<number>,
  { texts, enter = enterProject }: VerbOptions = {},
): Promise<void> {
  const reporter: Reporter = flags.json === true ? new JsonLinesReporter() : new TerminalReporter(texts);
  let showsPaths = false;
  const emit: Emit = (event) => {
    showsPaths ||= event.type === 'failure' && namesPaths(event.failure);
    reporter.report(event);
  };
  const failed = (failures: readonly Failure[]): number => {
    for (const failure of failures) emit({ type: 'failure', failure });
    return exitCodeOf(failures);
  };
  try {
    const onLost = (limit: number, summary?: Summary): never => {
      killAllRuns();
      if (summary !== undefined) emit(summary);
      process.exitCode = failed([{ reason: 'lost-lock', limit }]);
      reporter.close();
      process.exit();
    };
    const project = enter();
    if (!project.ok) {
      process.exitCode = failed(project.failures);
      return;
    }
    const root = project.value;
    process.exitCode = await work({ root, emit, failed, onLost });
    const place = showsPaths && flags.json !== true ? placeText(root) : undefined;
    if (place !== undefined) emit({ type: 'note', message: place });
  } catch (error) {
    const failure = systemFailure(error, process.cwd());
    if (failure === undefined) throw error;
    process.exitCode = failed([failure]);
  } finally {
    reporter.close();
  }
}

/** What the operating system refused is no bug; undefined if the error is one. */
export function systemFailure(error: unknown, root: string): SystemFailure | undefined {
  const message = systemErrorText(error, root);
  if (message === undefined) return undefined;
  const { path = '.' } = error as NodeJS.ErrnoException;
  return { reason: 'system', path: relative(root, path), message };
}

/** The plan for the parameters that the options choose. */
export const planOf = (
  { root }: Session,
  { profile, set }: PlanFlags,
  options: Pick<PlanOptions, 'allowMissing'> = {},
): Promise<Result<Plan>> => makePlan(root, { profile, set, ...options });

/** A plan and the instances that the targets choose of it. */
export interface Chosen {
  readonly plan: Plan;
  readonly chosen: readonly Instance[];
}

export async function choose(
  session: Session,
  flags: PlanFlags,
  targets: readonly string[],
  reach: Reach,
): Promise<Result<Chosen>> {
  const plan = await planOf(session, flags);
  if (!plan.ok) return plan;
  const chosen = selectTargets(plan.value.graph, targets, reach);
  return chosen.ok ? succeed({ plan: plan.value, chosen: chosen.value }) : chosen;
}

/** Adds `--profile` and `--set`. */
export const withPlanOptions = (command: Command): Command =>
  command
    .option('-p, --profile <name>', 'overlay profiles/<name>.yaml on params.yaml')
    .option('-s, --set <key=value>', 'set a parameter for this call; may be repeated', collect);

/** For an option that may be repeated. */
export const collect = (value: string, all: string[] = []): string[] => [...all, value];

/** The part of a verb's help with examples: commands, and what each is for. */
export function examples(rows: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...rows.filter(([, what]) => what !== '').map(([command]) => command.length));
  const lines = rows.map(([command, what]) => `  $ ${command.padEnd(width)}  ${what}`.trimEnd());
  return `\nExamples:\n${lines.join('\n')}`;
}
