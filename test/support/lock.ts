// What a project's pipeline.lock says.
import { parseLock } from '../../engine/lock/read.ts';
import type { LockBlock } from '../../engine/lock-file.ts';
import type { Project } from './project.ts';

/** The block of an instance. */
export async function lockedBlock(project: Project, stage: string): Promise<LockBlock> {
  const block = parseLock(await project.read('pipeline.lock')).blocks.get(stage);
  if (block === undefined) throw new Error(`pipeline.lock has no block of ${stage}.`);
  return block;
}

/** The output at a path of the project. */
export async function lockedOut(project: Project, path: string): Promise<LockBlock['outs'][string]> {
  const { blocks } = parseLock(await project.read('pipeline.lock'));
  const outs = [...blocks.values()].flatMap(({ outs }) => Object.values(outs));
  const out = outs.find((each) => each.path === path);
  if (out === undefined) throw new Error(`pipeline.lock has no output at ${path}.`);
  return out;
}
