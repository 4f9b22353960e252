// Keeps outs off the project's own sources: what people wrote must not give way to what a command makes.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { paramsFile } from '../config/params.ts';
import { pipelineFile } from '../config/pipeline.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import { namesOutput } from '../lock/names-output.ts';
import { lockFile } from '../lock-file.ts';
import { leftoverHint, leftoverText } from '../plan/graph.ts';
import type { Instance, Out } from '../plan/instance.ts';
import type { Made } from '../plan/out-index.ts';
import type { Plan } from '../plan/plan.ts';
import { normalizePath } from '../plan/project-paths.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Workspace } from './workspace.ts';

/**
 * @param codeOf files that an instance's commands run, those too that are outs
 */
export async function checkOutsAreNoSources(
  workspace: Workspace,
  instances: readonly Instance[],
  codeOf: (instance: Instance) => Iterable<string>,
): Promise<Result<void>> {
  const { plan } = workspace;
  const refused = new Map<string, ConfigurationFailure>();
  const refuse = ({ maker, out }: Made, what: string): void => {
    const message = `The out \`${out.path}\` of \`${maker}\` would replace ${what}.`;
    refused.set(
      out.path,
      configuration(message, 'Give the out a path of its own.', plan.pipeline.source.position(out.at)),
    );
  };
  const around = new Map<string, Made | undefined>();
  /** The out that holds a file of the project, also if a link leads to it. */
  const outAround = (file: string): Made | undefined => {
    // Instances often run the same code.
    if (!around.has(file))
      around.set(
        file,
        plan.graph.outs.containing(file) ?? plan.graph.outs.containing(plan.paths.followed(file)),
      );
    return around.get(file);
  };
  for (const file of ownFiles(plan)) {
    const made = outAround(file);
    if (made !== undefined) refuse(made, `the project's own \`${file}\``);
  }
  for (const instance of instances) {
    for (const file of instance.frozen || plan.leftovers.isEmpty ? [] : codeOf(instance)) {
      const left = plan.graph.outs.containing(file) ? undefined : plan.leftovers.containing(file);
      if (left === undefined) continue;
      const message = `\`${instance.stage}\` runs \`${file}\`, ${leftoverText(left, file)}.`;
      const position = plan.pipeline.source.position(['stages', instance.stage, 'cmd']);
      refused.set(file, configuration(message, leftoverHint(left), position));
    }
    // Code that another stage generates is a dependency; code that nothing says is generated is somebody's source.
    const needs = new Set(plan.graph.needs.get(instance.name)!.map(({ name }) => name));
    for (const file of codeOf(instance)) {
      const made = outAround(file);
      if (made !== undefined && !needs.has(made.maker) && !isLocked(workspace, made))
        refuse(made, `\`${file}\`, which \`${instance.name}\` runs`);
    }
  }
  const unknown = instances.flatMap((instance) =>
    instance.outs
      .map((out): Made => ({ maker: instance.name, out }))
      .filter(
        (made) =>
          !isLocked(workspace, made) &&
          !refused.has(made.out.path) &&
          existsSync(join(plan.root, made.out.path)),
      ),
  );
  for (const { made, what } of await sourcesAmong(workspace, unknown)) refuse(made, what);
  return refused.size > 0 ? fail(...refused.values()) : succeed(undefined);
}

/** Files that are the project's, whatever its stages say. */
function ownFiles({ pipeline: { definition }, root, paths }: Plan): string[] {
  const modules = [definition.params, ...Object.values(definition.environment ?? {})];
  return [
    pipelineFile,
    paramsFile,
    lockFile,
    'profiles',
    'package.json',
    ...modules.filter((file) => file !== undefined).map((file) => paths.placed(normalizePath(file))),
  ].filter((file) => existsSync(resolve(root, file)));
}

const isLocked = ({ lock, made }: Workspace, { maker, out }: Made): boolean =>
  lock.blocks.get(maker)?.outs[out.name]?.path === out.path || made.get(out.path) !== undefined;

/** Of outs that exist and that no lock block knows: those that were not made by a run, as far as can be told. */
async function sourcesAmong(
  { root, memo, objects, plan }: Workspace,
  unknown: readonly Made[],
): Promise<{ made: Made; what: string }[]> {
  if (unknown.length === 0) return [];
  const { Repository } = await import('../compare/git.ts');
  const opened = await Repository.open(root);
  const repository = opened.ok ? opened.value : undefined;
  // A block that a merge damaged, or of a stage that was renamed since, names its paths all the same.
  const committed = await repository?.tree('HEAD', 'HEAD').read([lockFile], () => true);
  const locks = [lockText(root), (committed?.ok && committed.value.get(lockFile)) || ''].join('\n');
  const tracked = (await repository?.tracked(unknown.map(({ out }) => out.path))) ?? [];
  const found: { made: Made; what: string }[] = [];
  for (const made of unknown) {
    const { path } = made.out;
    if (namesOutput(locks, path)) continue;
    const source = tracked.find((file) => isWithin(file, path)) ?? depWithin(plan, made.out);
    if (source === undefined) continue;
    const content = await memo.content(root, path);
    if (content !== undefined && (await objects.has(content))) continue;
    const whose = tracked.includes(source) ? 'which git tracks' : 'which a stage reads';
    found.push({ made, what: `\`${source}\`, ${whose} and which no run has made` });
  }
  return found;
}

function lockText(root: string): string {
  try {
    return readFileSync(join(root, lockFile), 'utf8');
  } catch {
    return '';
  }
}

/** A dependency that stands inside an out, though nothing was made there yet. */
function depWithin({ graph, root }: Plan, out: Out): string | undefined {
  const paths = graph.instances.flatMap(({ deps }) => deps.flatMap((dep) => dep.paths));
  return paths.find((path) => path.startsWith(`${out.path}/`) && existsSync(join(root, path)));
}

const isWithin = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`);
