// Foretells what a run would do with each instance, without doing it: what would be restored counts as if it stood there.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ExamineOptions, examine } from '../execute/examine.ts';
import type { LookUp, Workspace } from '../execute/workspace.ts';
import { explain, type Reason } from '../explain.ts';
import type { Failure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import type { ShownLeftover } from '../ownership/move-out.ts';
import { findUnowned } from '../ownership/protect.ts';
import type { Instance } from '../plan/instance.ts';
import { stageReference } from '../plan/instantiate.ts';
import { type Result, succeed } from '../result.ts';
import type { Content } from '../store/tree.ts';
import { Prospect } from './prospect.ts';

/**
 * What would become of an instance. `may-run`: something that it reads may be made anew, so its inputs are not known yet.
 * `blocked`: it can't run as things stand.
 */
export type Action = 'fresh' | 'restore' | 'run' | 'may-run' | 'blocked';

export interface Forecast {
  readonly stage: string;
  readonly action: Action;
  readonly reasons: readonly Reason[];
  /** What blocks it, where that is not a stage that it needs. */
  readonly failure?: Failure;
}

/** The stages by what would become of them. */
export interface Outlook {
  readonly type: 'outlook';
  readonly run: readonly string[];
  readonly restore: readonly string[];
  readonly mayRun: readonly string[];
  readonly blocked: readonly string[];
  readonly fresh: readonly string[];
  /** Paths of outputs that the plan no longer has; absent if there are none. */
  readonly leftovers?: readonly string[];
}

export interface ForecastOptions extends Omit<ExamineOptions, 'lookUp'> {
  /** What is absent counts as what pipeline.lock says: for a clone that has no data. */
  readonly allowMissing?: boolean;
}

export interface Forecasts {
  readonly forecasts: readonly Forecast[];
  /** What paths will then hold, as far as it is known. */
  readonly lookUp: LookUp;
}

/** Foretells all `chosen` instances, which are in the graph's order. Others count as they stand. */
export async function foretellAll(
  workspace: Workspace,
  chosen: readonly Instance[],
  options: ForecastOptions,
): Promise<Result<Forecasts>> {
  const prepared = await workspace.prepare(chosen);
  if (!prepared.ok) return prepared;
  const prospect = new Prospect(workspace, options.allowMissing === true);
  const forecasts: Forecast[] = [];
  const blocked = new Set<string>();
  for (const each of chosen) {
    const instance = options.allowMissing === true ? withLockedPaths(workspace, each) : each;
    const forecast = await foretell(workspace, instance, prospect, { ...options, blocked });
    if (forecast.action === 'blocked') blocked.add(instance.name);
    forecasts.push(forecast);
  }
  await workspace.memo.save();
  return succeed({ forecasts, lookUp: prospect.lookUp });
}

/** A glob also stands for the absent files that it stood for when the stage ran. */
function withLockedPaths({ lock, root }: Workspace, instance: Instance): Instance {
  const locked = lock.blocks.get(instance.name)?.fingerprint.deps ?? {};
  const deps = instance.deps.map((dep) => {
    if (dep.pattern === null || stageReference.test(dep.pattern)) return dep;
    const absent = Object.keys(locked[dep.name] ?? {}).filter((path) => !existsSync(resolve(root, path)));
    return { ...dep, paths: [...new Set([...dep.paths, ...absent])].sort(byCodeUnit) };
  });
  return { ...instance, deps };
}

/** Lists the stages by what would become of them. */
export function outlookOf(forecasts: readonly Forecast[], leftovers: readonly ShownLeftover[] = []): Outlook {
  const those = (action: Action): string[] =>
    forecasts.filter((forecast) => forecast.action === action).map(({ stage }) => stage);
  return {
    type: 'outlook',
    run: those('run'),
    restore: those('restore'),
    mayRun: those('may-run'),
    blocked: those('blocked'),
    fresh: those('fresh'),
    ...(leftovers.length > 0 ? { leftovers: leftovers.map(({ path }) => path) } : {}),
  };
}

async function foretell(
  workspace: Workspace,
  instance: Instance,
  prospect: Prospect,
  { force, restore, blocked }: ForecastOptions & { readonly blocked: ReadonlySet<string> },
): Promise<Forecast> {
  const stage = instance.name;
  const open = await prospect.openInputs(instance);
  const blocking = open.stages.filter((name) => blocked.has(name));
  if (blocking.length > 0) {
    prospect.leaveOpen(instance);
    return { stage, action: 'blocked', reasons: [{ what: 'upstream', stages: blocking }] };
  }
  if (open.stages.length > 0 && !force) {
    prospect.leaveOpen(instance);
    const known = await reasonsBesides(workspace, instance, open.paths, prospect.lookUp);
    return { stage, action: 'may-run', reasons: [...known, { what: 'upstream', stages: open.stages }] };
  }
  if (force && !instance.frozen) {
    prospect.leaveOpen(instance);
    return { stage, action: 'run', reasons: [{ what: 'forced' }] };
  }
  const examined = await examine(workspace, instance, { force, restore, lookUp: prospect.lookUp });
  if ('failure' in examined) {
    prospect.leaveOpen(instance);
    return { stage, action: 'blocked', reasons: [], failure: examined.failure };
  }
  const { decision } = examined;
  if (decision.action === 'fresh') return { stage, action: 'fresh', reasons: [] };
  const unowned = await findUnowned(workspace, instance, examined.present);
  if (unowned !== undefined) {
    prospect.leaveOpen(instance);
    return { stage, action: 'blocked', reasons: [], failure: unowned };
  }
  if (decision.action === 'run') prospect.leaveOpen(instance);
  else prospect.expect(instance, decision.record.outs);
  return { stage, action: decision.action, reasons: decision.reasons };
}

/** What is known to differ from the lock apart from the dependencies at `open`, which are not known yet. */
async function reasonsBesides(
  workspace: Workspace,
  instance: Instance,
  open: ReadonlySet<string>,
  lookUp: LookUp,
): Promise<Reason[]> {
  const unknown: Content = { type: 'file', hash: '', size: 0, files: 1 };
  const found = await workspace
    .fingerprint(instance, async (path) => (open.has(path) ? unknown : ((await lookUp(path)) ?? unknown)))
    .catch(() => undefined);
  if (found === undefined || 'missing' in found) return [];
  const block = workspace.lock.blocks.get(instance.name);
  const present = await workspace.present(instance, lookUp);
  const known = explain(block, found.fingerprint, undefined, present);
  return known.filter((reason) => !(reason.what === 'dep' && open.has(reason.path)));
}
