// The runs of a stage that are known on this machine, from their logs.
import { dirname, join, relative } from 'node:path';
import { livenessOf, type ProcessIdentity } from '../execute/process-identity.ts';
import { isHeldFromAfar } from '../execute/run-lock.ts';
import type { LoggedRun, RunLogs } from '../execute/run-log.ts';
import { typed } from '../invocation.ts';
import { meantTarget } from '../plan/targets.ts';
import { fail, type Result, succeed } from '../result.ts';
import { shellWord } from '../shell-word.ts';

/** A run as it is shown. */
export interface ShownRun extends Omit<LoggedRun, 'outcome' | 'engine'> {
  /** 1 is the stage's last run, 2 the one before. */
  readonly number: number;
  /** `lost`: its engine died before it could tell the end. */
  readonly outcome: LoggedRun['outcome'] | 'lost';
  /** File of what it printed, relative to the project. */
  readonly log: string;
}

/**
 * All known runs of the instances that `target` names, an instance's last run first.
 * @param known names of the stages in pipeline.yaml
 */
export function findRuns(
  root: string,
  logs: RunLogs,
  target: string,
  known: readonly string[],
): Result<Map<string, ShownRun[]>> {
  const found = new Map<string, ShownRun[]>();
  const stages = new Set<string>();
  for (const { run, log } of logs.all()) {
    stages.add(run.stage);
    if (run.stage !== target && !run.stage.startsWith(`${target}:`)) continue;
    const runs = found.get(run.stage) ?? [];
    runs.push({ ...shownRun(run, logs), number: runs.length + 1, log: relative(root, log) });
    found.set(run.stage, runs);
  }
  if (found.size > 0) return succeed(found);
  const names = [...new Set([...known, ...stages])];
  if (names.some((name) => name === target || name.startsWith(`${target}:`)))
    return fail({
      reason: 'usage',
      message: `\`${target}\` has not run on this machine.`,
      hint: `Results that came with the store or the repository have no log; \`${typed(`repro --force ${shellWord(target)}`)}\` runs it here.`,
    });
  const hint = meantTarget(target, names);
  return fail({
    reason: 'usage',
    message: `There is no stage \`${target}\`.`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** How a run goes, or how it ended, by now. */
export function endOf(logs: RunLogs, { key, started }: ShownRun): Partial<ShownRun> {
  const isIt = (run: LoggedRun | undefined): boolean => run?.key === key && run.started === started;
  const newest = logs.get(key);
  // A later run with the same key may have taken its place.
  const run = isIt(newest) ? newest : logs.all().find((each) => isIt(each.run))?.run;
  return run === undefined ? { outcome: 'running' } : shownRun(run, logs);
}

function shownRun({ engine, ...run }: LoggedRun, logs: RunLogs): Omit<ShownRun, 'number' | 'log'> {
  const isLost = run.outcome === 'running' && !isGoingOn(engine, logs);
  return { ...run, outcome: isLost ? 'lost' : run.outcome };
}

/** Whether the engine of a run lives. One that can't be asked shows it by the run lock. */
function isGoingOn(engine: ProcessIdentity | undefined, logs: RunLogs): boolean {
  if (engine === undefined) return false;
  const liveness = livenessOf(engine);
  if (liveness !== 'unknown') return liveness === 'alive';
  return isHeldFromAfar(join(dirname(logs.folder), 'run.lock'), engine);
}
