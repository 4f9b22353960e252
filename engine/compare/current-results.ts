// The working tree without leftovers: metrics of stages and labels that are gone are not compared.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readParams } from '../config/params.ts';
import { type Pipeline, pipelineFile, readPipeline } from '../config/pipeline.ts';
import { type Lock, readLock } from '../lock-file.ts';
import { findLeftovers, Leftovers } from '../ownership/leftovers.ts';
import { MadeOuts, type PlanChoice } from '../ownership/made-outs.ts';
import { expand } from '../plan/expand.ts';
import { indexOuts } from '../plan/graph.ts';
import { placeAll } from '../plan/place.ts';
import { ProjectPaths } from '../plan/project-paths.ts';
import type { Tree } from './tree.ts';

/**
 * The tree of the project in `root` without what the pipeline no longer makes.
 * @param profile that is asked for, besides the parameters of the last repro: what either makes is no leftover
 */
export async function withoutLeftovers(tree: Tree, root: string, profile: string | undefined): Promise<Tree> {
  const leftovers = await leftoversIn(root, profile);
  if (leftovers.isEmpty) return tree;
  return {
    ...tree,
    read: (paths, wanted) =>
      tree.read(paths, (path) => wanted(path) && leftovers.containing(path) === undefined),
  };
}

/** None if the pipeline can't be read: then nothing tells what is left over. */
async function leftoversIn(root: string, profile: string | undefined): Promise<Leftovers> {
  const none = new Leftovers();
  if (!existsSync(join(root, pipelineFile))) return none;
  const pipeline = readPipeline(root);
  if (!pipeline.ok) return none;
  const made = new MadeOuts(root);
  const lock = readLock(root);
  const last = await leftoversOf(root, pipeline.value, lock, made, made.choice);
  if (profile === undefined || last.isEmpty) return last;
  const asked = await leftoversOf(root, pipeline.value, lock, made, { profile });
  return new Leftovers(last.all().filter(({ path }) => asked.containing(path)?.path === path));
}

async function leftoversOf(
  root: string,
  pipeline: Pipeline,
  lock: Lock,
  made: MadeOuts,
  choice: PlanChoice,
): Promise<Leftovers> {
  const none = new Leftovers();
  const params = await readParams(root, { ...choice, schema: pipeline.definition.params });
  const expanded = params.ok ? expand(pipeline, params.value) : params;
  if (!expanded.ok) return none;
  const placed = placeAll(expanded.value.instances, pipeline, new ProjectPaths(root));
  const outs = placed.ok ? indexOuts(placed.value, pipeline, root) : placed;
  return outs.ok ? findLeftovers(root, lock, made, outs.value) : none;
}
