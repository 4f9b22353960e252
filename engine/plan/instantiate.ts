// Makes an instance of a stage for one combination of its matrix: every template is resolved, every name checked.
import { parseDuration } from '../config/duration.ts';
import { meant } from '../config/nearest.ts';
import { leafNames, type Params } from '../config/params.ts';
import { type Pipeline, pipelineFile } from '../config/pipeline.ts';
import type { StageSchema } from '../config/pipeline-schema.ts';
import { defaultShell, normalizeShell } from '../config/shell.ts';
import { lateNames, resolveTemplate, type Scope, withWildcards } from '../config/template.ts';
import type { Part, Path } from '../config/yaml-source.ts';
import { valueAt } from '../config/zod-diagnostics.ts';
import { type Dependency, type Instance, type Out, outKinds, type Resume } from './instance.ts';
import type { Combination } from './matrix.ts';
import { normalizePath } from './project-paths.ts';

/** @param within the part of the value that is wrong */
type Complaint = (message: string, hint: string | undefined, at: Path, part?: Part, within?: string) => void;

/** What an instance is made from. */
export interface Surroundings {
  readonly pipeline: Pipeline;
  readonly params: Params;
  /** Templates' names outside of the matrix. */
  readonly scope: Scope;
  /** Reports a mistake, and goes on. */
  readonly add: Complaint;
}

