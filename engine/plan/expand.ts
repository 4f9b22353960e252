// Expands pipeline.yaml into instances: matrix, templates, and the references of one stage to another's outs.
import { meant } from '../config/nearest.ts';
import type { Params } from '../config/params.ts';
import type { Pipeline } from '../config/pipeline.ts';
import type { StageSchema } from '../config/pipeline-schema.ts';
import { resolveDeep } from '../config/template.ts';
import { outerScope } from '../config/vars.ts';
import type { Path } from '../config/yaml-source.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Warning } from '../warning.ts';
import type { Dependency, Instance } from './instance.ts';
import { instantiate, type Surroundings, stageReference } from './instantiate.ts';
import {
  axisValues,
  type Combination,
  combinations,
  excludes,
  looksLikeRange,
  rangeProblem,
} from './matrix.ts';

export interface Expansion {
  /** All instances, in the order of pipeline.yaml. */
  readonly instances: readonly Instance[];
  /** The names that templates and `params` ask for; `*` stands for what a template leaves open. */
  readonly used: ReadonlySet<string>;
  readonly warnings: readonly Warning[];
}

export function expand(pipeline: Pipeline, params: Params): Result<Expansion> {
  const used = new Set<string>();
  const scope = outerScope(pipeline, params, used);
  if (!scope.ok) return scope;
  // Every instance of a stage repeats its mistakes; one report of each is enough.
  const failures = new Map<string, ConfigurationFailure>();
  const warnings: Warning[] = [];
  const add: Surroundings['add'] = (message, hint, at, part = 'value', within = undefined) => {
    const failure = configuration(message, hint, pipeline.source.position(at, part, within));
    failures.set(JSON.stringify(failure), failure);
  };
  const surroundings: Surroundings = { pipeline, params, scope: scope.value, add };
  const drafts = Object.entries(pipeline.definition.stages).flatMap(([name, stage]) => {
    const chosen = chosenCombinations(name, stage, surroundings, warnings);
    return chosen.map((combination) => instantiate(name, stage, combination, surroundings));
  });
  const instances = link(drafts, add);
  return failures.size > 0 ? fail(...failures.values()) : succeed({ instances, used, warnings });
}

/** The combinations of a stage's matrix, without those that it excludes. */
function chosenCombinations(
  stageName: string,
  { matrix }: StageSchema,
  { pipeline, scope, add }: Surroundings,
  warnings: Warning[],
): Combination[] {
  const at: Path = ['stages', stageName, 'matrix'];
  const { exclude = [], ...written } = matrix ?? {};
  const axes = Object.entries(written).map(([axis, values]) => {
    const resolved = resolveDeep(values, scope);
    if (!resolved.ok) add(resolved.message, resolved.hint, [...at, axis], 'value', resolved.template);
    else if (typeof resolved.value !== 'object' || resolved.value === null)
      add(`\`${String(values)}\` is neither a list nor a mapping.`, undefined, [...at, axis]);
    else if (looksLikeRange(resolved.value) && rangeProblem(resolved.value) !== undefined)
      add(rangeProblem(resolved.value)!, undefined, [...at, axis]);
    else return [axis, axisValues(resolved.value)] as const;
    return [axis, []] as const;
  });
  let chosen = combinations(Object.fromEntries(axes));
  const names = new Set<string>();
  for (const { labels } of chosen) {
    const name = [stageName, ...Object.values(labels)].join(':');
    if (names.has(name)) add(`Two combinations of the matrix are called \`${name}\`.`, undefined, at, 'key');
    names.add(name);
  }
  for (const [i, entry] of exclude.entries()) {
    const where = [...at, 'exclude', i];
    const known = axes.map(([axis]) => axis);
    for (const axis of Object.keys(entry))
      if (!known.includes(axis))
        add(`The matrix has no axis \`${axis}\`.`, meant(axis, known), [...where, axis], 'key');
    const kept = chosen.filter((combination) => !excludes(entry, combination));
    if (kept.length === chosen.length)
      warnings.push({ what: 'unused-exclude', stage: stageName, position: pipeline.source.position(where) });
    if (kept.length === 0 && chosen.length > 0)
      add(
        `\`exclude\` leaves nothing of the matrix of \`${stageName}\`.`,
        undefined,
        [...at, 'exclude'],
        'key',
      );
    chosen = kept;
  }
  return chosen;
}

/** Gives each dependency on the out of all instances of a stage its paths. */
function link(drafts: readonly Instance[], add: Surroundings['add']): Instance[] {
  const byStage = new Map<string, Instance[]>();
  for (const draft of drafts) {
    const instances = byStage.get(draft.stage);
    if (instances === undefined) byStage.set(draft.stage, [draft]);
    else instances.push(draft);
  }
  const pathsOf = (reference: string, at: Path): string[] => {
    const [, stage, out] = stageReference.exec(reference)!;
    const makers = byStage.get(stage!);
    if (makers === undefined) {
      add(`There is no stage \`${stage}\`.`, meant(stage!, [...byStage.keys()]), at);
      return [];
    }
    const outs = makers.flatMap((maker) => maker.outs.filter(({ name }) => name === out));
    if (outs.length === 0) {
      const names = makers[0]!.outs.map(({ name }) => name);
      add(`\`${stage}\` has no out \`${out}\`.`, meant(out!, names), at);
    }
    return outs.map(({ path }) => path).sort(byCodeUnit);
  };
  const known = new Map<string, string[]>();
  const resolve = (dep: Dependency): Dependency => {
    if (dep.pattern === null) return dep;
    const paths = known.get(dep.pattern) ?? pathsOf(dep.pattern, dep.at);
    known.set(dep.pattern, paths);
    return { ...dep, paths };
  };
  return drafts.map((draft) =>
    draft.deps.some(({ pattern }) => pattern !== null) ? { ...draft, deps: draft.deps.map(resolve) } : draft,
  );
}
