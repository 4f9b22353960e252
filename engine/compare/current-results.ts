// Which metrics of a project's folder its pipeline makes: those of stages and labels that are gone are not compared.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readParams } from '../config/params.ts';
import { type Pipeline, pipelineFile, readPipeline } from '../config/pipeline.ts';
import { readLock } from '../lock-file.ts';
import { findLeftovers, Leftovers } from '../ownership/leftovers.ts';
import { MadeOuts, type PlanChoice } from '../ownership/made-outs.ts';
import { expand } from '../plan/expand.ts';
import { indexOuts } from '../plan/graph.ts';
import type { OutIndex } from '../plan/out-index.ts';
import { placeAll } from '../plan/place.ts';
import { ProjectPaths } from '../plan/project-paths.ts';
import type { Tree } from './tree.ts';

/** A folder's files without leftovers. */
export interface CurrentResults {
  readonly tree: Tree;
  /** Leftovers that the tree would have given. */
  readonly leftOut: ReadonlySet<string>;
  /** Whether an instance makes the file at `path`; undefined if no pipeline tells. */
  readonly isMade: ((path: string) => boolean) | undefined;
}

/**
 * The tree of the project in `root` without what the pipeline no longer makes.
 * @param asked parameters that are asked for, besides those of the last repro: what either makes is no leftover
 */
export async function currentResults(tree: Tree, root: string, asked: PlanChoice): Promise<CurrentResults> {
  const leftOut = new Set<string>();
  const pipeline = existsSync(join(root, pipelineFile)) ? readPipeline(root) : undefined;
  if (pipeline === undefined || !pipeline.ok) return { tree, leftOut, isMade: undefined };
  const made = new MadeOuts(root);
  const found = (
    await Promise.all([made.choice, asked].map((choice) => outsOf(root, pipeline.value, choice)))
  ).filter((outs) => outs !== undefined);
  // Parameters that can't be read make nothing a leftover.
  if (found.length === 0) return { tree, leftOut, isMade: undefined };
  const leftovers = commonLeftovers(root, made, found);
  const isMade = (path: string): boolean => found.some((outs) => outs.containing(path) !== undefined);
  if (leftovers.isEmpty) return { tree, leftOut, isMade };
  const read: Tree['read'] = (paths, wanted) =>
    tree.read(paths, (path) => {
      if (!wanted(path)) return false;
      if (leftovers.containing(path) === undefined) return true;
      leftOut.add(path);
      return false;
    });
  return { tree: { ...tree, read }, leftOut, isMade };
}

/** What is left over for each of the plans. */
function commonLeftovers(root: string, made: MadeOuts, plans: readonly OutIndex[]): Leftovers {
  const lock = readLock(root);
  const [first, ...others] = plans.map((outs) => findLeftovers(root, lock, made, outs));
  return new Leftovers(
    first!.all().filter(({ path }) => others.every((each) => each.containing(path)?.path === path)),
  );
}

async function outsOf(root: string, pipeline: Pipeline, choice: PlanChoice): Promise<OutIndex | undefined> {
  const params = await readParams(root, { ...choice, schema: pipeline.definition.params });
  const expanded = params.ok ? expand(pipeline, params.value) : params;
  if (!expanded.ok) return undefined;
  const placed = placeAll(expanded.value.instances, pipeline, new ProjectPaths(root));
  const outs = placed.ok ? indexOuts(placed.value, pipeline, root) : placed;
  return outs.ok ? outs.value : undefined;
}
