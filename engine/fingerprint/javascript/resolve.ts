// Finds the file or package that an import means, as Node and tsx do, and says what was looked at on the way.
import { realpathSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPathsMatcher, getTsconfig, type PathsMatcher } from 'get-tsconfig';
import { resolveExports, resolveImports } from 'resolve-pkg-maps';
import { readJson } from '../../store/files.ts';
import type { Input } from './inputs.ts';
import { packageName } from './package-name.ts';

export type Target =
  | { readonly is: 'file'; readonly file: string }
  /** @param folder of the package, as Node finds it, before links are resolved; undefined if it is not installed */
  | {
      readonly is: 'package';
      readonly specifier: string;
      readonly name: string;
      readonly folder: string | undefined;
    }
  | { readonly is: 'builtin'; readonly specifier: string };

export type By = 'import' | 'require';

/** Is told of each input that a resolution rests on. */
export type Note = (input: Input) => void;

interface Manifest {
  readonly folder: string;
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly type?: string;
  readonly exports?: Parameters<typeof resolveExports>[0];
  readonly imports?: Parameters<typeof resolveImports>[0];
}

interface Tsconfig {
  readonly files: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly match: PathsMatcher | null;
}

const sourcesOf: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx', '.jsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
  '.jsx': ['.tsx', '.ts'],
};
const typescriptEndings = ['.ts', '.tsx', '.mts', '.cts'];
const javascriptEndings = ['.js', '.json', '.node', '.jsx', '.mjs', '.cjs'];

const conditions: Readonly<Record<By, readonly string[]>> = {
  import: ['node', 'import', 'node-addons', 'module-sync'],
  require: ['node', 'require', 'node-addons', 'module-sync'],
};

/** Options of tsconfig.json that change what TypeScript compiles to. */
const compilerOptions = [
  'experimentalDecorators',
  'useDefineForClassFields',
  'target',
  'jsx',
  'jsxFactory',
  'jsxFragmentFactory',
  'jsxImportSource',
  'verbatimModuleSyntax',
  'importsNotUsedAsValues',
  'preserveValueImports',
];

export class Resolver {
  /** The project's folder, without links. */
  readonly root: string;
  readonly #tsconfigs = new Map<string, Tsconfig>();
  readonly #manifests = new Map<string, Manifest | undefined>();

  constructor(root: string) {
    this.root = realpathSync.native(root);
  }

  /** A path as inputs and fingerprints name it: relative to the project, with `/`. */
  shown(path: string): string {
    return relative(this.root, path).split(sep).join('/');
  }

  /** A script's path without links, as Node takes it. */
  real(path: string): string {
    return realpathSync.native(path);
  }

  /** Folder of the installed package that a file belongs to. */
  installed(file: string): string | undefined {
    const [target] = this.asset(file, () => undefined);
    return target?.is === 'package' ? target.folder : undefined;
  }

