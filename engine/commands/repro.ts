// `rodada repro [targets…]`: brings the workspace up to date.
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { HashProgress } from '../execute/hash-progress.ts';
import { watchInterrupts } from '../execute/interrupts.ts';
import { repro } from '../execute/repro.ts';
import { Tally } from '../execute/tally.ts';
import { warnOfVaryingInGit } from '../execute/varying-in-git.ts';
import { storeOf, Workspace } from '../execute/workspace.ts';
import { lockWorkspace, type WorkspaceLock } from '../execute/workspace-lock.ts';
import { typed } from '../invocation.ts';
import { damagedText } from '../lock-file.ts';
import type { Instance } from '../plan/instance.ts';
import type { Plan } from '../plan/plan.ts';
import { type Reach, selectTargets } from '../plan/targets.ts';
import { type Result, succeed } from '../result.ts';
import { lookAt, tellOfRun } from './looking.ts';
import {
  type Chosen,
  choose,
  examples,
  type PlanFlags,
  type Session,
  session,
  systemFailure,
  withPlanOptions,
} from './session.ts';

export interface ReproFlags extends PlanFlags {
  readonly force?: boolean;
  readonly singleItem?: boolean;
  readonly downstream?: boolean;
  readonly dry?: boolean;
  /** False with `--no-wait`. */
  readonly wait: boolean;
  /** False with `--no-restore`. */
  readonly restore: boolean;
  readonly keepGoing?: boolean;
  readonly jobs: number;
  readonly verbose?: boolean;
  readonly audit?: string;
}

export function reproCommand(): Command {
  const command = new Command('repro')
    .description('run what changed, restore what was run before, leave the rest')
    .argument(
      '[targets...]',
      'stages, prefixes or instances to bring up to date, with all that they need (default: everything)',
    )
    .option('--dry', 'say what would run, be restored or stay, and why; change nothing')
    .addOption(
      new Option(
        '--single-item',
        'only the targets; what they need counts as it stands in the workspace',
      ).conflicts('downstream'),
    )
    .option('--downstream', 'the targets and all that depends on them, instead of what they need')
    .option('-f, --force', 'run the targets and what comes with them even if nothing changed')
    .addOption(
      new Option(
        '--audit <stage>',
        'run this stage, or instance, in any case, and list the files of the project that it reads or writes without declaring them (needs Linux and strace)',
      ).conflicts('dry'),
    )
    .option('--no-restore', 'run what changed even where the store has the result of an earlier run')
    .option('-k, --keep-going', 'after a failure go on with whatever does not need the failed stage')
    .option('--no-wait', 'fail if another run holds the lock of this project, instead of waiting for it')
    .option('-v, --verbose', 'show what commands print while they run, each line after the name of its stage')
    .option('-j, --jobs <n>', 'stages at once', count, availableParallelism());
  return withPlanOptions(command)
    .option('--json', 'print events as JSON lines; the last is the summary')
    .addHelpText('after', () =>
      examples([
        [typed('repro'), 'everything'],
        [typed('repro --dry'), 'what that would do, and why'],
        [typed('repro train:cnn1'), "one model's trainings, and what they need"],
        [typed('repro --single-item compare'), 'compare what stands there, whatever changed before it'],
        [typed('repro --downstream split'), 'split and all that depends on it'],
        [typed('repro --force --single-item explore'), 'run one stage again'],
        [typed('repro --set models.cnn1.dropout=0.3'), 'try a value without editing params.yaml'],
        [typed('repro --audit split'), 'does split declare all that it reads and writes?'],
        [typed('repro --profile report'), 'the full study'],
        [`${typed('repro --json', { quiet: true })} | tail -n 1`, 'the summary, for a program'],
      ]),
    )
    .action((targets: string[], flags: ReproFlags) =>
      session(flags, (session) => runRepro(session, targets, flags)),
    );
}

async function runRepro(session: Session, wanted: readonly string[], flags: ReproFlags): Promise<number> {
  const { root, emit, failed } = session;
  const targets = flags.audit === undefined ? wanted : [...wanted, flags.audit];
  const { signal, stop } = watchInterrupts();
  try {
    let found = await choose(session, flags, targets, reachOf(flags));
    if (!found.ok) return failed(found.failures);
    if (flags.dry === true) {
      for (const warning of found.value.plan.warnings) emit({ type: 'warning', warning });
      return await foretell(session, found.value.plan, found.value.chosen, flags);
    }
    let tally = new Tally(found.value.chosen);
    const held = await lockWorkspace(root, storeOf(found.value.plan), {
      wait: flags.wait,
      onWait: ({ reason: _, ...holder }) => emit({ type: 'waiting', ...holder }),
      signal,
      onLost: (seconds) => session.onLost(seconds, tally.summary()),
    });
    if (!held.ok)
      return failed(
        signal.aborted ? [{ reason: 'interrupted', signal: String(signal.reason) }] : held.failures,
      );
    try {
      // Another run may have changed the workspace since.
      if (!found.value.plan.isCurrent()) found = await choose(session, flags, targets, reachOf(flags));
      if (!found.ok) return failed(found.failures);
      tally = new Tally(found.value.chosen);
      return await bring(session, found.value, flags, { lock: held.value, signal, tally });
    } catch (error) {
      const failure = systemFailure(error, root);
      if (failure === undefined) throw error;
      failed([failure]);
      emit(tally.summary());
      return 1;
    } finally {
      await held.value.release();
    }
  } finally {
    stop();
  }
}

