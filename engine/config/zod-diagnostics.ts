// Turns what zod found into failures that point at the line and name what was probably meant.
import * as z from 'zod';
import type { ConfigurationFailure, SourcePosition } from '../failure.ts';
import { meant } from './nearest.ts';
import type { Part, Path } from './yaml-source.ts';

/** Where an entry stands; several files may make up one value. */
export type Locate = (path: Path, part: Part) => SourcePosition | undefined;

/** The words of another tool, and what to write instead of them. */
export interface ForeignWords {
  /** What to write instead of the unknown field `key` of the entry at `path`. */
  readonly key: (path: Path, key: string) => string | undefined;
  /** What to write instead of the whole entry at `path`; then nothing else is said of what is in it. */
  readonly entry: (path: Path, value: unknown) => string | undefined;
  /** Whether a field at `path` that is missing stands in another form in `parent`. */
  readonly covers: (path: Path, parent: unknown) => boolean;
}

/** One failure for each issue; `what` names an entry: `parameter`, `field`. */
export function diagnose(
  error: z.ZodError,
  schema: unknown,
  value: unknown,
  locate: Locate,
  what: string,
  words?: ForeignWords,
): ConfigurationFailure[] {
  const failures = error.issues.flatMap((issue) =>
    issueFailures(issue, { schema, value, locate, what, words }),
  );
  // Several issues may be in one entry that is written in another form.
  return [...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values()];
}

interface Diagnosed {
  readonly schema: unknown;
  readonly value: unknown;
  readonly locate: Locate;
  readonly what: string;
  readonly words: ForeignWords | undefined;
}

function issueFailures(issue: z.core.$ZodIssue, diagnosed: Diagnosed): ConfigurationFailure[] {
  const { schema, value, locate, what, words } = diagnosed;
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const name = path.join('.');
  const found = valueAt(value, path);
  const foreign = words && foreignEntry(path, diagnosed, words);
  if (foreign !== undefined) return [foreign];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      configuration(
        `Unknown ${what} \`${[...path, key].join('.')}\`.`,
        words?.key(path, key) ?? meant(key, keysAt(schema, path)),
        locate([...path, key], 'key'),
      ),
    );
  }
  if (issue.code === 'invalid_key') {
    const why = issue.issues.map(({ message }) => message).join('; ');
    const message = `\`${path.at(-1)}\` can't be a name here: ${why}.`;
    return [configuration(message, undefined, locate(path, 'key'))];
  }
  const must = wanted(issue);
  if (found === undefined && words?.covers(path, valueAt(value, path.slice(0, -1))) === true) return [];
  if (found === undefined && must !== undefined)
    return [configuration(`Missing ${what} \`${name}\`: ${must}.`, undefined, locate(path, 'key'))];
  if (issue.code === 'invalid_union') {
    // The branch that got furthest into the value says best what is wrong with it.
    const branches = issue.errors.filter((issues) => issues.length > 0);
    const deepest = branches.sort((a, b) => depth(b) - depth(a))[0];
    if (deepest !== undefined && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        issueFailures({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue, diagnosed),
      );
    }
  }
  const choices = choicesOf(issue);
  const hint =
    choices !== undefined && typeof found === 'string' ? meant(found, choices.map(String)) : undefined;
  const position = locate(path, 'value');
  const subject = path.length > 0 ? `\`${name}\`` : (position?.file ?? 'The whole');
  const why = must === undefined ? `: ${issue.message}` : `; it must be ${must}`;
  return [configuration(`${subject} is ${shown(found)}${why}.`, hint, position)];
}

/** Of the entry at `path`, or of the first around it that is written as another tool has it. */
function foreignEntry(
  path: Path,
  { value, locate }: Diagnosed,
  words: ForeignWords,
): ConfigurationFailure | undefined {
  for (let length = 1; length <= path.length; length++) {
    const around = path.slice(0, length);
    const found = valueAt(value, around);
    const hint = found === undefined ? undefined : words.entry(around, found);
    if (hint !== undefined) {
      const message = `\`${around.join('.')}\` can't be ${shown(found)} here.`;
      return configuration(message, hint, locate(around, 'value'));
    }
  }
  return undefined;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What YAML calls the types that zod names. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What stands in the place of a value of the wrong kind, in words; undefined where the kind is not what is wrong. */
function wanted(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected;
  const choices = choicesOf(issue);
  if (choices !== undefined) return alternatives(choices.map((value) => JSON.stringify(value)));
  if (issue.code !== 'invalid_union') return undefined;
  const branches = issue.errors.map(
    ([first]) => first && (wanted(first as z.core.$ZodIssue) ?? first.message),
  );
  return alternatives([...new Set(branches.filter((text) => text !== undefined))]);
}

/** The values of which one must be there: of an enumeration, or of the field that tells a union's members apart. */
function choicesOf(issue: z.core.$ZodIssue): readonly unknown[] | undefined {
  if (issue.code === 'invalid_value') return issue.values;
  return issue.code === 'invalid_union' && issue.inclusive !== false ? issue.options : undefined;
}

/** `a, b or c` */
const alternatives = (texts: readonly string[]): string =>
  texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;

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
      typeof inner === 'object' && inner !== null && hasEntry(inner, step)
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );
}

/** A list has elements and no other entries; its length is none. */
const hasEntry = (inner: object, step: string | number): boolean =>
  Object.hasOwn(inner, step) && !(Array.isArray(inner) && step === 'length');

/** The keys that the schema knows at `path`. */
function keysAt(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => keysAt(option, path)))];
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject)
    return step === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(step)], rest);
  if (step === undefined) return [];
  if (schema instanceof z.ZodRecord) return keysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest);
  return [];
}