/** An instance whose references to other stages' outs and globs still have no paths. */
export function instantiate(
  stageName: string,
  stage: StageSchema,
  { labels, values }: Combination,
  { pipeline, params, scope: outer, add }: Surroundings,
): Instance {
  const at: Path = ['stages', stageName];
  const scope: Scope = { values: { ...outer.values, ...values }, labels, used: outer.used };
  const text = (template: string, where: Path): string => {
    const resolved = resolveTemplate(template, scope);
    if (!resolved.ok) add(resolved.message, resolved.hint, where, 'value', resolved.template);
    else if (typeof resolved.value === 'object')
      add(`\`${template}\` is ${JSON.stringify(resolved.value)}, not a text.`, undefined, where);
    else return String(resolved.value);
    return template;
  };
  const commandText = (template: string, where: Path): string => {
    const resolved = resolveTemplate(template, scope);
    if (resolved.ok || resolved.near) return text(template, where);
    const shell = `For a variable of the shell write \`\\${resolved.template}\`.`;
    add(
      resolved.message,
      [resolved.hint, shell].filter(Boolean).join('\n'),
      where,
      'value',
      resolved.template,
    );
    return template;
  };
  /** A path is written before the command's inputs and outs have theirs. */
  const refuseLateNames = (template: string, where: Path): void => {
    for (const [kind, name] of lateNames(template))
      add(
        `\`\${${kind}.${name}}\` is known only to \`cmd\`.`,
        undefined,
        where,
        'value',
        `\${${kind}.${name}}`,
      );
  };
  const pathText = (template: string, where: Path): string => {
    refuseLateNames(template, where);
    return text(template, where);
  };
  const wdir = normalizePath(stage.wdir === undefined ? '.' : pathText(stage.wdir, [...at, 'wdir']));
  const under = (path: string, where: Path): string => {
    const problem = unusable(path);
    if (problem !== undefined) add(problem, undefined, where);
    return problem === undefined ? normalizePath(path, wdir) : path;
  };
  /** A path of a list is its own name, relative to `wdir`. */
  const nameOf = (path: string): string => normalizePath(path);

  const declared: string[] = []; // names of all dependencies, the absent ones too
  const deps = named(stage.deps, [...at, 'deps']).flatMap(([depName, template, where]): Dependency[] => {
    if (depName !== undefined) declared.push(depName);
    if (stageReference.test(template)) {
      if (depName === undefined) declared.push(template);
      return [{ name: depName ?? template, paths: [], list: true, pattern: template, at: where }];
    }
    refuseLateNames(template, where);
    const resolved = resolveTemplate(template, scope);
    if (!resolved.ok) {
      add(resolved.message, resolved.hint, where, 'value', resolved.template);
      return [];
    }
    if (resolved.value === null) return [];
    if (typeof resolved.value !== 'string' || resolved.value === '') {
      add(`\`${template}\` is ${JSON.stringify(resolved.value)}, not a path.`, undefined, where);
      return [];
    }
    const path = under(resolved.value, where);
    const name = depName ?? nameOf(resolved.value);
    if (depName === undefined) declared.push(name);
    return [{ name, paths: [path], list: false, pattern: null, at: where }];
  });
  const outs = outKinds.flatMap((kind) =>
    named(stage[kind], [...at, kind]).map(([outName, entry, where]): Out => {
      const out = typeof entry === 'string' ? { path: entry } : entry;
      const { path: template, cache, varies } = out;
      const path = pathText(template, where);
      const name = outName ?? nameOf(path);
      return { name, path: under(path, where), kind, cache: cache ?? true, varies, at: where };
    }),
  );
  for (const [i, { name, at: where }] of outs.entries())
    if (outs.findIndex((other) => other.name === name) < i)
      add(`Two outs of \`${stageName}\` are called \`${name}\`.`, undefined, where, 'key');

  const instance: Instance = {
    name: [stageName, ...Object.values(labels)].join(':'),
    stage: stageName,
    cmds: (typeof stage.cmd === 'string' ? [stage.cmd] : stage.cmd).map((cmd, i) =>
      commandText(cmd, typeof stage.cmd === 'string' ? [...at, 'cmd'] : [...at, 'cmd', i]),
    ),
    shell: shellOf(stage, pipeline),
    wdir,
    labels,
    matrix: values,
    params: Object.fromEntries(
      (stage.params ?? []).map((template, i): [string, unknown] => {
        const where = [...at, 'params', i];
        const param = text(template, where);
        scope.used.add(param).add(withWildcards(template));
        const value = valueAt(params.values, param.split('.'));
        if (value === undefined) {
          const hint = meant(param, leafNames(params.values));
          const place = params.exists ? ' in params.yaml' : ': the project has no params.yaml';
          add(`There is no parameter \`${param}\`${place}.`, hint, where);
        }
        return [param, value];
      }),
    ),
    deps,
    outs,
    env: (stage.env ?? []).map((variable, i) => {
      const facts = Object.keys(pipeline.definition.environment ?? {});
      if (!facts.includes(variable) && !/^[A-Z][A-Z0-9_]*$/.test(variable)) {
        const message = `\`${variable}\` is neither a fact named under \`environment\` in ${pipelineFile} nor a variable in capitals.`;
        add(message, meant(variable, facts), [...at, 'env', i]);
      }
      return variable;
    }),
    slots: stage.slots ?? 1,
    timeout:
      stage.timeout === undefined ? null : { text: stage.timeout, seconds: parseDuration(stage.timeout)! },
    always: stage.always ?? false,
    frozen: stage.frozen ?? false,
    resume: stage.resume === undefined ? null : resumeOf(stage.resume, values, stage),
  };
  if (instance.timeout !== null && instance.timeout.seconds > longestTimeout)
    add(`The timeout \`${instance.timeout.text}\` is longer than 24 d.`, undefined, [...at, 'timeout']);
  checkLateNames(instance, declared, (message, hint, within) =>
    add(message, hint, [...at, 'cmd'], 'value', within),
  );
  if (instance.resume !== null)
    checkResume(instance, instance.resume, (message, hint, field) =>
      add(message, hint, [...at, 'resume', field]),
    );
  return instance;
}

/** The stage's shell, else the pipeline's, else this machine's. */
function shellOf(stage: StageSchema, { definition }: Pipeline): string {
  const declared = stage.shell ?? definition.shell;
  return declared === undefined ? defaultShell() : normalizeShell(declared);
}

/** Seconds; Node's timers reach no further than 2^31 milliseconds. */
const longestTimeout = 24 * 86_400;

export const stageReference = /^\$\{stages\.([\w-]+)\.([\w-]+)\}$/;

const longestName = 255; // bytes

