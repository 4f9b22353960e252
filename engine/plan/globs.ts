// Resolves globs among the dependencies: to files on disk that no stage makes, and to outs of the plan, in a stable order.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Pipeline } from '../config/pipeline.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Warning } from '../warning.ts';
import type { Dependency, Instance } from './instance.ts';
import type { OutIndex } from './out-index.ts';

export interface Globbed {
  readonly instances: readonly Instance[];
  readonly warnings: readonly Warning[];
}

/** Folders whose content is nobody's dependency. */
const passedOver = ['node_modules', '.git', 'cache'];

/** Gives each dependency that is a glob its paths. A path that exists, or that a stage makes, is taken by its letters. */
export async function resolveGlobs(
  instances: readonly Instance[],
  outs: OutIndex,
  pipeline: Pipeline,
  root: string,
  allowMissing = false,
): Promise<Result<Globbed>> {
  const isGlob = ({ paths: [path], list, pattern }: Dependency): boolean => {
    if (list || pattern !== null || !/[*?[{(]/.test(path!) || existsSync(join(root, path!))) return false;
    const made = outs.containing(path!);
    // A file inside an out is not there yet; its name may well have brackets.
    if (made !== undefined) return made.out.path !== path && /[*?]/.test(path!);
    return outs.inside(path!).length === 0;
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
        match = matchOf(pattern, outs, root);
        found.set(pattern, match);
      }
      const { paths, inside } = await match;
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

async function matchOf(pattern: string, outs: OutIndex, root: string): Promise<Match> {
  const [{ glob }, { default: picomatch }] = await Promise.all([import('tinyglobby'), import('picomatch')]);
  const plain = pattern.replace(/^\.\//, '');
  const files = await glob(plain, {
    cwd: root,
    expandDirectories: false,
    ignore: passedOver.map((folder) => `${folder}/**`),
  });
  const isMatch = picomatch(plain);
  const paths = new Set(outs.paths().filter((path) => isMatch(path)));
  let inside = outs.containing(picomatch.scan(plain).base)?.out.path;
  for (const file of files.map((path) => posix.normalize(path))) {
    const around = outs.containing(file);
    if (around === undefined) paths.add(file);
    else if (!paths.has(around.out.path)) inside = around.out.path;
  }
  return { paths: [...paths].sort(byCodeUnit), inside };
}
