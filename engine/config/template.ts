// Resolves `${name}` in pipeline.yaml against matrix axes, vars and parameters; every name is checked.
import { dvcTemplate } from './dvc-words.ts';
import { meant, nearest } from './nearest.ts';
import { valueAt } from './zod-diagnostics.ts';

/** What templates may name. A label is what an axis' value is called inside a longer text. */
export interface Scope {
  readonly values: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Collects the names that templates ask for. */
  readonly used: Set<string>;
}

export type Resolved = { readonly ok: true; readonly value: unknown } | Unresolved;
export interface Unresolved {
  readonly ok: false;
  readonly message: string;
  readonly hint?: string;
  /** What can't be resolved, with `${` and `}`. */
  readonly template: string;
  /** Whether something is called nearly so. */
  readonly near: boolean;
}

const whole = /^\$\{([^{}]+)\}$/;
/** A backslash before it leaves a template to the shell. */
const inner = /(\\?)\$\{([^{}]+)\}/g;

/** A template names only the scope, but for `${deps.x}` and its like, which stay until the command runs. */
const late = /^(deps|outs|lists|listfiles|resume)\./;

/** First steps of a name that mean something of their own in templates. */
export const reservedNames = ['vars', 'stages', 'deps', 'outs', 'lists', 'listfiles', 'resume'];

/**
 * Resolves a text. One that is a single template gives the value itself (a list, a mapping, null); otherwise each
 * template is replaced by its text, which must be a scalar or an axis' label.
 */
export function resolveTemplate(text: string, scope: Scope): Resolved {
  if (!text.includes('${')) return { ok: true, value: text };
  const single = whole.exec(text)?.[1];
  if (single !== undefined && !late.test(single) && !Object.hasOwn(scope.labels, single))
    return lookUp(single, scope);
  let failure: Unresolved | undefined;
  const value = text.replaceAll(inner, (template, escaped: string, name: string) => {
    if (escaped !== '' || late.test(name)) return template;
    if (Object.hasOwn(scope.labels, name)) return scope.labels[name]!;
    const found = lookUp(name, scope);
    if (!found.ok) failure ??= found;
    else if (typeof found.value === 'object') {
      const options = optionsOf(name, found.value);
      failure ??= {
        ok: false,
        message: `\`${template}\` is ${found.value === null ? 'null' : 'not a scalar'} and can't stand inside a text.`,
        ...(options === undefined ? {} : { hint: options }),
        template,
        near: true,
      };
    } else return String(found.value);
    return template;
  });
  return failure ?? { ok: true, value };
}

/** The options that DVC makes of a mapping in a command. */
function optionsOf(name: string, value: object | null): string | undefined {
  const keys = value === null || Array.isArray(value) ? [] : Object.keys(value);
  if (keys.length === 0) return undefined;
  const written = keys.slice(0, 2).map((key) => `--${key} \${${name}.${key}}`);
  return `A mapping does not become options by itself. Write them: \`${written.join(' ')}${keys.length > 2 ? ' …' : ''}\`.`;
}

/** Resolves all texts inside a value; the first that can't be is the failure. */
export function resolveDeep(value: unknown, scope: Scope): Resolved {
  if (typeof value === 'string') return resolveTemplate(value, scope);
  if (typeof value !== 'object' || value === null) return { ok: true, value };
  const entries: [string, unknown][] = [];
  for (const [key, inside] of Object.entries(value)) {
    const resolved = resolveDeep(inside, scope);
    if (!resolved.ok) return resolved;
    entries.push([key, resolved.value]);
  }
  return {
    ok: true,
    value: Array.isArray(value) ? entries.map(([, element]) => element) : Object.fromEntries(entries),
  };
}

/** The names of `${deps.x}` and its like in a text, as `['deps', 'x']`. */
export function lateNames(text: string): [kind: string, name: string][] {
  return [...text.matchAll(inner)]
    .filter(([, escaped, name]) => escaped === '' && late.test(name!))
    .map(([, , name]) => [name!.slice(0, name!.indexOf('.')), name!.slice(name!.indexOf('.') + 1)]);
}

/** Puts values in for `${deps.x}` and its like, and takes the backslash from what is left to the shell. */
export function fillLate(text: string, value: (kind: string, name: string) => string): string {
  return text.replaceAll(inner, (template, escaped: string, name: string) => {
    if (escaped !== '') return template.slice(1);
    const dot = name.indexOf('.');
    return late.test(name) ? value(name.slice(0, dot), name.slice(dot + 1)) : template;
  });
}

/** A text with `*` for each template in it. */
export const withWildcards = (text: string): string => text.replaceAll(inner, '*');

function lookUp(name: string, scope: Scope): Resolved {
  scope.used.add(name);
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
  const candidates = names.map((key) => prefix + key).filter((key) => key !== 'vars');
  const wanted = path.slice(0, known + 1).join('.');
  const foreign = dvcTemplate(name, Object.keys(scope.labels));
  const near = foreign !== undefined || nearest(wanted, candidates) !== undefined;
  const hint = foreign ?? meant(wanted, candidates);
  return {
    ok: false,
    message: `Nothing is called \`${name}\`.`,
    ...(hint === undefined ? {} : { hint }),
    template: `\${${name}}`,
    near,
  };
}
