// Resolves `${name}` in pipeline.yaml against matrix axes, vars and parameters; every name is checked.
import { meant } from './nearest.ts';
import { valueAt } from './zod-diagnostics.ts';

/** What templates may name. A label is what an axis' value is called inside a longer text. */
export interface Scope {
  readonly values: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
}

export type Resolved =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const whole = /^\$\{([^{}]+)\}$/;
const inner = /\$\{([^{}]+)\}/g;

/** A template names only the scope, but for `${deps.x}` and `${outs.x}`, which stay until the command runs. */
const late = /^(deps|outs|lists)\./;

/**
 * Resolves a text. One that is a single template gives the value itself (a list, a mapping, null); otherwise each
 * template is replaced by its text, which must be a scalar or an axis' label.
 */
export function resolveTemplate(text: string, scope: Scope): Resolved {
  const single = whole.exec(text)?.[1];
  if (single !== undefined && !late.test(single) && !Object.hasOwn(scope.labels, single))
    return lookUp(single, scope);
  let failure: Resolved | undefined;
  const value = text.replaceAll(inner, (template, name: string) => {
    if (late.test(name)) return template;
    if (Object.hasOwn(scope.labels, name)) return scope.labels[name]!;
    const found = lookUp(name, scope);
    if (!found.ok) failure ??= found;
    else if (typeof found.value === 'object') {
      failure ??= {
        ok: false,
        message: `\`${template}\` is ${found.value === null ? 'null' : 'not a scalar'} and can't stand inside a text.`,
      };
    } else return String(found.value);
    return template;
  });
  return failure ?? { ok: true, value };
}

function lookUp(name: string, scope: Scope): Resolved {
  const path = name.split('.');
  const value = valueAt(scope.values, path);
  if (value !== undefined) return { ok: true, value };
  // The hint names what stands beside the last step that exists.
  let known = path.length - 1;
  while (known > 0 && valueAt(scope.values, path.slice(0, known)) === undefined) known--;
  const parent = valueAt(scope.values, path.slice(0, known));
  const names = typeof parent === 'object' && parent !== null ? Object.keys(parent) : [];
  const prefix = path
    .slice(0, known)
    .map((step) => `${step}.`)
    .join('');
  const hint = meant(
    path.slice(0, known + 1).join('.'),
    names.map((key) => prefix + key),
  );
  return { ok: false, message: `Nothing is called \`${name}\`.`, ...(hint === undefined ? {} : { hint }) };
}
