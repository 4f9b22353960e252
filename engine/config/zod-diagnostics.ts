// Turns what zod found into failures that point at the line and name what was probably meant.
import { z } from 'zod';
import type { ConfigurationFailure, SourcePosition } from '../failure.ts';
import { meant } from './nearest.ts';
import type { Part, Path } from './yaml-source.ts';

/** Where an entry stands; several files may make up one value. */
export type Locate = (path: Path, part: Part) => SourcePosition | undefined;

/** One failure for each issue; `what` names an entry: `parameter`, `field`. */
export function diagnose(
  error: z.ZodError,
  schema: unknown,
  value: unknown,
  locate: Locate,
  what: string,
): ConfigurationFailure[] {
  return error.issues.flatMap((issue) => issueFailures(issue, schema, value, locate, what));
}

function issueFailures(
  issue: z.core.$ZodIssue,
  schema: unknown,
  value: unknown,
  locate: Locate,
  what: string,
): ConfigurationFailure[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const name = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      configuration(
        `Unknown ${what} \`${[...path, key].join('.')}\`.`,
        meant(key, keysAt(schema, path)),
        locate([...path, key], 'key'),
      ),
    );
  }
  if (
    valueAt(value, path) === undefined &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_union')
  ) {
    const why = issue.code === 'invalid_type' ? `: ${issue.message}` : '';
    return [configuration(`Missing ${what} \`${name}\`${why}.`, undefined, locate(path, 'key'))];
  }
  if (issue.code === 'invalid_union') {
    // The branch that got furthest into the value says best what is wrong with it.
    const branches = issue.errors.filter((issues) => issues.length > 0);
    const deepest = branches.sort((a, b) => depth(b) - depth(a))[0];
    if (deepest !== undefined && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        issueFailures(
          { ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue,
          schema,
          value,
          locate,
          what,
        ),
      );
    }
    const wanted = branches.map((issues) => issues[0]?.message ?? '').join('; or ');
    return [configuration(`\`${name}\` is not as it must be: ${wanted}.`, undefined, locate(path, 'value'))];
  }
  const found = valueAt(value, path);
  const hint =
    issue.code === 'invalid_value' && typeof found === 'string'
      ? meant(found, issue.values.map(String))
      : undefined;
  const shown = JSON.stringify(found);
  return [
    configuration(
      `\`${name}\` is ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}: ${issue.message}.`,
      hint,
      locate(path, 'value'),
    ),
  ];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));

export function configuration(
  message: string,
  hint: string | undefined,
  position: SourcePosition | undefined,
): ConfigurationFailure {
  return {
    reason: 'configuration',
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(position === undefined ? {} : { position }),
  };
}

/** The value at `path`, undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );
}

/** The keys that the schema knows at `path`. */
function keysAt(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => keysAt(option, path));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject)
    return step === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(step)], rest);
  if (step === undefined) return [];
  if (schema instanceof z.ZodRecord) return keysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest);
  return [];
}