  /** What a specifier may mean to `from`; nothing if it means nothing that is there. */
  resolve(specifier: string, from: string, by: By, note: Note): readonly Target[] {
    if (isBuiltin(specifier)) return [{ is: 'builtin', specifier }];
    if (/^(data|https?):/.test(specifier)) return [];
    if (specifier.startsWith('file:')) return this.file(pathOfUrl(specifier), from, note);
    const written = specifier.replace(/[?#].*$/s, '') || specifier;
    if (/^\.{0,2}\//.test(written) || written === '.' || written === '..')
      return this.file(resolve(dirname(from), written), from, note);
    if (specifier.startsWith('#')) {
      const mapped = this.#imports(specifier, from, by, note);
      if (mapped.length > 0) return mapped;
    }
    // Only tsx follows `paths`; without it, Node finds the package of that name.
    const aliased = this.#aliased(specifier, from, note);
    return [...aliased, ...this.#package(specifier, from, by, note)];
  }

  /** The file that an absolute path means, with the endings and index files that Node and tsx try. */
  file(path: string, from: string, note: Note): readonly Target[] {
    const files = this.#candidates(path, from, note);
    return files.map((file) => this.#real(file, note));
  }

  /** The file at a path, if there is one. */
  asset(path: string, note: Note): readonly Target[] {
    return isFile(path) ? [this.#real(path, note)] : [];
  }

  /** Options that say how a file is compiled, and what they came from. */
  compilerOptions(file: string, note: Note): Readonly<Record<string, unknown>> {
    const project = this.#tsconfig(this.root, note);
    return project.files.length > 0 ? project.options : this.#tsconfig(dirname(file), note).options;
  }

  /** The manifest that a file's `type` and `imports` come from. */
  manifestOf(file: string, note: Note): Manifest | undefined {
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const manifest = this.#manifest(folder, note);
      if (manifest !== undefined || folder === dirname(folder) || basename(folder) === 'node_modules')
        return manifest;
    }
  }

  #candidates(path: string, from: string, note: Note): string[] {
    note(`${this.shown(dirname(path)) || '.'}/`);
    const ending = extname(path);
    const stem = path.slice(0, path.length - ending.length);
    const sources = (sourcesOf[ending] ?? []).map((other) => stem + other).filter(isFile);
    if (isFile(path)) return isTypescript(from) ? [...sources.slice(0, 1), path] : [path];
    if (sources.length > 0) return sources.slice(0, 1);
    const appended = (endings: readonly string[]): string[] =>
      endings
        .map((other) => path + other)
        .filter(isFile)
        .slice(0, 1);
    const completed = [...appended(typescriptEndings), ...appended(javascriptEndings)];
    if (completed.length > 0 || !isFolder(path)) return completed;
    note(`${this.shown(path) || '.'}/`);
    const main = this.#manifest(path, note)?.main;
    const found = main === undefined ? [] : this.#candidates(resolve(path, main), from, note);
    if (found.length > 0 || basename(path) === 'index') return found;
    return this.#candidates(join(path, 'index'), from, note);
  }

  /** Node takes a file's real path; one in a package belongs to that. */
  #real(file: string, note: Note): Target {
    const real = realpathSync.native(file);
    if (real !== file) note(this.shown(file));
    const at = real.lastIndexOf(`${sep}node_modules${sep}`);
    if (at < 0) return { is: 'file', file: real };
    const name = packageName(
      real
        .slice(at + '/node_modules/'.length)
        .split(sep)
        .join('/'),
    );
    const folder = join(real.slice(0, at), 'node_modules', name);
    if (this.#manifest(folder, note)?.version === undefined) return { is: 'file', file: real };
    return { is: 'package', specifier: name, name, folder };
  }

  #imports(specifier: string, from: string, by: By, note: Note): readonly Target[] {
    const manifest = this.manifestOf(from, note);
    if (manifest?.imports === undefined) return [];
    return orNone(() => resolveImports(manifest.imports!, specifier, conditions[by])).flatMap((target) =>
      target.startsWith('./')
        ? this.file(join(manifest.folder, target), from, note)
        : this.resolve(target, join(manifest.folder, 'package.json'), by, note),
    );
  }

  #aliased(specifier: string, from: string, note: Note): readonly Target[] {
    const configurations = new Set([this.#tsconfig(this.root, note), this.#tsconfig(dirname(from), note)]);
    for (const { match } of configurations)
      for (const path of match?.(specifier) ?? []) {
        const found = this.file(path, from, note);
        if (found.length > 0) return found;
      }
    return [];
  }

  #package(specifier: string, from: string, by: By, note: Note): readonly Target[] {
    const name = packageName(specifier);
    const subpath = specifier.slice(name.length + 1);
    const own = this.manifestOf(from, note);
    if (own?.name === name && own.exports !== undefined)
      return this.#entry(own.folder, subpath, from, by, note);
    const folder = this.packageFolder(name, dirname(from), note);
    if (folder === undefined) return [{ is: 'package', specifier, name, folder }];
    const real = realpathSync.native(folder);
    const isInstalled = real.includes(`${sep}node_modules${sep}`);
    // A package that is linked, and one that has no version to count by, is code like that of the project.
    if (isInstalled && this.#manifest(real, note)?.version !== undefined)
      return [{ is: 'package', specifier, name, folder }];
    return this.#entry(real, subpath, from, by, note);
  }

  /** The folder in which Node finds a package. */
  packageFolder(name: string, from: string, note: Note): string | undefined {
    for (let folder = from; ; folder = dirname(folder)) {
      if (basename(folder) !== 'node_modules') {
        const found = join(folder, 'node_modules', name);
        note(this.shown(join(found, 'package.json')));
        if (isFolder(found)) return found;
      }
      if (folder === dirname(folder)) return undefined;
    }
  }

  #entry(folder: string, subpath: string, from: string, by: By, note: Note): readonly Target[] {
    const manifest = this.#manifest(folder, note);
    if (manifest?.exports === undefined) return this.file(join(folder, subpath), from, note);
    const targets = orNone(() => resolveExports(manifest.exports!, subpath, conditions[by]));
    return targets.flatMap((target) => this.file(join(folder, target), from, note)).slice(0, 2);
  }

  #manifest(folder: string, note: Note): Manifest | undefined {
    const file = join(folder, 'package.json');
    note(this.shown(file));
    if (!this.#manifests.has(folder)) {
      const manifest = readJson<Omit<Manifest, 'folder'>>(file);
      this.#manifests.set(folder, manifest === undefined ? undefined : { ...manifest, folder });
    }
    return this.#manifests.get(folder);
  }

  #tsconfig(folder: string, note: Note): Tsconfig {
    let found = this.#tsconfigs.get(folder);
    if (found === undefined) {
      found = readTsconfig(folder);
      this.#tsconfigs.set(folder, found);
    }
    for (const file of found.files) note(this.shown(file));
    // One that appears nearer than this is noticed.
    const nearest = found.files[0] === undefined ? this.root : dirname(found.files[0]);
    for (let at = folder; at !== nearest && at.startsWith(this.root); at = dirname(at))
      note(this.shown(join(at, 'tsconfig.json')));
    if (found.files.length === 0) note('tsconfig.json');
    return found;
  }
}

function readTsconfig(folder: string): Tsconfig {
  const cache = new Map<string, unknown>();
  try {
    const found = getTsconfig(folder, 'tsconfig.json', cache);
    if (found === null) return { files: [], options: {}, match: null };
    const given = found.config.compilerOptions ?? {};
    const options = Object.fromEntries(
      Object.entries(given).filter(([name]) => compilerOptions.includes(name)),
    );
    // The cache names each file that was read: those that it extends, too.
    const read = [...cache.keys()].flatMap((call) => /^readFileSync:(.*):utf8$/s.exec(call)?.[1] ?? []);
    return {
      files: [found.path, ...read.filter((file) => file !== found.path)],
      options,
      match: createPathsMatcher(found),
    };
  } catch {
    // tsx will say what is wrong with it.
    return { files: [join(folder, 'tsconfig.json')], options: {}, match: null };
  }
}

const isTypescript = (file: string): boolean => /\.[cm]?tsx?$/.test(file);
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/** What can't be found is left to Node, whose error is the better one. */
function orNone<T>(find: () => readonly T[]): readonly T[] {
  try {
    return find();
  } catch {
    return [];
  }
}