/** Why no file can have this path; undefined if one can. */
function unusable(path: string): string | undefined {
  if (path === '') return 'A path is empty.';
  const long = path.split('/').find((name) => name.length > 63 && Buffer.byteLength(name) > longestName);
  if (long === undefined) return undefined;
  return `The path \`${path}\` has a name of ${Buffer.byteLength(long)} bytes; file systems allow ${longestName}.`;
}

/** Name, entry and place of each path; in a list each resolved path is its own name. */
function named<Entry>(
  paths: Readonly<Record<string, Entry>> | readonly Entry[] | undefined,
  at: Path,
): [name: string | undefined, entry: Entry, where: Path][] {
  if (Array.isArray(paths))
    return (paths as readonly Entry[]).map((path, i) => [undefined, path, [...at, i]]);
  return Object.entries((paths ?? {}) as Record<string, Entry>).map(([name, path]) => [
    name,
    path,
    [...at, name],
  ]);
}

type Complain = (message: string, hint: string | undefined, within: string) => void;

/** Checks what a command's `${deps.x}` and its like name. */
function checkLateNames(instance: Instance, declared: readonly string[], complain: Complain): void {
  const outs = instance.outs.map(({ name }) => name);
  for (const [kind, name] of instance.cmds.flatMap(lateNames)) {
    const template = `\${${kind}.${name}}`;
    if (kind === 'resume') {
      if (instance.resume === null)
        complain(`\`${template}\` needs the field \`resume\`.`, undefined, template);
      else if (name !== 'from')
        complain(`Nothing is called \`${template}\`.`, meant(name, ['from']), template);
    } else if (kind === 'outs') {
      if (!outs.includes(name))
        complain(`\`${instance.stage}\` has no out \`${name}\`.`, meant(name, outs), template);
    } else if (!declared.includes(name)) {
      complain(`\`${instance.stage}\` has no dependency \`${name}\`.`, meant(name, declared), template);
    }
  }
}

function resumeOf(
  { by, from, with: others = [] }: NonNullable<StageSchema['resume']>,
  values: Readonly<Record<string, unknown>>,
  stage: StageSchema,
): Resume {
  const path = by.split('.');
  const axis = Object.hasOwn(values, path[0]!) && stage.matrix !== undefined;
  return { by: { in: axis ? 'matrix' : 'params', path }, from, with: others };
}

/** Checks that `by` is a number that the stage sees, and `from` an out that the store keeps. */
function checkResume(
  instance: Instance,
  resume: Resume,
  complain: (message: string, hint: string | undefined, field: 'by' | 'from' | 'with') => void,
): void {
  const name = resume.by.path.join('.');
  const value = resumeValue(resume, instance.matrix, instance.params);
  if (value === undefined) {
    const known = [...leafNames(instance.matrix), ...Object.keys(instance.params)];
    const message = `\`${name}\` is neither in the matrix of \`${instance.stage}\` nor a parameter that it names.`;
    complain(message, meant(name, known), 'by');
  } else if (typeof value !== 'number')
    complain(`\`${name}\` is ${JSON.stringify(value)}, not a number that may grow.`, undefined, 'by');
  for (const from of [resume.from, ...resume.with]) {
    const field = from === resume.from ? 'from' : 'with';
    const out = instance.outs.find((candidate) => candidate.name === from);
    if (out === undefined) {
      const names = instance.outs.map((candidate) => candidate.name);
      complain(`\`${instance.stage}\` has no out \`${from}\`.`, meant(from, names), field);
    } else if (!out.cache)
      complain(
        `The out \`${from}\` is not kept in the store (\`cache: false\`); a run can't go on from it.`,
        undefined,
        field,
      );
  }
}

/** What stands at `resume.by`; undefined where nothing does. */
export function resumeValue(
  { by: { path, in: where } }: Resume,
  matrix: Instance['matrix'],
  params: Instance['params'],
): unknown {
  if (where === 'matrix') return valueAt(matrix, path);
  // The parameter itself is named, or a group that holds it.
  for (let known = path.length; known > 0; known--) {
    const group = path.slice(0, known).join('.');
    if (Object.hasOwn(params, group)) return valueAt(params[group], path.slice(known));
  }
  return undefined;
}