interface Held {
  readonly lock: WorkspaceLock;
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** Brings what is chosen up to date. @returns the exit code */
async function bring(
  session: Session,
  { plan, chosen }: Chosen,
  flags: ReproFlags,
  { lock, signal, tally }: Held,
): Promise<number> {
  const { emit, failed } = session;
  const report = (message: string): void => emit({ type: 'note', message });
  const onHashing = (progress: HashProgress): void => emit({ type: 'hashing', ...progress });
  const workspace = new Workspace(plan, { setup: true, report }, onHashing, lock);
  const lines = workspace.lock.damaged;
  if (lines.length > 0) report(`${damagedText(lines)}, rebuilt by this run.`);
  await lock.registry?.note(workspace.lock);
  const prepared = await workspace.prepare(chosen);
  if (!prepared.ok) return failed(prepared.failures);
  const audited = await audit(plan, flags, report);
  if (!audited.ok) return failed(audited.failures);
  const { complete } = await repro(workspace, chosen, {
    jobs: flags.jobs,
    force: flags.force === true,
    restore: flags.restore,
    keepGoing: flags.keepGoing === true,
    choice: flags,
    emit,
    tally,
    signal,
    verbose: flags.verbose === true,
    audited: audited.value,
    // Whoever interrupts does not want to wait for that.
    afterwards: async (executed) => {
      await lock.registry?.note(workspace.lock);
      if (signal.aborted) return;
      await keepLimit(session, workspace, lock, executed);
      await warnOfVaryingInGit(workspace, executed, emit);
    },
  });
  return complete ? 0 : 1;
}

/** The names of the instances to audit; none, and a note, if nothing can be traced here. */
async function audit(
  plan: Plan,
  { audit: stage }: ReproFlags,
  report: (message: string) => void,
): Promise<Result<ReadonlySet<string> | undefined>> {
  if (stage === undefined) return succeed(undefined);
  const selected = selectTargets(plan.graph, [stage], 'none');
  if (!selected.ok) return selected;
  const { auditProblem } = await import('../audit/audit.ts');
  const problem = await auditProblem();
  if (problem === undefined) return succeed(new Set(selected.value.map(({ name }) => name)));
  report(`\`${stage}\` is not audited: ${problem}.`);
  return succeed(undefined);
}

/** Removes what was not used for longest from a store that has grown over its limit, unless other workspaces use it now. */
async function keepLimit(
  { emit, failed }: Session,
  { cache, lock, plan }: Workspace,
  { store, registry, check, alone }: WorkspaceLock,
  executed: readonly string[],
): Promise<void> {
  const limit = plan.pipeline.definition.cache?.limit;
  if (limit === undefined || executed.length === 0) return;
  check();
  const { collectToLimit } = await import('../gc/limit.ts');
  await alone(async () => {
    const others = registry?.others();
    const collected = await collectToLimit({ cache, store, others }, lock, limit, check);
    if (!collected.ok) failed(collected.failures);
    else {
      const { removed } = collected.value.collected;
      if (removed.runs + removed.partial > 0) emit(collected.value.collected);
    }
  });
}

const reachOf = ({ singleItem, downstream }: ReproFlags): Reach =>
  singleItem === true ? 'none' : downstream === true ? 'dependents' : 'needs';

/** Says what the run would do. */
async function foretell(
  session: Session,
  plan: Plan,
  chosen: readonly Instance[],
  { force, restore }: ReproFlags,
): Promise<number> {
  const { foretellAll, outlookOf } = await import('../inspect/forecast.ts');
  const { emit, failed } = session;
  await tellOfRun(session);
  const workspace = lookAt(session, plan);
  const foretold = await foretellAll(workspace, chosen, { force: force === true, restore });
  if (!foretold.ok) return failed(foretold.failures);
  for (const warning of workspace.codeWarnings) emit({ type: 'warning', warning });
  const { forecasts } = foretold.value;
  const leftovers = await workspace.leftovers();
  if (leftovers.length > 0) emit({ type: 'leftovers', outs: leftovers });
  for (const forecast of forecasts) emit({ type: 'forecast', ...forecast });
  emit(outlookOf(forecasts, leftovers));
  return 0;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1.');
  return value;
}
