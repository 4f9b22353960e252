// The scratch directory of one run: its inputs for the stage, and the paths where it makes its outs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fillLate, lateNames } from '../config/template.ts';
import type { Instance } from '../plan/instance.ts';
import { quoted } from '../shell-word.ts';
import type { StageInputs } from '../stage.ts';
import type { Resumption } from './resume.ts';
import type { Command } from './run-command.ts';

export interface Scratch {
  readonly folder: string;
  /** File with the stage's inputs, for `RODADA_STAGE`. */
  readonly inputs: string;
  /** Name of each out → path to make it at. */
  readonly outs: Readonly<Record<string, string>>;
  /** The commands with the paths of deps and outs put in. */
  readonly commands: readonly Command[];
  /** Whether the run goes on from another. */
  readonly resumed: boolean;
}

/**
 * Makes the scratch directory `folder`, which must not exist.
 * @param partial folder that outlives the run if it is cut off
 */
export async function makeScratch(
  folder: string,
  root: string,
  instance: Instance,
  environment: Readonly<Record<string, string>>,
  resume: Resumption | undefined,
  partial: string,
): Promise<Scratch> {
  mkdirSync(folder, { recursive: true });
  const resumed = resume && (await bringBack(resume, folder));
  const outs: Record<string, string> = {};
  for (const [i, { name, path }] of instance.outs.entries()) {
    // A folder for each, so that an out keeps its own name and two may have the same.
    const parent = join(folder, `out${i}`);
    mkdirSync(parent);
    outs[name] = join(parent, basename(path));
  }
  const deps: Record<string, string> = {};
  const lists: Record<string, string[]> = {};
  for (const { name, paths, list } of instance.deps) {
    const absolute = paths.map((path) => resolve(root, path));
    if (list) lists[name] = absolute;
    else deps[name] = absolute[0]!;
  }
  const inputs: StageInputs = {
    name: instance.name,
    params: nest(instance.params),
    matrix: instance.matrix,
    labels: instance.labels,
    deps,
    lists,
    outs,
    env: environment,
    partial,
    ...(resumed === undefined ? {} : { resume: resumed }),
  };
  const file = join(folder, 'inputs.json');
  // It holds the values of environment variables, which may be secrets.
  writeFileSync(file, JSON.stringify(inputs), { mode: 0o600 });
  const known: Record<string, string> = {};
  for (const [name, path] of Object.entries(deps)) {
    known[`deps.${name}`] = quoted(path);
    known[`lists.${name}`] = quoted(path);
  }
  for (const [name, path] of Object.entries(outs)) known[`outs.${name}`] = quoted(path);
  for (const [name, list] of Object.entries(lists)) known[`lists.${name}`] = list.map(quoted).join(' ');
  if (resumed !== undefined) known['resume.from'] = quoted(resumed.from);
  for (const name of listFilesOf(instance)) {
    const list = join(folder, `list${Object.keys(known).length}.txt`);
    const paths = lists[name] ?? (deps[name] === undefined ? [] : [deps[name]]);
    writeFileSync(list, paths.map((path) => `${path}\n`).join(''));
    known[`listfiles.${name}`] = quoted(list);
  }
  const commands: Command[] = [];
  for (const [i, shown] of instance.cmds.entries()) {
    // The plan has checked the names: what has no path is an optional dependency that is absent.
    const cmd = fillLate(shown, (kind, name) => known[`${kind}.${name}`] ?? "''");
    commands.push({ shown, ...commandText(cmd, join(folder, `command${i}`)) });
  }
  return { folder, inputs: file, outs, resumed: resumed !== undefined, commands };
}

/** Bytes of a command that the system surely takes as one argument. Linux has room for 128 KiB. */
const longestArgument = 100_000;

/** A command as an argument of the shell, or as a script if it is too long for that. */
function commandText(cmd: string, script: string): { cmd: string } | { script: string } {
  if (Buffer.byteLength(cmd) <= longestArgument) return { cmd };
  writeFileSync(script, `${cmd}\n`, { mode: 0o600 });
  return { script };
}

/** Names of the dependencies whose paths the commands want in a file. */
const listFilesOf = ({ cmds }: Instance): Set<string> =>
  new Set(cmds.flatMap(lateNames).flatMap(([kind, name]) => (kind === 'listfiles' ? [name] : [])));

/** Why the paths of a dependency can't be written one a line; undefined if they can. */
export function listFileProblem(instance: Instance): string | undefined {
  const wanted = listFilesOf(instance);
  const names = instance.deps
    .filter(({ name, paths }) => wanted.has(name) && paths.some((path) => /[\n\r]/.test(path)))
    .map(({ name }) => `\`\${listfiles.${name}}\``);
  if (names.length === 0) return undefined;
  return `${names.join(', ')} has one path a line, but a path has a line break in its name. Rename it, or read \`lists\` in the JSON file that RODADA_STAGE names.`;
}

/** Puts what the run goes on from into scratch; undefined where it can't be had after all. */
async function bringBack(
  { by, restore, outs }: Resumption,
  folder: string,
): Promise<StageInputs['resume'] | undefined> {
  const paths: Record<string, string> = {};
  for (const [i, { name, path }] of outs.entries()) {
    paths[name] = join(folder, `resume${i}`, basename(path));
    if (!(await restore(name, paths[name]))) return undefined;
  }
  return { from: paths[outs[0]!.name]!, by, outs: paths };
}

/** Dotted names become nested mappings, as in params.yaml. */
function nest(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const nested: Record<string, unknown> = {};
  // Shorter names first: `models` before `models.cnn1`, which it contains.
  for (const [name, value] of Object.entries(params).sort(([a], [b]) => a.length - b.length)) {
    const steps = name.split('.');
    let inner = nested;
    for (const step of steps.slice(0, -1)) {
      inner[step] = { ...(inner[step] as object | undefined) };
      inner = inner[step] as Record<string, unknown>;
    }
    inner[steps.at(-1)!] = value;
  }
  return nested;
}
