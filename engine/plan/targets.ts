// Chooses the part of the graph that the targets on the command line need.
import { meant } from '../config/nearest.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Graph } from './graph.ts';
import type { Instance } from './instance.ts';

/** What comes along with the targets: all that they need, all that needs them, or nothing. */
export type Reach = 'needs' | 'dependents' | 'none';

/**
 * The instances that the targets name and what `reach` adds, in the graph's order; no targets mean everything.
 * A target is an instance (`train:cnn1:batch64-epochs20`), a stage or a prefix (`train`, `train:cnn1`).
 */
export function selectTargets(
  graph: Graph,
  targets: readonly string[],
  reach: Reach = 'needs',
): Result<Instance[]> {
  if (targets.length === 0) return succeed([...graph.instances]);
  const names = graph.instances.map(({ name }) => name);
  const wanted = new Set<Instance>();
  for (const target of targets) {
    const named = graph.instances.filter(({ name }) => name === target || name.startsWith(`${target}:`));
    if (named.length === 0) {
      const hint = foreignTarget(target, graph) ?? meantTarget(target, names);
      return fail({
        reason: 'usage',
        message: `There is no stage \`${target}\`.`,
        ...(hint === undefined ? {} : { hint }),
      });
    }
    for (const instance of named) wanted.add(instance);
  }
  // A set also iterates over what is added on the way.
  const next = { needs: graph.needs, dependents: graph.feeds, none: undefined }[reach];
  for (const instance of wanted) for (const other of next?.get(instance.name) ?? []) wanted.add(other);
  return succeed(graph.instances.filter((instance) => wanted.has(instance)));
}

/** What a target is called here that DVC would understand: `train@cnn1`, `dvc.yaml:train`, the path of an out. */
function foreignTarget(target: string, graph: Graph): string | undefined {
  const path = target.replace(/^\.\//, '');
  const maker = graph.outs.has(path) ? graph.outs.makersOf(path)[0] : undefined;
  if (maker !== undefined) return `\`${maker}\` makes it; name that stage.`;
  if (/(^|\/)dvc\.yaml$|\.dvc$/.test(target))
    return 'Targets are stages of pipeline.yaml; without a target all are meant.';
  const name = target.replace(/^.*dvc\.yaml:/, '').replace('@', ':');
  const isStage = graph.instances.some((instance) => `${instance.name}:`.startsWith(`${name}:`));
  return name !== target && isStage ? `It is called \`${name}\` here.` : undefined;
}

/** What a target was probably meant to be: of a stage that exists an instance or a prefix, else a stage. */
export function meantTarget(target: string, instances: readonly string[]): string | undefined {
  const steps = target.split(':');
  const prefixes = (length: number, within: string): string[] => [
    ...new Set(
      instances
        .filter((name) => within === '' || name.startsWith(`${within}:`))
        .map((name) => name.split(':').slice(0, length).join(':')),
    ),
  ];
  // As far as the target is right, what may come next.
  let right = steps.length - 1;
  while (right > 0 && !instances.some((name) => name.startsWith(`${steps.slice(0, right).join(':')}:`)))
    right--;
  const within = steps.slice(0, right).join(':');
  return meant(steps.slice(0, right + 1).join(':'), prefixes(right + 1, within));
}
