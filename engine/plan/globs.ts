// Resolves globs among the dependencies: to files on disk that no stage makes, and to outs of the plan, in a stable order.
import { type Dirent, lstat, readdir, realpath, type Stats, stat } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { FileSystemAdapter } from 'tinyglobby';
import type { Pipeline } from '../config/pipeline.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import { systemErrorText } from '../execute/system-error.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import type { Leftovers } from '../ownership/leftovers.ts';
import { fail, type Result, succeed } from '../result.ts';
import { checkNames } from '../store/file-names.ts';
import { bytecodeFolder } from '../store/tree.ts';
import type { Warning } from '../warning.ts';
import type { Dependency, Instance } from './instance.ts';
import type { OutIndex } from './out-index.ts';
import type { Plan } from './plan.ts';
import type { ProjectPaths } from './project-paths.ts';

export interface Globbed {
  readonly instances: readonly Instance[];
  readonly warnings: readonly Warning[];
}

/** What a pattern has and a plain path may have, too. */
const special = /[*?[{(]/;

/** Folders whose content is nobody's dependency. */
const passedOver = ['node_modules', '.git', 'cache'];

/** What globs are resolved against. */
export interface Globs {
  readonly outs: OutIndex;
  readonly pipeline: Pipeline;
  readonly paths: ProjectPaths;
  readonly root: string;
  readonly leftovers: Leftovers;
  readonly allowMissing: boolean;
}

/** Gives each dependency that is a glob its paths. A path that exists, or that a stage makes, is taken by its letters. */
export async function resolveGlobs(
  instances: readonly Instance[],
  { outs, pipeline, paths: projectPaths, root, leftovers, allowMissing }: Globs,
): Promise<Result<Globbed>> {
  const isGlob = ({ paths: [path], list, pattern }: Dependency): boolean => {
    if (list || pattern !== null || !special.test(path!)) return false;
    const made = outs.containing(path!);
    // A file inside an out is not there yet; its name may well have brackets.
    if (made !== undefined) return made.out.path !== path && /[*?]/.test(path!);
    return outs.inside(path!).length === 0 && projectPaths.problem(path!) !== undefined;
  };
  if (!instances.some(({ deps }) => deps.some(isGlob))) return succeed({ instances, warnings: [] });

  const failures = new Map<string, ConfigurationFailure>();
  const warnings = new Map<string, Warning>();
  const found = new Map<string, Promise<Match>>();
  const globbed: Instance[] = [];
  for (const instance of instances) {
    if (!instance.deps.some(isGlob)) {
      globbed.push(instance);
      continue;
    }
    const deps: Dependency[] = [];
    for (const dep of instance.deps) {
      if (!isGlob(dep)) {
        deps.push(dep);
        continue;
      }
      const pattern = dep.paths[0]!;
      const position = pipeline.source.position(dep.at);
      let match = found.get(pattern);
      if (match === undefined) {
        match = matchOf(pattern, outs, projectPaths, leftovers, root);
        found.set(pattern, match);
      }
      const matched = await match.catch((error: Error) => error);
      if (matched instanceof Error) {
        const text = systemErrorText(matched, root) ?? matched.message;
        const message = `\`${instance.stage}\` depends on \`${pattern}\`. ${text}`;
        failures.set(message, configuration(message, undefined, position));
        continue;
      }
      const { paths, inside } = matched;
      if (paths.length === 0 && !instance.frozen && !allowMissing) {
        const message = `\`${instance.stage}\` depends on \`${pattern}\`, which matches no file and no out.`;
        const hint =
          inside === undefined
            ? 'Make a file that it matches, or correct it.'
            : `What an out holds is known only by its own name: depend on \`${inside}\`.`;
        failures.set(message, configuration(message, hint, position));
      } else if (inside !== undefined && !paths.includes(inside)) {
        const warning = { what: 'glob-inside-out', stage: instance.stage, pattern, out: inside } as const;
        warnings.set(JSON.stringify(warning), { ...warning, position });
      }
      deps.push({ ...dep, paths, list: true, pattern });
    }
    globbed.push({ ...instance, deps });
  }
  return failures.size > 0
    ? fail(...failures.values())
    : succeed({ instances: globbed, warnings: [...warnings.values()] });
}

interface Match {
  readonly paths: readonly string[];
  /** An out that holds, or is where, files match. */
  readonly inside: string | undefined;
}

/** The paths that a pattern stands for now. */
export const matchGlob = async (
  pattern: string,
  { graph, paths, leftovers, root }: Pick<Plan, 'graph' | 'paths' | 'leftovers' | 'root'>,
): Promise<readonly string[]> => (await matchOf(pattern, graph.outs, paths, leftovers, root)).paths;

async function matchOf(
  pattern: string,
  outs: OutIndex,
  projectPaths: ProjectPaths,
  leftovers: Leftovers,
  root: string,
): Promise<Match> {
  const { base, rest } = split(pattern, projectPaths);
  if (passedOver.includes(base.split('/')[0]!)) return { paths: [], inside: undefined };
  const [{ glob }, { default: picomatch }] = await Promise.all([import('tinyglobby'), import('picomatch')]);
  const errors: Error[] = [];
  const files = await glob(rest, {
    cwd: resolve(root, base),
    expandDirectories: false,
    ignore: [...(base === '.' ? passedOver.map((folder) => `${folder}/**`) : []), `**/${bytecodeFolder}/**`],
    fs: fileSystem((error) => errors.push(error)),
  });
  // What can't be read might match: it must not be passed over.
  if (errors[0] !== undefined) throw errors[0];
  const isMatch = picomatch(rest);
  const below = base === '.' ? '' : `${base}/`;
  const paths = new Set(
    outs.paths().filter((path) => path.startsWith(below) && isMatch(path.slice(below.length))),
  );
  let inside = outs.containing(posix.join(base, picomatch.scan(rest).base))?.out.path;
  for (const file of files.map((path) => posix.join(base, path))) {
    // A link to what a stage makes is that; any other file keeps the name that the pattern matches.
    const around = outs.containing(file) ?? outs.containing(projectPaths.followed(file));
    if (around === undefined) {
      // A clean build does not have what is left over.
      const left = leftovers.containing(file) ?? leftovers.containing(projectPaths.followed(file));
      if (left === undefined && projectPaths.problem(file) === undefined) paths.add(file);
    } else if (around.out.path === projectPaths.followed(file)) paths.add(around.out.path);
    else if (!paths.has(around.out.path)) inside = around.out.path;
  }
  return { paths: [...paths].sort(byCodeUnit), inside };
}

type Found<T> = (error: NodeJS.ErrnoException | null, found: T) => void;

/**
 * How a pattern's files are looked at: a link to what is not made yet is found, too.
 * @param onError is told of folders that can't be read
 */
const fileSystem = (onError: (error: Error) => void): Partial<FileSystemAdapter> =>
  ({
    readdir: (path: string, options: { withFileTypes: true }, done: Found<Dirent[]>) =>
      readdir(path, options, (error, entries) => {
        if (error !== null && !['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) onError(error);
        try {
          if (error === null)
            checkNames(
              path,
              entries.map(({ name }) => name),
            );
        } catch (unreadable) {
          onError(unreadable as Error);
        }
        done(error, entries);
      }),
    realpath: (path: string, done: Found<string>) =>
      realpath.native(path, (error, real) => done(null, error === null ? real : path)),
    stat: (path: string, done: Found<Stats>) =>
      stat(path, (error, found) => (error === null ? done(null, found) : lstat(path, done))),
  }) as Partial<FileSystemAdapter>;

/** The folder that a pattern begins with, as it leads through links, and the rest; what exists is no pattern. */
function split(pattern: string, paths: ProjectPaths): { base: string; rest: string } {
  const steps = pattern.split('/');
  let known = 0;
  for (let i = 1; i < steps.length; i++) {
    const folder = steps.slice(0, i).join('/') || '/';
    if (special.test(steps[i - 1]!) && paths.problem(folder) !== undefined) break;
    known = i;
  }
  if (known === 0) return { base: '.', rest: pattern };
  // A `!` that begins the rest would negate it, unless it belongs to `!(…)`.
  const rest = steps
    .slice(known)
    .join('/')
    .replace(/^!(?!\()/, '\\!');
  return { base: paths.followed(steps.slice(0, known).join('/') || '/'), rest };
}
