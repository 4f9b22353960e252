// Loads both versions of a comparison, with the gates of the workspace and what is stale.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readParams } from '../config/params.ts';
import { ParamsSchema } from '../config/params-schema.ts';
import type { Shape } from '../config/params-shape.ts';
import { pipelineFile, readPipeline } from '../config/pipeline.ts';
import { diagnose } from '../config/zod-diagnostics.ts';
import type { Emit } from '../event.ts';
import { startFolder, typed } from '../invocation.ts';
import { byCodeUnit } from '../order.ts';
import type { PlanChoice } from '../ownership/made-outs.ts';
import { fail, type Result, succeed } from '../result.ts';
import { type CurrentResults, currentResults } from './current-results.ts';
import { compileGate, type Gate, GatesSchema } from './gates.ts';
import { isIn, loadResults, type Results, withoutMetrics } from './results.ts';
import { type Freshness, folderFreshness, type Stale } from './stale.ts';
import { findVersion, type Version, workspaceName } from './version.ts';

export interface SidesOptions extends PlanChoice {
  /** A branch, tag, commit, folder or `workspace`. */
  readonly baseline: string;
  readonly against: string;
  readonly timing?: boolean | undefined;
}

export interface Sides {
  readonly old: Results;
  readonly now: Results;
  /** Metrics of the new version that were asked for but that git does not keep, so that the baseline has none. */
  readonly unkept: readonly string[];
  /** Of the workspace's params.yaml, empty if it has none. */
  readonly gates: readonly Gate[];
  /** Of the new version. */
  readonly freshness: Freshness;
}

/** Everything that compare and check judge; a version without metrics is a failure. */
export async function loadSides(root: string, options: SidesOptions, emit: Emit): Promise<Result<Sides>> {
  const baseline = await findVersion(root, options.baseline, '--baseline', startFolder());
  if (!baseline.ok) return baseline;
  const against = await findVersion(root, options.against, '--against', startFolder());
  if (!against.ok) return against;
  const schema = schemaPath(root);
  const gates = await readGates(root, options, schema);
  if (!gates.ok) return gates;
  const shape = await profileShape(root, options, schema);
  const shown = { ...options, shape };
  const now = await inFolder(root, against.value, (folder) => loadNew(against.value, folder, shown, emit));
  if (!now.ok) return now;
  const old = await loadResults(baseline.value.tree, shown);
  if (!old.ok) return old;
  const { results, freshness } = now.value;
  const empty = emptySide(old.value, results, options);
  if (empty !== undefined) return empty;
  return succeed({
    ...withoutUnkept(old.value, results, options.timing === true),
    gates: gates.value,
    freshness,
  });
}

/** Gives `work` the version's folder; a revision is written into a temporary one, which finds the packages of the project at `root`. */
async function inFolder<T>(
  root: string,
  { folder, writeFiles }: Version,
  work: (folder: string) => Promise<Result<T>>,
): Promise<Result<T>> {
  if (folder !== undefined) return work(folder);
  const temporary = await mkdtemp(join(tmpdir(), 'rodada-version-'));
  try {
    const project = await writeFiles!(temporary);
    if (!project.ok) return project;
    const packages = join(root, 'node_modules');
    if (existsSync(packages))
      await symlink(packages, join(project.value, 'node_modules')).catch(() => undefined);
    return await work(project.value);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface NewVersion {
  readonly results: Results;
  readonly freshness: Freshness;
}

async function loadNew(
  { tree }: Version,
  folder: string,
  options: SidesOptions & { readonly shape: Shape | undefined },
  emit: Emit,
): Promise<Result<NewVersion>> {
  const current = await currentResults(tree, folder, options);
  const results = await loadResults(current.tree, options);
  if (!results.ok) return results;
  const freshness = await freshnessOf(folder, results.value, current, options, emit);
  return freshness.ok ? succeed({ results: results.value, freshness: freshness.value }) : freshness;
}

function emptySide(old: Results, now: Results, { against }: SidesOptions): Result<never> | undefined {
  const isEmpty = ({ files, unreadable }: Results): boolean => files.size === 0 && unreadable.size === 0;
  if (isEmpty(now)) {
    const hint =
      against === workspaceName
        ? `Run \`${typed('repro')}\` to make them.`
        : `Run \`${typed('repro')}\` there and commit metrics/, or name another version with --against.`;
    return fail(withoutMetrics(now.label, hint));
  }
  if (!isEmpty(old)) return undefined;
  const hint = `Run \`${typed('repro')}\` there and commit metrics/, or name another version with --baseline.`;
  return fail(withoutMetrics(old.label, hint));
}

async function freshnessOf(
  folder: string,
  results: Results,
  { leftOut, isMade }: CurrentResults,
  { profile, set }: SidesOptions,
  emit: Emit,
): Promise<Result<Freshness>> {
  if (!existsSync(join(folder, pipelineFile))) return succeed({ stale: [], machine: [], unknown: true });
  const found = await folderFreshness(folder, { profile, set }, emit);
  if (!found.ok) return found;
  const paths = [...results.files.keys(), ...results.unreadable.keys()];
  const unmade = [...leftOut, ...paths.filter((path) => isMade !== undefined && !isMade(path))];
  const noStage = unmade.sort(byCodeUnit).map((path): Stale => ({ what: 'no-stage', path }));
  return succeed({ ...found.value, stale: [...found.value.stale, ...noStage] });
}

/** Leaves out metrics that vary from run to run: all of them if nobody asked for timing, else those that only one side has. */
function withoutUnkept(old: Results, now: Results, timing: boolean): Pick<Sides, 'old' | 'now' | 'unkept'> {
  const varying = [...now.varying, ...old.varying];
  const isUnkept = (path: string): boolean =>
    isIn(path, varying) && !(timing && old.files.has(path) && now.files.has(path));
  const without = (side: Results): Results => ({
    ...side,
    files: new Map([...side.files].filter(([path]) => !isUnkept(path))),
  });
  const unkept = timing ? [...now.files.keys()].filter(isUnkept) : [];
  return { old: without(old), now: without(now), unkept };
}

/** The module with the schema that pipeline.yaml names; a project may have metrics and no pipeline.yaml. */
function schemaPath(root: string): string | undefined {
  const pipeline = readPipeline(root);
  return pipeline.ok ? pipeline.value.definition.params : undefined;
}

/** The workspace's schema says for both versions how to lay a profile over the parameters. */
async function profileShape(
  root: string,
  { profile }: SidesOptions,
  path: string | undefined,
): Promise<Shape | undefined> {
  if (profile === undefined || path === undefined) return undefined;
  const shape = await (await ParamsSchema.open(root, path)).shape();
  return shape.ok ? shape.value : undefined;
}

/** A project may have metrics and no params.yaml; then it has no gates. */
async function readGates(
  root: string,
  { profile, set }: SidesOptions,
  schema: string | undefined,
): Promise<Result<readonly Gate[]>> {
  // A profile can't be laid over the parameters without knowing their schema.
  const overlay = profile !== undefined || (set ?? []).length > 0;
  const params = await readParams(root, overlay ? { profile, set, schema } : {});
  if (!params.ok) return params;
  const parsed = GatesSchema.safeParse(params.value.values);
  if (!parsed.success) {
    const locate = params.value.position.bind(params.value);
    return fail(...diagnose(parsed.error, GatesSchema, params.value.values, locate, 'gate'));
  }
  return succeed((parsed.data.gates ?? []).map(compileGate));
}
