// Imports a module of the project, TypeScript too: compiled once, and kept for as long as none of its files changes.
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Metafile, Plugin } from 'esbuild';
import { FileClock, settledBefore } from './store/file-clock.ts';
import { readJson, writeFileAtomic } from './store/files.ts';
import { changedAt, lookAt, stampAt } from './store/stamp.ts';
import { sha256 } from './store/tree.ts';

/** Where compiled modules are kept, relative to the project; deleting it costs time and nothing else. */
const modulesFolder = join('cache', 'memo', 'modules');

/** A compiled module, ready to be imported. */
export interface CompiledModule {
  readonly file: string;
  /** Hash of all its code, and of the manifests of the packages that it imports: what it does hangs on nothing else. */
  readonly key: string;
}

/** A compiled module, and the state of the files that it was made of. */
interface Remembered extends CompiledModule {
  readonly inputs: Readonly<Record<string, string>>;
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

/** Compiles the module at `path` unless that was done before; undefined where that fails. */
export async function compileProjectModule(root: string, path: string): Promise<CompiledModule | undefined> {
  const memo = join(root, modulesFolder, `${sha256(path).slice(0, 16)}.json`);
  const known = readJson<Remembered>(memo);
  if (known !== undefined && isCurrent(root, known)) return known;
  try {
    const moment = new FileClock(join(root, 'cache', 'memo')).now();
    const compiled = await compile(root, path);
    // A file that has changed since may have done so before or after it was read.
    const isSettled = Object.keys(compiled.inputs).every((input) => {
      const found = lookAt(join(root, input));
      return found === undefined || changedAt(found.stamp) < settledBefore(moment, [found.stat.dev]);
    });
    if (isSettled) await writeFileAtomic(memo, JSON.stringify(compiled), { durable: false });
    return compiled;
  } catch {
    return undefined;
  }
}

const isCurrent = (root: string, { file, inputs }: Remembered): boolean =>
  existsSync(file) && Object.entries(inputs).every(([input, state]) => stampAt(join(root, input)) === state);

async function compile(root: string, path: string): Promise<Remembered> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    outdir: 'out',
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    splitting: true, // what the module imports lazily stays so
    packages: 'external',
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    logLevel: 'silent',
    tsconfigRaw: {},
    plugins: [ownUrl(root)],
  });
  const files = [...Object.keys(metafile.inputs), ...manifestsOf(metafile)];
  const inputs = Object.fromEntries(files.map((file) => [file, stampAt(join(root, file))]));
  const outputs = outputFiles.map(
    ({ path: output, text }) => [relative(join(root, 'out'), output), text] as const,
  );
  const manifests = manifestsOf(metafile).map((file) => readFileSync(join(root, file), 'utf8'));
  const key = sha256(JSON.stringify([outputs, manifests]));
  const folder = join(root, modulesFolder, key.slice(0, 32));
  if (!existsSync(folder)) {
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
  return { file: join(folder, `${basename(path, extname(path))}.mjs`), key, inputs };
}

/** A module goes on to find its neighbours where its source lies. */
const ownUrl = (root: string): Plugin => ({
  name: 'own-url',
  setup: (build) =>
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(join(root, relative(root, path))).href),
      ),
      loader: path.endsWith('x') ? 'tsx' : 'ts',
    })),
});

/** The manifests of the packages that the compiled code imports. */
function manifestsOf({ outputs }: Metafile): string[] {
  const names = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external === true && !isBuiltin(path))
    .map(({ path }) =>
      path
        .split('/')
        .slice(0, path.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  return [...new Set(names)].sort().map((name) => join('node_modules', name, 'package.json'));
}
