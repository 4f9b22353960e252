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
  const wanted = new Set<Instance>();
  for (const target of targets) {
    const named = graph.instances.filter(({ name }) => name === target || name.startsWith(`${target}:`));
    if (named.length === 0) {
      const hint = meant(
        target,
        target.includes(':') ? graph.instances.map(({ name }) => name) : stageNames(graph),
      );
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

const stageNames = (graph: Graph): string[] => [...new Set(graph.instances.map(({ stage }) => stage))];
