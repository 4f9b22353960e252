// Finds leftovers: outputs that a run made and that no instance of the plan has at their path.
import { join, posix } from 'node:path';
import { paramsFile } from '../config/params.ts';
import { pipelineFile } from '../config/pipeline.ts';
import { type Lock, lockFile } from '../lock-file.ts';
import { byCodeUnit } from '../order.ts';
import type { OutIndex } from '../plan/out-index.ts';
import { OutPaths } from '../plan/out-path.ts';
import { normalizePath } from '../plan/project-paths.ts';
import { lstatIfThere } from '../store/stamp.ts';
import type { Content } from '../store/tree.ts';
import type { MadeOut, MadeOuts } from './made-outs.ts';

export interface Leftover {
  readonly path: string;
  /** The instance that made it. */
  readonly stage: string;
  /** What runs are known to have left there. */
  readonly contents: readonly Content[];
  /** Whether the store keeps it. */
  readonly cache: boolean;
}

/** All leftovers of a project, in the order of their paths. */
export class Leftovers {
  readonly #byPath: ReadonlyMap<string, Leftover>;

  constructor(leftovers: Iterable<Leftover> = []) {
    this.#byPath = new Map([...leftovers].map((leftover) => [leftover.path, leftover]));
  }

  get isEmpty(): boolean {
    return this.#byPath.size === 0;
  }

  all(): Leftover[] {
    return [...this.#byPath.values()];
  }

  /** The leftover at `path`, or the one that contains it. */
  containing(path: string): Leftover | undefined {
    if (this.isEmpty) return undefined;
    for (let at = posix.normalize(path); at !== '.' && at !== '/' && at !== '..'; at = posix.dirname(at)) {
      const found = this.#byPath.get(at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Those below a folder. */
  inside(folder: string): Leftover[] {
    const prefix = folder === '.' ? '' : `${posix.normalize(folder)}/`;
    return this.isEmpty ? [] : this.all().filter(({ path }) => path.startsWith(prefix));
  }
}

/** What people write, whatever a damaged lock says. */
const neverLeft = new Set([pipelineFile, paramsFile, lockFile, 'profiles', 'package.json']);

/** What locks and earlier runs name as outputs, by path. */
export function madeByPath(lock: Lock, made: MadeOuts): Map<string, MadeOut[]> {
  const found = new Map<string, MadeOut[]>();
  const add = (out: MadeOut): void => {
    const others = found.get(out.path);
    if (others === undefined) found.set(out.path, [out]);
    else others.push(out);
  };
  for (const out of made.all()) add(out);
  for (const { stage, outs } of [...lock.blocks.values(), ...lock.disputed])
    for (const out of Object.values(outs)) add({ ...out, stage });
  return found;
}

/**
 * @param outs of all instances of the plan
 */
export function findLeftovers(root: string, lock: Lock, made: MadeOuts, outs: OutIndex): Leftovers {
  const known = madeByPath(lock, made);
  let paths: OutPaths | undefined;
  const found: Leftover[] = [];
  for (const [path, versions] of known) {
    // A lock is input, too: one from elsewhere may say anything.
    if (typeof path !== 'string' || normalizePath(path) !== path) continue;
    if (neverLeft.has(path.split('/')[0]!)) continue;
    const around = outs.containing(path);
    if (around?.out.path === path) continue;
    // What lies inside an output that was made since is a part of that.
    if (around !== undefined && known.has(around.out.path)) continue;
    paths ??= new OutPaths(root);
    if (paths.problem(path) !== undefined || lstatIfThere(join(root, path)) === undefined) continue;
    const [{ stage }] = versions as [MadeOut];
    found.push({ path, stage, contents: versions, cache: versions.every(({ cache }) => cache !== false) });
  }
  return new Leftovers(found.sort((a, b) => byCodeUnit(a.path, b.path)));
}
