// `rodada why STAGE`: every difference between a stage's fingerprint and what pipeline.lock says.
import { Command } from 'commander';
import { foretellAll } from '../inspect/forecast.ts';
import { explainForecast } from '../inspect/why.ts';
import { typed } from '../invocation.ts';
import { selectTargets } from '../plan/targets.ts';
import { lookAt, tellOfRun } from './looking.ts';
import { examples, type PlanFlags, planOf, type Session, session, withPlanOptions } from './session.ts';

export function whyCommand(): Command {
  const command = new Command('why')
    .description(
      'why a stage would run: which param, file of its code, dependency or out differs, old and new',
    )
    .argument('<stage...>', 'stages, prefixes or instances');
  return withPlanOptions(command)
    .option('--json', 'print a JSON line for each instance')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('why train:cnn1'), "of one model's trainings"],
        [typed('why resize --set resize.size=96'), 'what a change would set off in it'],
        [
          typed('why resize --json', { quiet: true }),
          '{"type":"why","stage":…,"action":…,"reasons":[…],"files":[…],"lastRun":…}',
        ],
      ])}

Files of a changed directory are named where the store still holds what it was. Exit code: 0, whatever the answer.`,
    )
    .action((targets: string[], flags: PlanFlags) =>
      session(flags, (session) => runWhy(session, targets, flags)),
    );
}

async function runWhy(session: Session, targets: readonly string[], flags: PlanFlags): Promise<number> {
  const { emit, failed } = session;
  const plan = await planOf(session, flags);
  if (!plan.ok) return failed(plan.failures);
  const { graph } = plan.value;
  const asked = selectTargets(graph, targets, 'none');
  if (!asked.ok) return failed(asked.failures);
  const needed = selectTargets(graph, targets);
  if (!needed.ok) return failed(needed.failures);
  await tellOfRun(session);
  const workspace = lookAt(session, plan.value);
  const foretold = await foretellAll(workspace, needed.value, { force: false, restore: true });
  if (!foretold.ok) return failed(foretold.failures);
  const { forecasts } = foretold.value;
  const names = new Set(asked.value.map(({ name }) => name));
  for (const forecast of forecasts)
    if (names.has(forecast.stage))
      emit({ type: 'why', ...(await explainForecast(workspace, forecast, foretold.value.lookUp)) });
  return 0;
}
