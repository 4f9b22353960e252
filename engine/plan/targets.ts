// Chooses the part of the graph that the targets on the command line need.
import { meant } from '../config/nearest.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Graph } from './graph.ts';
import type { Instance } from './instance.ts';

/**
 * The instances that the targets name and all that they need, in the graph's order; no targets mean everything.
 * A target is an instance (`train:cnn1:batch64-epochs20`), a stage or a prefix (`train`, `train:cnn1`).
 */
export function selectTargets(graph: Graph, targets: readonly string[]): Result<Instance[]> {
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
  for (const instance of [...graph.instances].reverse())
    if (wanted.has(instance)) for (const need of graph.needs.get(instance.name)!) wanted.add(need);
  return succeed(graph.instances.filter((instance) => wanted.has(instance)));
}

const stageNames = (graph: Graph): string[] => [...new Set(graph.instances.map(({ stage }) => stage))];
