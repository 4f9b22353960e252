// Resolves the `vars` of pipeline.yaml: texts in them may name parameters, and the vars before them.
import type { ConfigurationFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Params } from './params.ts';
import type { Pipeline } from './pipeline.ts';
import { reservedNames, resolveDeep, type Scope } from './template.ts';
import { configuration } from './zod-diagnostics.ts';

/** The scope of templates outside of any matrix: parameters and vars by name, and vars once more under `vars`. */
export function outerScope(
  { definition, source }: Pipeline,
  params: Params,
  used: Set<string>,
): Result<Scope> {
  const failures: ConfigurationFailure[] = [];
  const vars: Record<string, unknown> = {};
  const values: Record<string, unknown> = { ...params.values, vars };
  for (const [name, written] of Object.entries(definition.vars ?? {})) {
    const at = ['vars', name];
    const taken = reservedNames.includes(name)
      ? 'a name with a meaning of its own in templates'
      : Object.hasOwn(params.values, name)
        ? 'a parameter too'
        : undefined;
    if (taken !== undefined) {
      const message = `The var \`${name}\` is ${taken}.`;
      failures.push(configuration(message, 'Call it something else.', source.position(at, 'key')));
      continue;
    }
    const resolved = resolveDeep(written, { values, labels: {}, used });
    if (!resolved.ok)
      failures.push(
        configuration(resolved.message, resolved.hint, source.position(at, 'value', resolved.template)),
      );
    else {
      vars[name] = resolved.value;
      values[name] = resolved.value;
    }
  }
  return failures.length > 0 ? fail(...failures) : succeed({ values, labels: {}, used });
}
