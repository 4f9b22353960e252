// Links instances by their paths into a DAG and refuses what can't be one, before anything runs.
import { meant } from '../config/nearest.ts';
import type { Pipeline } from '../config/pipeline.ts';
import type { Path } from '../config/yaml-source.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { typed } from '../invocation.ts';
import type { Leftover, Leftovers } from '../ownership/leftovers.ts';
import { fail, type Result, succeed } from '../result.ts';
import { shellWord } from '../shell-word.ts';
import type { Instance } from './instance.ts';
import { OutIndex } from './out-index.ts';
import { OutPaths } from './out-path.ts';
import type { PathProblem, ProjectPaths } from './project-paths.ts';

/** The instances in an order in which each comes after all that it needs. */
export interface Graph {
  readonly instances: readonly Instance[];
  /** Instances whose outs an instance reads, by name. */
  readonly needs: ReadonlyMap<string, readonly Instance[]>;
  /** Instances that read an instance's outs, by name. */
  readonly feeds: ReadonlyMap<string, readonly Instance[]>;
  /** Who makes which path. */
  readonly outs: OutIndex;
}

/** Finds who makes which path, and refuses outs where there can be none. */
export function indexOuts(
  instances: readonly Instance[],
  pipeline: Pipeline,
  root: string,
): Result<OutIndex> {
  const failures: ConfigurationFailure[] = [];
  const position = pipeline.source.position.bind(pipeline.source);
  const outs = new OutIndex();
  const paths = new OutPaths(root);
  for (const instance of instances) {
    for (const out of instance.outs) {
      const problem = paths.problem(out.path) ?? outs.add(instance, out);
      if (problem !== undefined) failures.push(configuration(problem, undefined, position(out.at)));
    }
  }
  failures.push(...outs.nested().map(({ message, at }) => configuration(message, undefined, position(at))));
  return failures.length > 0 ? fail(...unique(failures)) : succeed(outs);
}

/** Links the instances, whose dependencies all have their paths, to the makers of these. */
export function buildGraph(
  instances: readonly Instance[],
  outs: OutIndex,
  pipeline: Pipeline,
  paths: ProjectPaths,
  leftovers: Leftovers,
  allowMissing = false,
): Result<Graph> {
  const failures: ConfigurationFailure[] = [];
  const position = pipeline.source.position.bind(pipeline.source);
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const needs = new Map<string, Instance[]>();
  for (const instance of instances) {
    const makers = new Set<Instance>();
    if (instance.wdir !== '.' && !paths.isFolder(instance.wdir)) {
      const message = `The wdir \`${instance.wdir}\` is not a folder of the project.`;
      const at = position(['stages', instance.stage, 'wdir']);
      failures.push(configuration(message, 'Make it, or correct the path.', at));
    }
    // What is frozen stands as it is: nothing has to be there, or to be brought up to date, for its sake.
    for (const dep of instance.frozen ? [] : instance.deps) {
      for (const path of dep.paths) {
        const found = outs.makersOf(path);
        for (const maker of found) makers.add(byName.get(maker)!);
        const problem = allowMissing || found.length > 0 ? undefined : paths.problem(path);
        if (problem !== undefined)
          failures.push(missing(instance, path, problem, { outs, paths }, position(dep.at)));
        const left =
          allowMissing || found.length > 0 || problem !== undefined
            ? undefined
            : (leftovers.containing(path) ?? leftovers.containing(paths.followed(path)));
        if (left !== undefined) {
          const message = `\`${instance.stage}\` depends on \`${path}\`, ${leftoverText(left, path)}.`;
          failures.push(configuration(message, leftoverHint(left), position(dep.at)));
        }
      }
    }
    needs.set(instance.name, [...makers]);
    for (const { message, hint, at } of unsaid(instance, outs))
      failures.push(configuration(message, hint, position(at)));
  }
  if (failures.length > 0) return fail(...unique(failures));

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
  return succeed({ instances: sorted.order, needs, feeds, outs });
}

/** Outs of which an instance that reads a varying one does not say whether they vary, too. */
function unsaid(
  { stage, deps, outs }: Instance,
  index: OutIndex,
): { message: string; hint: string; at: Path }[] {
  if (!index.hasVarying) return [];
  const read = deps.flatMap(({ paths }) => paths).find((path) => index.varying(path) !== undefined);
  const undeclared = read === undefined ? [] : outs.filter(({ varies }) => varies === undefined);
  return undeclared.map(({ path, at }) => ({
    message: `\`${stage}\` reads \`${read}\`, which varies from run to run, so its output \`${path}\` may vary, too.`,
    hint: `Declare it as \`{ path: ${path}, varies: true }\`; or say \`varies: false\` if it is the same whatever \`${read}\` holds.`,
    at,
  }));
}

/** A dependency that nobody makes and that can't be read. */
function missing(
  { stage }: Instance,
  path: string,
  problem: PathProblem,
  { outs, paths }: { readonly outs: OutIndex; readonly paths: ProjectPaths },
  at: ConfigurationFailure['position'],
): ConfigurationFailure {
  const url = /^([a-z][a-z\d+.-]+):\/(.*)/i.exec(path); // normalized as if it were a path
  if (url !== null) {
    const message = `\`${stage}\` depends on \`${url[1]}://${url[2]}\`, and no URL can be a dependency.`;
    return configuration(message, 'Write a stage that downloads it, and depend on the out of that.', at);
  }
  if (problem.what === 'absent' && paths.problem(`${path}.dvc`) === undefined) {
    const message = `\`${stage}\` depends on \`${path}\`, which does not exist; DVC knows it by \`${path}.dvc\`.`;
    return configuration(message, `Get it with \`dvc pull ${path}.dvc\`: rodada has no remotes.`, at);
  }
  if (problem.what === 'absent') {
    const message = `\`${stage}\` depends on \`${path}\`, which no stage makes and which does not exist.`;
    return configuration(message, meant(path, outs.paths()) ?? 'Make it, or correct the path.', at);
  }
  if (problem.what === 'circle') {
    const message = `\`${stage}\` depends on \`${path}\`, whose symbolic links lead in a circle.`;
    return configuration(message, 'Correct the links, or the path.', at);
  }
  const message = `\`${stage}\` depends on \`${path}\`, but \`${problem.file}\` is a file and no folder.`;
  return configuration(message, 'Correct the path, or make that a folder.', at);
}

/** Every instance of a stage repeats its mistakes; one report of each is enough. */
const unique = (failures: readonly ConfigurationFailure[]): ConfigurationFailure[] => [
  ...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values(),
];

/** `which is left over from …`, of a path that is, or lies in, a leftover. */
export function leftoverText({ stage, path }: Leftover, named: string): string {
  const part = path === named ? '' : `part of \`${path}\`, `;
  return `${part}which is left over from \`${stage}\`: pipeline.yaml no longer makes it`;
}

export const leftoverHint = ({ path }: Leftover): string =>
  `Let a stage make it again, or run \`${typed(`clean --keep ${shellWord(path)}`)}\` to keep it as a file of your own.`;

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
