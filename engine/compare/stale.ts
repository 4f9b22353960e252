// What of a version's metrics was not measured with its own code, data and parameters.
import type { Emit } from '../event.ts';
import { Workspace } from '../execute/workspace.ts';
import type { Reason } from '../explain.ts';
import type { Failure } from '../failure.ts';
import { type Action, type Forecast, foretellAll } from '../inspect/forecast.ts';
import type { PlanChoice } from '../ownership/made-outs.ts';
import { makePlan } from '../plan/plan.ts';
import { type Result, succeed } from '../result.ts';

/** Why metrics are stale. */
export type Stale =
  /** repro would not leave this instance as it is. */
  | {
      readonly what: 'stage';
      readonly stage: string;
      readonly action: Exclude<Action, 'fresh'>;
      readonly reasons: readonly Reason[];
      readonly failure?: Failure;
    }
  /** No instance makes this metrics file. */
  | { readonly what: 'no-stage'; readonly path: string };

export interface Freshness {
  readonly stale: readonly Stale[];
  /** Differences of this machine from the one that measured: they say nothing against the metrics. */
  readonly machine: readonly Reason[];
  /** Whether a pipeline tells; absent if one does. */
  readonly unknown?: true;
}

/** Asks, as `status --allow-missing` does, whether a folder's results belong to its pipeline. */
export async function folderFreshness(
  folder: string,
  choice: PlanChoice,
  emit: Emit,
): Promise<Result<Freshness>> {
  const plan = await makePlan(folder, { ...choice, allowMissing: true });
  if (!plan.ok) return plan;
  const workspace = new Workspace(plan.value, { setup: false, report: () => undefined }, (progress) =>
    emit({ type: 'hashing', ...progress }),
  );
  const { instances } = plan.value.graph;
  const found = await foretellAll(workspace, instances, { force: false, restore: true, allowMissing: true });
  if (!found.ok) return found;
  return succeed(ofForecasts(found.value.forecasts));
}

/** A difference of machines is none of the study's: the metrics belong to this code, these parameters and this data. */
function ofForecasts(forecasts: readonly Forecast[]): Freshness {
  const stale: Stale[] = [];
  const machine = new Map<string, Reason>();
  const excused = new Set<string>();
  for (const { stage, action, reasons, failure } of forecasts) {
    if (action === 'fresh') continue;
    const isExcused =
      failure === undefined &&
      reasons.length > 0 &&
      reasons.every((reason) =>
        reason.what === 'upstream' ? reason.stages.every((each) => excused.has(each)) : isOfMachine(reason),
      );
    if (isExcused) {
      excused.add(stage);
      for (const reason of reasons) if (isOfMachine(reason)) machine.set(JSON.stringify(reason), reason);
    } else
      stale.push({ what: 'stage', stage, action, reasons, ...(failure === undefined ? {} : { failure }) });
  }
  return { stale, machine: [...machine.values()] };
}

/** A stage that runs every time can't be up to date anywhere. */
const isOfMachine = ({ what }: Reason): boolean => what === 'environment' || what === 'always';
