// From the files on disk to a checked graph: everything that can be found wrong before the first stage is found here.
import { join } from 'node:path';
import { type Params, type ParamsOptions, paramsFile, readParams } from '../config/params.ts';
import { type Pipeline, pipelineFile, readPipeline } from '../config/pipeline.ts';
import { defaultShell, usualShell } from '../config/shell.ts';
import { type Lock, lockStamp, readLock } from '../lock-file.ts';
import { findLeftovers, type Leftovers } from '../ownership/leftovers.ts';
import { MadeOuts } from '../ownership/made-outs.ts';
import { type Result, succeed } from '../result.ts';
import { stampAt } from '../store/stamp.ts';
import type { Warning } from '../warning.ts';
import { expand } from './expand.ts';
import { resolveGlobs } from './globs.ts';
import { buildGraph, type Graph, indexOuts } from './graph.ts';
import type { Instance } from './instance.ts';
import { follow, placeAll } from './place.ts';
import { ProjectPaths } from './project-paths.ts';
import { unusedNames } from './unused.ts';

export interface Plan {
  readonly root: string;
  readonly pipeline: Pipeline;
  readonly params: Params;
  /** The option that gives parameters other values than params.yaml does, if there is one. */
  readonly overridden: '--set' | '--profile' | undefined;
  readonly graph: Graph;
  readonly paths: ProjectPaths;
  /** pipeline.lock as it was when the plan was made. */
  readonly lock: Lock;
  /** Whether pipeline.lock is still the file that was read: another run may have written it since. */
  readonly isCurrent: () => boolean;
  /** What the engine has put into the workspace. */
  readonly made: MadeOuts;
  /** Outputs in the workspace that the plan no longer has: no dependency stands for them. */
  readonly leftovers: Leftovers;
  /** File that the plan was made from → its stamp before it was read. */
  readonly stamps: Readonly<Record<string, string>>;
  /** What is worth a word but stops nothing. */
  readonly warnings: readonly Warning[];
}

export interface PlanOptions extends Omit<ParamsOptions, 'schema'> {
  /** Whether dependencies that no stage makes may be absent: for a clone that has no data. */
  readonly allowMissing?: boolean | undefined;
}

export async function makePlan(root: string, options: PlanOptions): Promise<Result<Plan>> {
  const stamps = stampsOf(root, options);
  const pipeline = readPipeline(root);
  if (!pipeline.ok) return pipeline;
  const params = await readParams(root, { ...options, schema: pipeline.value.definition.params });
  if (!params.ok) return params;
  const expanded = expand(pipeline.value, params.value);
  if (!expanded.ok) return expanded;
  const placed = placeAll(expanded.value.instances, pipeline.value, new ProjectPaths(root));
  if (!placed.ok) return placed;
  const outs = indexOuts(placed.value, pipeline.value, root);
  if (!outs.ok) return outs;
  const stamp = lockStamp(root);
  const lock = readLock(root);
  const made = new MadeOuts(root);
  const leftovers = findLeftovers(root, lock, made, outs.value);
  const paths = new ProjectPaths(root, (path) => outs.value.has(path));
  const followed = placed.value.map((instance) => follow(instance, paths));
  const globbed = await resolveGlobs(followed, {
    outs: outs.value,
    pipeline: pipeline.value,
    paths,
    root,
    leftovers,
    allowMissing: options.allowMissing === true,
  });
  if (!globbed.ok) return globbed;
  const graph = buildGraph(
    globbed.value.instances,
    outs.value,
    pipeline.value,
    paths,
    leftovers,
    options.allowMissing,
  );
  if (!graph.ok) return graph;
  const unused = unusedNames(graph.value.instances, expanded.value.used, pipeline.value, params.value);
  return succeed({
    root,
    pipeline: pipeline.value,
    params: params.value,
    overridden:
      (options.set ?? []).length > 0 ? '--set' : options.profile === undefined ? undefined : '--profile',
    graph: graph.value,
    paths,
    lock,
    isCurrent: () => lockStamp(root) === stamp,
    made,
    leftovers,
    stamps,
    warnings: [
      ...shellWarnings(graph.value.instances, pipeline.value),
      ...expanded.value.warnings,
      ...globbed.value.warnings,
      ...unused,
    ],
  });
}

/** Whether commands run in a shell that nobody chose and that overlooks failures. */
function shellWarnings(instances: readonly Instance[], { definition }: Pipeline): Warning[] {
  const undeclared = ({ stage }: Instance): boolean =>
    (definition.stages[stage]?.shell ?? definition.shell) === undefined;
  return defaultShell() !== usualShell && instances.some(undeclared) ? [{ what: 'no-bash' }] : [];
}

function stampsOf(root: string, { profile }: PlanOptions): Record<string, string> {
  const files = [pipelineFile, paramsFile, ...(profile === undefined ? [] : [`profiles/${profile}.yaml`])];
  return Object.fromEntries(files.map((file) => [file, stampAt(join(root, file))]));
}
