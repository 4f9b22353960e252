// Loads both sides of a comparison: the baseline and the working tree, with the gates of the working tree.
import { readParams } from '../config/params.ts';
import { ParamsSchema } from '../config/params-schema.ts';
import type { Shape } from '../config/params-shape.ts';
import { readPipeline } from '../config/pipeline.ts';
import { diagnose } from '../config/zod-diagnostics.ts';
import { typed } from '../invocation.ts';
import { fail, type Result, succeed } from '../result.ts';
import { findBaseline } from './baseline.ts';
import { withoutLeftovers } from './current-results.ts';
import { compileGate, type Gate, GatesSchema } from './gates.ts';
import { isIn, loadResults, type Results, withoutMetrics } from './results.ts';
import { folderTree } from './tree.ts';

export interface SidesOptions {
  /** The project's folder. */
  readonly cwd: string;
  /** The folder that a folder named as baseline is relative to (default: the project's). */
  readonly typedIn?: string | undefined;
  /** A branch, tag, commit or folder. */
  readonly baseline: string;
  readonly timing?: boolean | undefined;
  readonly profile?: string | undefined;
}

export interface Sides {
  readonly old: Results;
  readonly now: Results;
  /** Metrics of the working tree that were asked for but that git does not keep, so that the baseline has none. */
  readonly unkept: readonly string[];
  /** Of the working tree's params.yaml, empty where it has none. */
  readonly gates: readonly Gate[];
}

/** Everything that compare and check judge; a side without metrics is a failure. */
export async function loadSides(options: SidesOptions): Promise<Result<Sides>> {
  const baseline = await findBaseline(options.cwd, options.baseline, options.typedIn);
  if (!baseline.ok) return baseline;
  const schema = schemaPath(options.cwd);
  const gates = await readGates(options, schema);
  if (!gates.ok) return gates;
  const shape = await profileShape(options, schema);
  const workingTree = folderTree(options.cwd, 'the working tree');
  const now = await loadResults(await withoutLeftovers(workingTree, options.cwd, options.profile), {
    ...options,
    shape,
    hint: `Delete it and run \`${typed('repro')}\` to make it again.`,
  });
  if (!now.ok) return now;
  const old = await loadResults(baseline.value, {
    ...options,
    shape,
    hint: 'Mend it there, or name another version with --baseline.',
  });
  if (!old.ok) return old;
  if (now.value.metrics.size === 0) {
    return fail(withoutMetrics(now.value.label, `Run \`${typed('repro')}\` to make them.`));
  }
  if (old.value.metrics.size === 0) {
    const hint = `Run \`${typed('repro')}\` there and commit metrics/, or name another version with --baseline.`;
    return fail(withoutMetrics(old.value.label, hint));
  }
  return succeed({ ...withoutUnkept(old.value, now.value, options.timing === true), gates: gates.value });
}

/** Leaves out metrics that vary from run to run: all of them if nobody asked for timing, else those that only one side has. */
function withoutUnkept(old: Results, now: Results, timing: boolean): Omit<Sides, 'gates'> {
  const varying = [...now.varying, ...old.varying];
  const isUnkept = (path: string): boolean =>
    isIn(path, varying) && !(timing && old.metrics.has(path) && now.metrics.has(path));
  const without = (side: Results): Results => ({
    ...side,
    metrics: new Map([...side.metrics].filter(([path]) => !isUnkept(path))),
  });
  const unkept = timing ? [...now.metrics.keys()].filter(isUnkept) : [];
  return { old: without(old), now: without(now), unkept };
}

/** Says which metrics of the working tree `label` has none of; undefined if there are none. */
export function unkeptText([first, ...others]: readonly string[], label: string): string | undefined {
  if (first === undefined) return undefined;
  const [vary, keep] = others.length === 0 ? ['varies', 'it'] : [`and ${others.length} more vary`, 'them'];
  return `${first} ${vary} from run to run, and git does not keep ${keep}: there is none in ${label} to compare with.`;
}

/** The module with the schema that pipeline.yaml names; a project may have metrics and no pipeline.yaml. */
function schemaPath(root: string): string | undefined {
  const pipeline = readPipeline(root);
  return pipeline.ok ? pipeline.value.definition.params : undefined;
}

/** The working tree's schema says for both sides how to lay a profile over the parameters. */
async function profileShape(
  { cwd, profile }: SidesOptions,
  path: string | undefined,
): Promise<Shape | undefined> {
  if (profile === undefined || path === undefined) return undefined;
  const shape = await (await ParamsSchema.open(cwd, path)).shape();
  return shape.ok ? shape.value : undefined;
}

/** A project may have metrics and no params.yaml; then it has no gates. */
async function readGates(
  { cwd, profile }: SidesOptions,
  schema: string | undefined,
): Promise<Result<readonly Gate[]>> {
  // A profile can't be laid over the parameters without knowing their schema.
  const params = await readParams(cwd, profile === undefined ? {} : { profile, schema });
  if (!params.ok) return params;
  const parsed = GatesSchema.safeParse(params.value.values);
  if (!parsed.success) {
    const locate = params.value.position.bind(params.value);
    return fail(...diagnose(parsed.error, GatesSchema, params.value.values, locate, 'gate'));
  }
  return succeed((parsed.data.gates ?? []).map(compileGate));
}
