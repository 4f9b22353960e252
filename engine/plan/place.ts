// Gives the paths of all instances their one form, so that from here on equal texts are equal paths and others are not.
import type { Pipeline } from '../config/pipeline.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Instance } from './instance.ts';
import { isOutside, type ProjectPaths } from './project-paths.ts';

/** The instances with all paths relative to the project, as far as they lie in it. */
export function placeAll(
  instances: readonly Instance[],
  pipeline: Pipeline,
  paths: ProjectPaths,
): Result<Instance[]> {
  const failures = new Map<string, ConfigurationFailure>();
  const placed = instances.map((instance) => {
    const result = place(instance, paths);
    if (isOutside(result.wdir)) {
      const message = `The wdir \`${pipeline.definition.stages[instance.stage]?.wdir}\` lies outside the project.`;
      const at = pipeline.source.position(['stages', instance.stage, 'wdir']);
      failures.set(message, configuration(message, undefined, at));
    }
    for (const dep of result.deps.filter((dep) => dep.paths.some((path) => paths.holdsProject(path)))) {
      const message = `\`${instance.stage}\` depends on a folder that holds the whole project, which every run changes.`;
      const hint = 'Name the files and folders that it reads.';
      failures.set(message, configuration(message, hint, pipeline.source.position(dep.at)));
    }
    return result;
  });
  return failures.size > 0 ? fail(...failures.values()) : succeed(placed);
}

/** Absolute paths, `../thisproject/a` and a wdir that is a link become relative to the project. */
export function place(instance: Instance, paths: ProjectPaths): Instance {
  const outs = sameIfEqual(instance.outs, (out) => {
    const path = paths.placed(out.path);
    return path === out.path ? out : { ...out, path };
  });
  const deps = sameIfEqual(instance.deps, (dep) => {
    const placed = sameIfEqual(dep.paths, (path) => paths.placed(path));
    return placed === dep.paths ? dep : { ...dep, paths: placed };
  });
  const wdir = instance.wdir === '.' ? '.' : paths.real(instance.wdir);
  return outs === instance.outs && deps === instance.deps && wdir === instance.wdir
    ? instance
    : { ...instance, outs, deps, wdir };
}

/**
 * The instance with dependencies that are links, or lie behind one, named by what they lead to. An out keeps its path: what
 * is there on disk is replaced.
 */
export function follow(instance: Instance, paths: ProjectPaths): Instance {
  const deps = sameIfEqual(instance.deps, (dep) => {
    if (dep.pattern !== null) return dep; // the outs of a stage have their paths already
    const followed = sameIfEqual(dep.paths, (path) => paths.followed(path));
    return followed === dep.paths ? dep : { ...dep, paths: followed };
  });
  return deps === instance.deps ? instance : { ...instance, deps };
}

/** Maps a list, and gives the list itself if nothing changed: thousands of instances need no copy. */
function sameIfEqual<T>(list: readonly T[], map: (element: T) => T): readonly T[] {
  const mapped = list.map(map);
  return mapped.every((element, i) => element === list[i]) ? list : mapped;
}
