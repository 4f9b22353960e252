// Expands pipeline.yaml into instances: matrix, templates, and the references of one stage to another's outs.

import { meant } from '../config/nearest.ts';
import { leafNames, type Params } from '../config/params.ts';
import { type Pipeline, pipelineFile } from '../config/pipeline.ts';
import type { StageSchema } from '../config/pipeline-schema.ts';
import { resolveTemplate, type Scope } from '../config/template.ts';
import type { Path } from '../config/yaml-source.ts';
import { configuration, valueAt } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Dependency, Instance, Out } from './instance.ts';
import { axisValues, combinations } from './matrix.ts';

const stageReference = /^\$\{stages\.([\w-]+)\.([\w-]+)\}$/;

/** A dependency on the out of all instances of a stage, known once every stage is expanded. */
interface Reference {
  readonly stage: string;
  readonly out: string;
}

type Draft = Omit<Instance, 'deps'> & { readonly deps: readonly (Dependency & { reference?: Reference })[] };

/** All instances, in the order of pipeline.yaml. */
export function expand(pipeline: Pipeline, params: Params): Result<Instance[]> {
  const failures: ConfigurationFailure[] = [];
  const add = (
    message: string,
    hint: string | undefined,
    at: Path,
    part: 'key' | 'value' = 'value',
  ): void => {
    failures.push(configuration(message, hint, pipeline.source.position(at, part)));
  };
  const drafts = Object.entries(pipeline.definition.stages).flatMap(([name, stage]) =>
    expandStage(name, stage, pipeline, params, add),
  );
  const byStage = new Map<string, Draft[]>();
  for (const draft of drafts) byStage.set(draft.stage, [...(byStage.get(draft.stage) ?? []), draft]);
  const instances = drafts.map(
    (draft): Instance => ({
      ...draft,
      deps: draft.deps.map(({ reference, ...dep }) => {
        if (reference === undefined) return dep;
        const makers = byStage.get(reference.stage);
        if (makers === undefined) {
          add(
            `There is no stage \`${reference.stage}\`.`,
            meant(reference.stage, [...byStage.keys()]),
            dep.at,
          );
          return dep;
        }
        const outs = makers.flatMap((maker) => maker.outs.filter(({ name }) => name === reference.out));
        if (outs.length === 0) {
          const names = makers[0]!.outs.map(({ name }) => name);
          add(`\`${reference.stage}\` has no out \`${reference.out}\`.`, meant(reference.out, names), dep.at);
        }
        return { ...dep, paths: outs.map(({ path }) => path).sort(byCodeUnit) };
      }),
    }),
  );
  // Every instance of a stage repeats its mistakes; one report of each is enough.
  const unique = [...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values()];
  return unique.length > 0 ? fail(...unique) : succeed(instances);
}

type Add = (message: string, hint: string | undefined, at: Path, part?: 'key' | 'value') => void;

function expandStage(
  stageName: string,
  stage: StageSchema,
  pipeline: Pipeline,
  params: Params,
  add: Add,
): Draft[] {
  const at: Path = ['stages', stageName];
  const vars = pipeline.definition.vars ?? {};
  const outer: Scope = { values: { ...params.values, vars, ...vars }, labels: {} };
  const axes = Object.entries(stage.matrix ?? {}).map(([axis, values]) => {
    if (typeof values !== 'string') return [axis, axisValues(values)] as const;
    const resolved = resolveTemplate(values, outer);
    if (!resolved.ok) add(resolved.message, resolved.hint, [...at, 'matrix', axis]);
    else if (typeof resolved.value !== 'object' || resolved.value === null)
      add(`\`${values}\` is neither a list nor a mapping.`, undefined, [...at, 'matrix', axis]);
    else return [axis, axisValues(resolved.value)] as const;
    return [axis, []] as const;
  });
  const names = new Set<string>();
  return combinations(Object.fromEntries(axes)).map(({ labels, values }) => {
    const name = [stageName, ...Object.values(labels)].join(':');
    if (names.has(name))
      add(`Two combinations of the matrix are called \`${name}\`.`, undefined, [...at, 'matrix'], 'key');
    names.add(name);
    const scope: Scope = { values: { ...outer.values, ...values }, labels };
    const text = (template: string, where: Path): string => {
      const resolved = resolveTemplate(template, scope);
      if (!resolved.ok) add(resolved.message, resolved.hint, where);
      else if (typeof resolved.value === 'object')
        add(`\`${template}\` is ${JSON.stringify(resolved.value)}, not a text.`, undefined, where);
      else return String(resolved.value);
      return template;
    };
    return {
      name,
      stage: stageName,
      cmd: text(stage.cmd, [...at, 'cmd']),
      labels,
      matrix: values,
      params: Object.fromEntries(
        (stage.params ?? []).map((template, i): [string, unknown] => {
          const where = [...at, 'params', i];
          const param = text(template, where);
          const value = valueAt(params.values, param.split('.'));
          if (value === undefined) {
            const hint = meant(param, leafNames(params.values));
            add(`There is no parameter \`${param}\` in params.yaml.`, hint, where);
          }
          return [param, value];
        }),
      ),
      deps: named(stage.deps, [...at, 'deps']).flatMap(
        ([depName, template, where]): Draft['deps'][number][] => {
          const reference = stageReference.exec(template);
          const dep = { name: depName ?? template, at: where, paths: [], list: true };
          if (reference !== null)
            return [{ ...dep, reference: { stage: reference[1]!, out: reference[2]! } }];
          const resolved = resolveTemplate(template, scope);
          if (!resolved.ok) {
            add(resolved.message, resolved.hint, where);
            return [];
          }
          if (resolved.value === null) return [];
          if (typeof resolved.value !== 'string') {
            add(`\`${template}\` is ${JSON.stringify(resolved.value)}, not a path.`, undefined, where);
            return [];
          }
          return [{ ...dep, name: depName ?? resolved.value, paths: [resolved.value], list: false }];
        },
      ),
      outs: named(stage.outs, [...at, 'outs']).map(([outName, template, where]): Out => {
        const path = text(template, where);
        return { name: outName ?? path, path, at: where };
      }),
      env: (stage.env ?? []).map((variable, i) => {
        const facts = Object.keys(pipeline.definition.environment ?? {});
        if (!facts.includes(variable) && !/^[A-Z][A-Z0-9_]*$/.test(variable)) {
          const message = `\`${variable}\` is neither a fact named under \`environment\` in ${pipelineFile} nor a variable in capitals.`;
          add(message, meant(variable, facts), [...at, 'env', i]);
        }
        return variable;
      }),
      slots: stage.slots ?? 1,
    };
  });
}

/** Name, template and place of each path; in a list each resolved path is its own name. */
function named(
  paths: StageSchema['deps'],
  at: Path,
): [name: string | undefined, template: string, where: Path][] {
  if (Array.isArray(paths)) return paths.map((path, i) => [undefined, path, [...at, i]]);
  return Object.entries(paths ?? {}).map(([name, path]) => [name, path, [...at, name]]);
}
