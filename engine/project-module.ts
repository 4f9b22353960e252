// Imports a module of the project, TypeScript too: compiled once, and kept for as long as its code is the same.
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { CodeClosures } from './fingerprint/code-closure.ts';
import { FileClock } from './store/file-clock.ts';
import { writeFileAtomic } from './store/files.ts';
import { sha256 } from './store/tree.ts';

/** Where compiled modules are kept, relative to the project; deleting it costs time and nothing else. */
const modulesFolder = join('cache', 'memo', 'modules');

/** A compiled module, ready to be imported. */
export interface CompiledModule {
  readonly file: string;
  /** Hash of all code that it runs, and of the versions of the packages that this needs. */
  readonly key: string;
}

/** Imports the module at `path`, relative to the project. */
export async function importProjectModule<T>(root: string, path: string): Promise<T> {
  const compiled = await compileProjectModule(root, path);
  if (compiled !== undefined) return (await import(pathToFileURL(compiled.file).href)) as T;
  // It can't be compiled, or not be kept: its own error is the best message.
  const { register } = await import('tsx/esm/api');
  const unregister = register();
  try {
    return (await import(pathToFileURL(resolve(root, path)).href)) as T;
  } finally {
    await unregister();
  }
}

/** What an import failed with, without paths of the machine. */
export function importErrorText(error: unknown, root: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Transform failed with .*:\n/, '').replaceAll(`${root}/`, '');
}

/** Compiles the module at `path` unless that was done before; undefined if that fails. */
export async function compileProjectModule(root: string, path: string): Promise<CompiledModule | undefined> {
  const clock = new FileClock(join(root, 'cache', 'memo'));
  const closures = new CodeClosures(root, join(root, modulesFolder, 'code.json'), clock, () => false);
  try {
    const found = await closures.of([path]);
    const closure = found.ok ? found.value.get(path)! : undefined;
    if (closure === undefined) return undefined;
    // The compiled code holds absolute paths.
    const key = sha256(JSON.stringify([root, closure.code, closure.packages]));
    const folder = join(root, modulesFolder, key.slice(0, 32));
    const file = join(folder, `${basename(path, extname(path))}.mjs`);
    if (existsSync(file)) return { file, key };
    const outputs = await compile(root, path);
    if ((await closures.changed(path, closure)) !== undefined) return undefined;
    await keep(outputs, folder);
    return { file, key };
  } catch {
    return undefined;
  }
}

/** Compiled files by their names. */
type Outputs = readonly (readonly [name: string, text: string])[];

async function compile(root: string, path: string): Promise<Outputs> {
  const { build } = await import('esbuild');
  const tsconfig = join(root, 'tsconfig.json');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    outdir: 'out',
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    splitting: true, // what the module imports lazily stays so
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    logLevel: 'silent',
    ignoreAnnotations: true, // Node runs what `sideEffects` and annotations call pure
    ...(existsSync(tsconfig) ? { tsconfig } : { tsconfigRaw: {} }),
    plugins: [await resolvedAsCode(root), ownUrl],
  });
  return outputFiles.map(({ path: output, text }) => [relative(join(root, 'out'), output), text] as const);
}

async function keep(outputs: Outputs, folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}.tmp`;
  try {
    for (const [name, text] of outputs)
      await writeFileAtomic(join(unfinished, name), text, { durable: false });
    await rename(unfinished, folder).catch((error: Error) => {
      if (!existsSync(folder)) throw error; // else another process was first
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Compiles the same modules that count as code, and leaves packages to Node. */
async function resolvedAsCode(root: string): Promise<Plugin> {
  const { Resolver } = await import('./fingerprint/javascript/resolve.ts');
  const resolver = new Resolver(root);
  return {
    name: 'resolved-as-code',
    setup: (build) =>
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return undefined;
        const by = kind === 'require-call' || kind === 'require-resolve' ? 'require' : 'import';
        const [target] = resolver.resolve(path, importer, by, () => undefined);
        return target?.is === 'file' ? { path: target.file } : { path, external: true };
      }),
  };
}

/** A module goes on to find its neighbours where its source lies. */
const ownUrl: Plugin = {
  name: 'own-url',
  setup: (build) =>
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, ({ path }) => {
      const places = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) };
      return {
        contents: readFileSync(path, 'utf8').replaceAll(
          /\bimport\.meta\.(url|filename|dirname)\b/g,
          (_, name: keyof typeof places) => JSON.stringify(places[name]),
        ),
        loader: path.endsWith('x') ? 'tsx' : 'ts',
      };
    }),
};
