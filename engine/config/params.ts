// Resolves the parameters: params.yaml, overlaid by a profile and by `--set`, checked against the study's schema.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SourcePosition, UsageFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import { Accepted } from './accepted.ts';
import { meant } from './nearest.ts';
import { isMapping, overlayFile } from './overlay.ts';
import { ParamsSchema } from './params-schema.ts';
import { parseYaml } from './yaml-document.ts';
import { type Part, type Path, YamlSource } from './yaml-source.ts';
import { replaceTag } from './yaml-value.ts';
import { configuration, diagnose, valueAt } from './zod-diagnostics.ts';

export const paramsFile = 'params.yaml';

export interface Params {
  /** The resolved parameters, nested. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Whether there is a params.yaml; without one, there are no parameters. */
  readonly exists: boolean;
  /** Where the entry at `path` was given last. */
  position(path: Path, part?: Part): SourcePosition | undefined;
}

export interface ParamsOptions {
  /** Name of a file in profiles/, without its ending. */
  readonly profile?: string | undefined;
  /** `key=value` assignments; values are YAML. */
  readonly set?: readonly string[] | undefined;
  /** Module with the schema, relative to the project. */
  readonly schema?: string | undefined;
}

/** Reads and checks all parameters, so that nothing starts with a wrong one. */
export async function readParams(root: string, options: ParamsOptions): Promise<Result<Params>> {
  const path = join(root, paramsFile);
  const exists = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const override = (options.set ?? []).length > 0 ? '--set' : options.profile && '--profile';
  if (!exists && override) return fail(nothingToOverride(override));
  const base = exists ? YamlSource.read(path, paramsFile) : YamlSource.parse('', paramsFile);
  if (!base.ok) return base;
  const sources = [base.value];
  if (options.profile !== undefined) {
    const profile = readProfile(root, options.profile);
    if (!profile.ok) return profile;
    sources.unshift(profile.value);
  }
  for (const source of sources)
    if (!isMapping(source.value)) {
      const message = `${source.file} must be a mapping of names to values.`;
      return fail(configuration(message, undefined, source.position([])));
    }
  const schema = options.schema === undefined ? undefined : await ParamsSchema.open(root, options.schema);
  const shape = sources.length === 1 ? undefined : await schema?.shape();
  if (shape?.ok === false) return shape;
  let values = sources.reduceRight<unknown>((under, source) => overlayFile(under, source, shape?.value), {});
  const locate = (path: Path, part: Part = 'value'): SourcePosition | undefined =>
    (sources.find((source) => source.has(path)) ?? base.value).position(path, part);

  const set: string[] = [];
  for (const assignment of options.set ?? []) {
    const assigned = assign(values, assignment);
    if (!assigned.ok) return assigned;
    values = assigned.value;
    set.push(assignment.slice(0, assignment.indexOf('=')));
  }
  /** No file has what `--set` says. */
  const locateWritten = (path: Path, part: Part): SourcePosition | undefined =>
    set.some((key) => `${path.join('.')}.`.startsWith(`${key}.`)) ? undefined : locate(path, part);
  if (schema !== undefined) {
    const accepted = schema.compiled && new Accepted(root, schema.compiled, values);
    if (accepted?.has() !== true) {
      const loaded = await schema.load();
      if (!loaded.ok) return loaded;
      const parsed = loaded.value.safeParse(values);
      if (!parsed.success && !exists)
        return fail({ reason: 'file', path: paramsFile, message: 'There is no such file.', hint: needed });
      if (!parsed.success)
        return fail(...diagnose(parsed.error, loaded.value, values, locateWritten, 'parameter'));
      await accepted?.remember();
    }
  }
  return succeed({ values: values as Record<string, unknown>, exists, position: locate });
}

const needed = 'The schema that pipeline.yaml names under `params` asks for parameters.';

const nothingToOverride = (option: string): UsageFailure => ({
  reason: 'usage',
  message: `\`${option}\` changes parameters, and this project has none: there is no params.yaml.`,
  hint: 'Write the parameters and their usual values to params.yaml.',
});

function readProfile(root: string, name: string): Result<YamlSource> {
  const folder = join(root, 'profiles');
  const known = profileNames(folder);
  if (!known.includes(name)) {
    const hint = meant(name, known);
    return fail({
      reason: 'usage',
      message: `There is no profile \`${name}\`.`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return YamlSource.read(join(folder, `${name}.yaml`), `profiles/${name}.yaml`, undefined, [replaceTag]);
}

function profileNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort();
  } catch {
    return [];
  }
}

/** The values with one `key=value` applied; the key must exist. */
function assign(values: unknown, assignment: string): Result<unknown> {
  const equals = assignment.indexOf('=');
  if (equals < 1) {
    const hint = 'For example `--set seed=7` or `--set models.cnn1.dropout=0.3`.';
    return fail({ reason: 'usage', message: `\`--set ${assignment}\` has no \`key=value\`.`, hint });
  }
  const key = assignment.slice(0, equals);
  const path = key.split('.');
  if (valueAt(values, path) === undefined) {
    return fail(
      configuration(`\`--set\`: there is no parameter \`${key}\`.`, meant(key, leafNames(values)), undefined),
    );
  }
  const parsed = parseYaml(assignment.slice(equals + 1));
  if (parsed.ok) return succeed(replaceAt(values, path, parsed.value.value));
  const { message, hint } = parsed.mistake;
  return fail({
    reason: 'usage',
    message: `\`--set ${assignment}\`: ${message}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A copy of the values with `value` at `path`. */
export function replaceAt(values: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const copy = Array.isArray(values) ? [...values] : { ...(values as object) };
  const fields = copy as Record<string, unknown>;
  fields[step] = replaceAt(fields[step], rest, value);
  return copy;
}

/** Dotted names of all parameters, inner ones and leaves. */
export function leafNames(values: unknown, prefix = ''): string[] {
  if (!isMapping(values)) return [];
  return Object.entries(values).flatMap(([key, value]) => [
    prefix + key,
    ...leafNames(value, `${prefix}${key}.`),
  ]);
}
