// An instance as it would be with another number at its `resume.by`: labels, paths and command follow as they always do.
import { replaceAt } from '../config/params.ts';
import { outerScope } from '../config/vars.ts';
import type { Dependency, Instance } from './instance.ts';
import { instantiate } from './instantiate.ts';
import { follow, place } from './place.ts';
import type { Plan } from './plan.ts';

/**
 * The variant, or undefined where it would not read the same dependencies.
 * @param value the number
 * @param label of the matrix axis that holds the number; a label is a name, and can't be told from the value
 */
export function variantOf(
  plan: Plan,
  instance: Instance,
  value: number,
  label: string | undefined,
): Instance | undefined {
  const { pipeline } = plan;
  const { in: where, path } = instance.resume!.by;
  const inMatrix = where === 'matrix';
  const params = inMatrix
    ? plan.params
    : { ...plan.params, values: replaceAt(plan.params.values, path, value) as typeof plan.params.values };
  const scope = outerScope(pipeline, params, new Set());
  if (!scope.ok) return undefined;
  let possible = true;
  const written = instantiate(
    instance.stage,
    pipeline.definition.stages[instance.stage]!,
    {
      labels: inMatrix ? { ...instance.labels, [path[0]!]: label ?? '' } : instance.labels,
      values: inMatrix ? (replaceAt(instance.matrix, path, value) as Instance['matrix']) : instance.matrix,
    },
    {
      pipeline,
      params,
      scope: scope.value,
      add: () => {
        possible = false;
      },
    },
  );
  const variant = follow(place(written, plan.paths), plan.paths);
  const deps = variant.deps.map((dep, i) => sameList(dep, instance.deps[i]));
  if (!possible || deps.length !== instance.deps.length) return undefined;
  return deps.every((dep) => dep !== undefined) ? { ...variant, deps } : undefined;
}

/** The variant's dependency with its paths: a list is the instance's own, if it is written alike. */
function sameList(dep: Dependency, own: Dependency | undefined): Dependency | undefined {
  if (own === undefined) return undefined;
  if (own.pattern === null) return dep.list ? undefined : dep;
  return (dep.pattern ?? dep.paths[0]) === own.pattern ? own : undefined;
}
