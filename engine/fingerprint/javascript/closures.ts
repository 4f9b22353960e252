// Computes the closures of scripts in TypeScript and JavaScript: of each module that they run, what is used of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigurationFailure } from '../../failure.ts';
import { byCodeUnit } from '../../order.ts';
import { fail, type Result, succeed } from '../../result.ts';
import { hashFile, sha256 } from '../../store/tree.ts';
import type { CodeClosure } from '../code-closure.ts';
import type { Input, InputStates } from './inputs.ts';
import type { Linked } from './link.ts';
import { Modules } from './modules.ts';
import { PackageVersions } from './package-versions.ts';
import { Resolver } from './resolve.ts';

/**
 * Closures of `scripts`, by script; or the imports that mean nothing. A script's closure is the same whichever others are
 * computed along with it.
 */
export async function closuresOf(
  root: string,
  scripts: readonly string[],
  states: InputStates,
  isMade: (path: string) => boolean,
): Promise<Result<Record<string, Omit<CodeClosure, 'settled'>>>> {
  const resolver = new Resolver(root);
  const modules = new Modules(resolver, states, isMade);
  const versions = new PackageVersions(resolver);
  const files = scripts.map((script) => resolver.real(join(resolver.root, script)));
  // A file of an installed package stands for the package.
  const installed = files.map((file) => resolver.installed(file));
  await modules.load(files.filter((_, i) => installed[i] === undefined));
  const closures: Record<string, Omit<CodeClosure, 'settled'>> = {};
  const failures = new Map<string, ConfigurationFailure>();
  for (const [i, script] of scripts.entries()) {
    const folder = installed[i];
    if (folder !== undefined) {
      const looked = new Set<Input>([script]);
      const packages = sorted(versions.of([folder], (input) => looked.add(input)));
      closures[script] = { code: {}, packages, computed: [], inputs: statesOf(looked, states) };
      continue;
    }
    const linked = modules.linker.link(files[i]!);
    for (const failure of notFound(linked)) failures.set(JSON.stringify(failure), failure);
    const inputs = modules.inputsOf(files[i]!).add(script);
    const folders = linked.packages.flatMap(({ folder }) => folder ?? []);
    const packages = versions.of(folders, (input) => inputs.add(input));
    for (const { name, folder } of linked.packages) if (folder === undefined) packages.set(name, 'unknown');
    const assets = await Promise.all(
      [...linked.assets].map(
        async ([file, as]) => [resolver.shown(file), await assetHash(file, as)] as const,
      ),
    );
    closures[script] = {
      code: sorted([...Object.entries(linked.code), ...assets]),
      packages: sorted(packages),
      computed: linked.computed,
      inputs: statesOf(inputs, states),
    };
  }
  return failures.size > 0 ? fail(...failures.values()) : succeed(closures);
}

const statesOf = (inputs: ReadonlySet<Input>, states: InputStates): Record<Input, string> =>
  sorted([...inputs].map((input) => [input, states.of(input)]));

const sorted = (entries: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...entries].sort(([a], [b]) => byCodeUnit(a, b)));

/** Of JSON that is imported, the formatting does not count. */
async function assetHash(file: string, as: 'data' | 'bytes'): Promise<string> {
  if (as === 'data' && file.endsWith('.json'))
    try {
      return sha256(JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))));
    } catch {
      // Whoever imports it will say what is wrong with it.
    }
  return (await hashFile(file)).hash;
}

/** The imports of files that are not there. */
function notFound({ missing }: Linked): ConfigurationFailure[] {
  return missing.map(({ module: { shown, text }, specifier }) => {
    const message = `Could not resolve ${JSON.stringify(specifier)}.`;
    const found = [`'${specifier}'`, `"${specifier}"`]
      .map((quoted) => text.indexOf(quoted))
      .filter((at) => at >= 0);
    if (found.length === 0) return { reason: 'configuration', message: `${shown}: ${message}` };
    const at = Math.min(...found);
    const before = text.slice(0, at).split('\n');
    const line = text.split('\n')[before.length - 1]!;
    const position = {
      file: shown,
      line: before.length,
      column: before.at(-1)!.length + 1,
      length: specifier.length + 2,
      text: line,
    };
    return { reason: 'configuration', message, position };
  });
}
