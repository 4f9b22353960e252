// What of a version's metrics was not measured with its own code, data and parameters.
import { isDeepStrictEqual } from 'node:util';
import type { Emit } from '../event.ts';
import { Workspace } from '../execute/workspace.ts';
import type { Reason } from '../explain.ts';
import type { Failure } from '../failure.ts';
import { type Action, type Forecast, foretellAll } from '../inspect/forecast.ts';
import type { PlanChoice } from '../ownership/made-outs.ts';
import { makePlan } from '../plan/plan.ts';
import { type Result, succeed } from '../result.ts';
import { flattenLeaves } from './flatten.ts';
import { unknownFiles } from './identity.ts';
import type { Results } from './results.ts';

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
  | { readonly what: 'no-stage'; readonly path: string }
  /** A metrics file is not the one that pipeline.lock names, or pipeline.lock does not name it. */
  | { readonly what: 'not-in-lock'; readonly path: string }
  /** An instance ran with another value than params.yaml has. */
  | { readonly what: 'param'; readonly stage: string; readonly reason: Reason };

export interface Freshness {
  readonly stale: readonly Stale[];
  /** Differences of this machine from the one that measured: they say nothing against the metrics. */
  readonly machine: readonly Reason[];
  /** Absent if everything was looked at. `parameters`: of a revision, neither its code nor its data. `nothing`: no pipeline tells. */
  readonly only?: 'parameters' | 'nothing';
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

/** What the lock of a revision tells: whether its metrics are those that the lock names, made with the parameters of its params.yaml. */
export function revisionFreshness(results: Results, usesProfile: boolean): Freshness {
  if (results.lock === undefined) return { stale: [], machine: [], only: 'nothing' };
  const stale: Stale[] = unknownFiles(results).map(({ path }) => ({ what: 'not-in-lock', path }));
  if (results.params === undefined || usesProfile) return { stale, machine: [], only: 'parameters' };
  for (const { stage, fingerprint } of results.lock.values())
    for (const [name, old] of Object.entries(fingerprint.params)) {
      const now = valueAt(results.params, name);
      if (now === undefined || isWithin(old, now)) continue;
      stale.push({ what: 'param', stage, reason: { what: 'param', name, old, new: now } });
    }
  return { stale, machine: [], only: 'parameters' };
}

function valueAt(params: unknown, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], params);
}

/** Whether all that params.yaml says has these values: a schema may have added defaults. */
function isWithin(measured: unknown, written: unknown): boolean {
  const values = flattenLeaves({ value: measured });
  return [...flattenLeaves({ value: written })].every(([key, value]) =>
    isDeepStrictEqual(values.get(key), value),
  );
}
