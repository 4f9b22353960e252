// Links instances by their paths into a DAG and refuses what can't be one, before anything runs.
import { existsSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { meant } from '../config/nearest.ts';
import type { Pipeline } from '../config/pipeline.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Instance, Out } from './instance.ts';

/** The instances in an order in which each comes after all that it needs. */
export interface Graph {
  readonly instances: readonly Instance[];
  /** Instances whose outs an instance reads, by name. */
  readonly needs: ReadonlyMap<string, readonly Instance[]>;
  /** Instances that read an instance's outs, by name. */
  readonly feeds: ReadonlyMap<string, readonly Instance[]>;
}

export function buildGraph(instances: readonly Instance[], pipeline: Pipeline, root: string): Result<Graph> {
  const failures: ConfigurationFailure[] = [];
  const position = pipeline.source.position.bind(pipeline.source);
  const outs = new OutIndex();
  for (const instance of instances) {
    for (const out of instance.outs) {
      const problem = outPathProblem(out.path) ?? outs.add(instance, out);
      if (problem !== undefined) failures.push(configuration(problem, undefined, position(out.at)));
    }
  }
  failures.push(...outs.nested().map(({ message, at }) => configuration(message, undefined, position(at))));

  const needs = new Map<string, Instance[]>();
  for (const instance of instances) {
    const makers = new Set<Instance>();
    for (const dep of instance.deps) {
      for (const path of dep.paths) {
        const found = outs.makersOf(path);
        for (const maker of found) makers.add(maker);
        if (found.length === 0 && !existsSync(resolve(root, path))) {
          const hint = meant(path, outs.paths()) ?? 'Make it, or correct the path.';
          const message = `\`${instance.stage}\` depends on \`${path}\`, which no stage makes and which does not exist.`;
          failures.push(configuration(message, hint, position(dep.at)));
        }
      }
    }
    needs.set(instance.name, [...makers]);
  }
  const unique = [...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values()];
  if (unique.length > 0) return fail(...unique);

  const sorted = topological(instances, needs);
  if (!sorted.ok) {
    const loop = sorted.cycle.map(({ name }) => name).join(' → ');
    const first = sorted.cycle[0]!;
    return fail(
      configuration(`The stages form a cycle: ${loop}.`, undefined, position(['stages', first.stage], 'key')),
    );
  }
  const feeds = new Map<string, Instance[]>(instances.map(({ name }) => [name, []]));
  for (const instance of instances)
    for (const maker of needs.get(instance.name)!) feeds.get(maker.name)!.push(instance);
  return succeed({ instances: sorted.order, needs, feeds });
}

/** An out must lie inside the project and outside the engine's own store; undefined where it does. */
function outPathProblem(path: string): string | undefined {
  const normal = posix.normalize(path);
  if (posix.isAbsolute(path) || normal === '.' || normal === '..' || normal.startsWith('../'))
    return `The out \`${path}\` lies outside the project.`;
  if (normal !== path)
    return `The out \`${path}\` is not written plainly; write \`${normal.replace(/\/$/, '')}\`.`;
  if (['cache', '.git', 'node_modules'].includes(path.split('/')[0]!))
    return `The out \`${path}\` lies in a folder that is not for outs.`;
  return undefined;
}

/** Who makes which path; a path also belongs to the out that contains it, or that it contains. */
class OutIndex {
  readonly #makers = new Map<string, { instance: Instance; out: Out }>();
  #sorted: string[] | undefined;

  /** Why `out` can't be added, undefined where it was. */
  add(instance: Instance, out: Out): string | undefined {
    const other = this.#makers.get(out.path);
    if (other !== undefined) {
      const where = other.instance === instance ? 'twice' : `and \`${other.instance.name}\` too`;
      return `\`${out.path}\` is an out of \`${instance.name}\` ${where}; each path has one maker.`;
    }
    this.#makers.set(out.path, { instance, out });
    this.#sorted = undefined;
    return undefined;
  }

  paths(): string[] {
    this.#sorted ??= [...this.#makers.keys()].sort(byCodeUnit);
    return this.#sorted;
  }

  /** Outs that lie inside another out. */
  nested(): { message: string; at: Out['at'] }[] {
    return [...this.#makers].flatMap(([path, { instance, out }]) => {
      const around = this.#containing(posix.dirname(path));
      if (around === undefined) return [];
      const message = `\`${path}\`, an out of \`${instance.name}\`, lies inside \`${around.out.path}\`, an out of \`${around.instance.name}\`.`;
      return [{ message, at: out.at }];
    });
  }

  makersOf(path: string): Instance[] {
    const normal = posix.normalize(path).replace(/\/$/, '');
    const containing = this.#containing(normal);
    if (containing !== undefined) return [containing.instance];
    // A folder that is no out itself, but holds outs.
    const sorted = this.paths();
    const makers = new Set<Instance>();
    for (let i = lowerBound(sorted, `${normal}/`); sorted[i]?.startsWith(`${normal}/`); i++)
      makers.add(this.#makers.get(sorted[i]!)!.instance);
    return [...makers];
  }

  #containing(path: string): { instance: Instance; out: Out } | undefined {
    for (
      let folder = path;
      folder !== '.' && folder !== '/' && folder !== '..';
      folder = posix.dirname(folder)
    ) {
      const maker = this.#makers.get(folder);
      if (maker !== undefined) return maker;
    }
    return undefined;
  }
}

/** Index of the first element that is not before `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Sorted = { ok: true; order: Instance[] } | { ok: false; cycle: Instance[] };

/** Depth-first, without recursion: a graph may be deeper than the call stack. Ties keep the order of pipeline.yaml. */
function topological(
  instances: readonly Instance[],
  needs: ReadonlyMap<string, readonly Instance[]>,
): Sorted {
  const order: Instance[] = [];
  const state = new Map<Instance, 'open' | 'done'>();
  for (const start of instances) {
    const stack = [{ instance: start, next: 0 }];
    if (state.has(start)) continue;
    state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const need = needs.get(top.instance.name)![top.next++];
      if (need === undefined) {
        state.set(top.instance, 'done');
        order.push(top.instance);
        stack.pop();
      } else if (!state.has(need)) {
        state.set(need, 'open');
        stack.push({ instance: need, next: 0 });
      } else if (state.get(need) === 'open') {
        const path = stack.map(({ instance }) => instance);
        return { ok: false, cycle: [...path.slice(path.indexOf(need)), need].reverse() };
      }
    }
  }
  return { ok: true, order };
}
