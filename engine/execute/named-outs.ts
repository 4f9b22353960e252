// Refuses commands that name outputs by their path: another stage's without a dependency, or their own instead of the template.
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import type { CommandCode } from '../fingerprint/command-code.ts';
import type { Instance } from '../plan/instance.ts';
import type { Made, OutIndex } from '../plan/out-index.ts';
import type { Plan } from '../plan/plan.ts';
import { fail, type Result, succeed } from '../result.ts';

/**
 * What a command reads must be declared: an output that it names but that is no dependency may be stale, and no edit of it would
 * rerun the stage.
 */
export async function checkNamedOuts(
  { graph, pipeline }: Plan,
  instances: readonly Instance[],
  codes: ReadonlyMap<Instance, CommandCode>,
): Promise<Result<void>> {
  const failures = new Map<string, ConfigurationFailure>();
  for (const instance of instances) {
    const code = codes.get(instance);
    if (instance.frozen || code === undefined) continue;
    const position = pipeline.source.position(['stages', instance.stage, 'cmd']);
    const own = ownOut(instance, code);
    if (own !== undefined) {
      const message = `The command of \`${instance.stage}\` names its own output \`${own.path}\` by its path.`;
      failures.set(message, configuration(message, ownHint(own), position));
    }
    const names = [...code.text.named, ...(await matches(code.text.patterns, graph.outs))];
    for (const path of names) {
      const made = undeclared(path, instance, graph.outs);
      if (made === undefined) continue;
      const message = `The command of \`${instance.stage}\` names \`${path}\`, ${whose(path, made)}, but \`${instance.stage}\` does not depend on it.`;
      const hint = `Add \`${path}\` to \`deps\` of \`${instance.stage}\`, so that it waits for \`${made.maker}\` and runs again when that changes.`;
      failures.set(message, configuration(message, hint, position));
    }
    for (const path of code.text.writes) {
      const made = graph.outs.containing(path);
      if (made === undefined || made.maker === instance.name) continue;
      const message = `The command of \`${instance.stage}\` writes to \`${path}\`, ${whose(path, made)}.`;
      failures.set(message, configuration(message, 'Give it an output of its own.', position));
    }
  }
  return failures.size > 0 ? fail(...failures.values()) : succeed(undefined);
}

const whose = (path: string, { maker, out }: Made): string =>
  out.path === path
    ? `an output of \`${maker}\``
    : path.startsWith(`${out.path}/`)
      ? `a part of \`${out.path}\`, an output of \`${maker}\``
      : `which holds \`${out.path}\`, an output of \`${maker}\``;

/** The output of another stage at `path`, around it or inside it, if no dependency has to do with it. */
function undeclared(path: string, instance: Instance, outs: OutIndex): Made | undefined {
  if (path === '.') return undefined;
  const around = outs.containing(path);
  const made = around === undefined ? outs.inside(path) : [around];
  if (made.length === 0 || made.some(({ maker }) => maker === instance.name)) return undefined;
  return instance.deps.some((dep) => dep.paths.some((other) => overlap(other, path))) ? undefined : made[0];
}

/** The instance's own output that a command names, if no command has the template of it: that is meant to be its place. */
function ownOut(instance: Instance, { text, modules, files, data }: CommandCode): Out | undefined {
  const paths = [...text.named, ...text.writes];
  if (paths.length === 0) return undefined;
  // A script at the path of an output is a source; that is said elsewhere.
  const code = new Set([...modules, ...files]);
  for (const path of data) code.delete(path);
  return instance.outs.find(
    ({ name, path }) =>
      !instance.cmds.some((cmd) => cmd.includes(`\${outs.${name}}`)) &&
      paths.some((other) => isWithin(other, path) && !code.has(other)),
  );
}

type Out = Instance['outs'][number];

const ownHint = ({ name, path }: Out): string =>
  `If the command makes it, write \`\${outs.${name}}\` in its place: the engine puts what is made there to \`${path}\`. If the command only reads it, give the output a path of its own.`;

/** Outputs that patterns of the shell match. */
async function matches(patterns: readonly string[], outs: OutIndex): Promise<string[]> {
  if (patterns.length === 0) return [];
  const { default: picomatch } = await import('picomatch');
  const isMatch = picomatch([...patterns]);
  return outs.paths().filter((path) => isMatch(path));
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

const overlap = (one: string, other: string): boolean => isWithin(one, other) || isWithin(other, one);
