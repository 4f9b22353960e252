// `rodada status [targets…]`: what repro would do, and why.
import { Command } from 'commander';
import { foretellAll, outlookOf } from '../inspect/forecast.ts';
import { typed } from '../invocation.ts';
import { selectTargets } from '../plan/targets.ts';
import { lookAt, tellOfRun } from './looking.ts';
import { examples, type PlanFlags, planOf, type Session, session, withPlanOptions } from './session.ts';

interface StatusFlags extends PlanFlags {
  readonly allowMissing?: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('what repro would do, and why; exit code 1 if there is anything to do')
    .argument('[targets...]', 'stages, prefixes or instances, with all that they need (default: everything)')
    .option(
      '--allow-missing',
      'what is absent counts as what pipeline.lock says: for a clone without data, to see whether the results belong to this code',
    );
  return withPlanOptions(command)
    .option('--json', 'print JSON lines: one for each stage, then {"type":"outlook","run":[…],…}')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('status'), 'of everything'],
        [typed('status evaluate'), 'of one stage and what it needs'],
        [typed('status --allow-missing'), 'in a fresh clone: do the committed metrics belong to this code?'],
        [`${typed('status --json', { quiet: true })} | tail -n 1`, 'the lists, for a program'],
      ])}

Exit code: 0 where nothing is to be done; 1 where repro would run or restore something; 2 on a mistake in the files.`,
    )
    .action((targets: string[], flags: StatusFlags) =>
      session(flags, (session) => runStatus(session, targets, flags)),
    );
}

async function runStatus(session: Session, targets: readonly string[], flags: StatusFlags): Promise<number> {
  const { emit, failed } = session;
  const allowMissing = flags.allowMissing === true;
  const plan = await planOf(session, flags, { allowMissing });
  if (!plan.ok) return failed(plan.failures);
  const chosen = selectTargets(plan.value.graph, targets);
  if (!chosen.ok) return failed(chosen.failures);
  for (const warning of plan.value.warnings) emit({ type: 'warning', warning });
  await tellOfRun(session);
  const workspace = lookAt(session, plan.value);
  const foretold = await foretellAll(workspace, chosen.value, { force: false, restore: true, allowMissing });
  if (!foretold.ok) return failed(foretold.failures);
  for (const warning of workspace.codeWarnings) emit({ type: 'warning', warning });
  const { forecasts } = foretold.value;
  const leftovers = await workspace.leftovers();
  if (leftovers.length > 0) emit({ type: 'leftovers', outs: leftovers });
  for (const forecast of forecasts) emit({ type: 'forecast', ...forecast });
  emit(outlookOf(forecasts, leftovers));
  return leftovers.length === 0 && forecasts.every(({ action }) => action === 'fresh') ? 0 : 1;
}
