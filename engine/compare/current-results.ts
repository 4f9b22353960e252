// The working tree without leftovers: metrics of stages and labels that are gone are not compared.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readParams } from '../config/params.ts';
import { pipelineFile, readPipeline } from '../config/pipeline.ts';
import { readLock } from '../lock-file.ts';
import { findLeftovers, Leftovers } from '../ownership/leftovers.ts';
import { MadeOuts } from '../ownership/made-outs.ts';
import { expand } from '../plan/expand.ts';
import { indexOuts } from '../plan/graph.ts';
import { placeAll } from '../plan/place.ts';
import { ProjectPaths } from '../plan/project-paths.ts';
import type { Tree } from './tree.ts';

/**
 * The tree of the project in `root` without what the pipeline no longer makes.
 * @param profile the workspace holds results of; by default that of the last repro, and its `--set`
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
  const choice = profile === undefined ? made.choice : { profile };
  const params = await readParams(root, { ...choice, schema: pipeline.value.definition.params });
  const expanded = params.ok ? expand(pipeline.value, params.value) : params;
  if (!expanded.ok) return none;
  const placed = placeAll(expanded.value.instances, pipeline.value, new ProjectPaths(root));
  const outs = placed.ok ? indexOuts(placed.value, pipeline.value, root) : placed;
  return outs.ok ? findLeftovers(root, readLock(root), made, outs.value) : none;
}
