// Finds what is declared and that nothing uses: parameters, vars, and named dependencies that a command passes by.
import type { Params } from '../config/params.ts';
import type { Pipeline } from '../config/pipeline.ts';
import type { Warning } from '../warning.ts';
import type { Instance } from './instance.ts';

/** Parameters that the engine itself reads. */
const engineParams = ['gates'];

/** @param used names that templates and `params` ask for; `*` stands for one step, or a part of it */
export function unusedNames(
  instances: readonly Instance[],
  used: ReadonlySet<string>,
  pipeline: Pipeline,
  params: Params,
): Warning[] {
  const warnings: Warning[] = unusedParams(params, used);
  for (const name of Object.keys(pipeline.definition.vars ?? {})) {
    const isUsed = [...used].some((other) => covers(other, name) || covers(other, `vars.${name}`));
    if (isUsed || pipeline.source.isRepeated(['vars', name])) continue;
    warnings.push({ what: 'unused-var', name, position: pipeline.source.position(['vars', name], 'key') });
  }
  const seen = new Set<string>();
  for (const { stage, cmds, deps } of instances) {
    // A command that takes some path by template could take each; others may read the names in a script.
    const all = cmds.join('\n');
    if (!/(?<!\\)\$\{(?:deps|lists|listfiles)\./.test(all)) continue;
    for (const { name, paths, at } of deps) {
      const isTaken =
        all.includes(`\${deps.${name}}`) ||
        all.includes(`\${lists.${name}}`) ||
        all.includes(`\${listfiles.${name}}`) ||
        all.includes('RODADA_STAGE') ||
        paths.some((path) => all.includes(path));
      if (isTaken || seen.has(`${stage} ${name}`)) continue;
      seen.add(`${stage} ${name}`);
      warnings.push({ what: 'unused-dep', stage, name, position: pipeline.source.position(at, 'key') });
    }
  }
  return warnings;
}

/** The outermost parameters of which nothing is used. */
function unusedParams(params: Params, used: ReadonlySet<string>): Warning[] {
  // Sorted by steps once, so that a look-up is a walk and not a search of all names.
  const root: Steps = new Map();
  for (const name of used) {
    let steps = root;
    for (const step of name.split('.')) {
      let inner = steps.get(step);
      if (inner === undefined) {
        inner = new Map();
        steps.set(step, inner);
      }
      steps = inner;
    }
    steps.set('', new Map()); // the name ends here: all below it is used
  }
  const visit = (values: unknown, steps: readonly Steps[], path: readonly string[]): Warning[] => {
    if (steps.some((step) => step.has(''))) return [];
    if (typeof values !== 'object' || values === null || Array.isArray(values)) return unusedAt(path, params);
    if (steps.length === 0) return unusedAt(path, params);
    return Object.entries(values).flatMap(([key, value]) => {
      if (path.length === 0 && engineParams.includes(key)) return [];
      const below = steps.flatMap((step) =>
        [...step].filter(([pattern]) => stepMatches(pattern, key)).map(([, inner]) => inner),
      );
      return visit(value, below, [...path, key]);
    });
  };
  return visit(params.values, [root], []);
}

type Steps = Map<string, Steps>;

function unusedAt(path: readonly string[], params: Params): Warning[] {
  const position = params.position(path, 'key');
  return [{ what: 'unused-param', name: path.join('.'), ...(position === undefined ? {} : { position }) }];
}

/** Whether a used name is `name`, or stands for something inside it. */
const covers = (used: string, name: string): boolean => used === name || used.startsWith(`${name}.`);

function stepMatches(pattern: string, step: string): boolean {
  if (!pattern.includes('*')) return pattern === step;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.at(-1) ?? '';
  return step.startsWith(first) && step.endsWith(last) && step.length >= first.length + last.length;
}
