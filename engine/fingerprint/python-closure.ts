// Finds the project's files that a Python program imports, as Python's import system looks for them.
import { posix } from 'node:path';
import { byCodeUnit } from '../order.ts';
import type { ProjectFiles } from './project-files.ts';
import type { PythonImport, PythonReferences, SearchFolder } from './python-imports.ts';

/** How a command starts Python. */
export interface PythonProgram {
  /** A file, a module's dotted name, or source text. */
  readonly file?: string;
  readonly module?: string;
  readonly text?: PythonReferences;
  /** Folders that the command may run in. */
  readonly folders: readonly string[];
  /** Folders of PYTHONPATH. */
  readonly search: readonly string[];
}

export interface PythonClosure {
  /** Paths of all modules, in code-unit order. */
  readonly files: readonly string[];
  /** String literals that may name further files, with the folders that they may be relative to. */
  readonly strings: readonly { readonly text: string; readonly folders: readonly string[] }[];
  /** A file that imports modules whose names it computes. */
  readonly computed?: string;
  /** Whether the program itself is a file of the project. */
  readonly found: boolean;
}

/**
 * The closure of a program.
 * @param read gives what a file refers to; undefined if it is no Python source
 */
export async function pythonClosure(
  program: PythonProgram,
  files: ProjectFiles,
  read: (path: string) => Promise<PythonReferences | undefined>,
): Promise<PythonClosure> {
  const search = new Search(program, files);
  const start = program.module === undefined ? [] : search.program(program.module);
  if (program.file !== undefined) start.push(program.file);
  const texts: [string, PythonReferences][] = program.text === undefined ? [] : [['', program.text]];
  const known = new Map<string, PythonReferences>(texts);
  const found = new Set(start);
  // A folder that joins the search path may hold what an earlier import did not find: look again until nothing is new.
  for (let before = -1; before !== found.size + search.size; ) {
    before = found.size + search.size;
    for (const path of found) {
      if (!known.has(path)) {
        const references = await read(path);
        if (references === undefined) continue;
        known.set(path, references);
      }
      for (const file of search.imported(path, known.get(path)!)) found.add(file);
    }
    if (program.text !== undefined) for (const file of search.imported('', program.text)) found.add(file);
  }
  const computed = [...known].find(([, references]) => references.computed === true)?.[0];
  return {
    files: [...found].sort(byCodeUnit),
    strings: [...known].flatMap(([path, { strings }]) =>
      strings.map((text) => ({ text, folders: [...program.folders, posix.dirname(path)] })),
    ),
    ...(computed === undefined ? {} : { computed }),
    found: start.length > 0,
  };
}

/** The folders in which Python looks for modules. */
class Search {
  readonly #files: ProjectFiles;
  readonly #folders: Set<string>;
  readonly #start: readonly string[];

  constructor({ file, folders, search }: PythonProgram, files: ProjectFiles) {
    this.#files = files;
    this.#start = folders;
    // The script's own folder comes first, or with `-m` the one that the command runs in. What is installed from the
    // project in editable mode is found in its root or in src. More folders than Python has only mean more files that count.
    this.#folders = new Set([
      ...(file === undefined ? [] : [posix.dirname(file)]),
      ...folders,
      ...search,
      '.',
      ...(files.kind('src') === 'folder' ? ['src'] : []),
    ]);
  }

  get size(): number {
    return this.#folders.size;
  }

  /** Files that run for `python -m module`. */
  program(module: string): string[] {
    const own = this.#absolute(module);
    const main = this.#absolute(`${module}.__main__`);
    return [...new Set([...own, ...main])];
  }

  /** Files that a source imports, after its own changes of the search path. */
  imported(path: string, { imports, search }: PythonReferences): string[] {
    for (const folder of search) this.#add(folder, path);
    return imports.flatMap((each) => this.#resolve(each, posix.dirname(path)));
  }

  #add({ above, steps }: SearchFolder, path: string): void {
    // The literals may be one path in steps, or several paths.
    for (const ways of [[steps.join('/')], steps]) {
      for (const way of ways) {
        const bases = above === null ? this.#start : [posix.join(path, ...Array<string>(above).fill('..'))];
        for (const base of bases) {
          const folder = this.#files.pathOf(base, way === '' ? '.' : way);
          if (folder !== undefined && this.#files.kind(folder) === 'folder') this.#folders.add(folder);
        }
      }
    }
  }

  #resolve({ level, module, names }: PythonImport, folder: string): string[] {
    const steps = module === '' ? [] : module.split('.');
    if (level === 0) return [...this.#folders].flatMap((from) => this.#within(from, steps, names));
    const from = posix.join(folder, ...Array<string>(level - 1).fill('..'));
    if (from === '..' || from.startsWith('../')) return [];
    const own = steps.length === 0 && this.#files.names(from).has('__init__.py');
    return [...(own ? [posix.join(from, '__init__.py')] : []), ...this.#within(from, steps, names)];
  }

  #absolute(module: string): string[] {
    return [...this.#folders].flatMap((from) => this.#within(from, module.split('.'), []));
  }

  /** Files of the module at `steps` below a folder, of the packages around it, and of the modules in it that `names` may mean. */
  #within(from: string, steps: readonly string[], names: readonly string[]): string[] {
    const files: string[] = [];
    let folder = from;
    for (const step of steps) {
      const { own, inside } = this.#step(folder, step);
      files.push(...own);
      // A name that leads nowhere here is an installed package, or one of another folder.
      if (inside === undefined) return step === steps.at(-1) ? files : own.length > 0 ? files : [];
      folder = inside;
    }
    for (const name of names) {
      if (name !== '*') files.push(...this.#step(folder, name).own);
      else
        for (const each of this.#files.names(folder))
          if (/\.(?:py|so|pyd)$/.test(each)) files.push(posix.join(folder, each));
          else if (names.length === 1 && steps.length > 0) {
            const init = posix.join(folder, each, '__init__.py');
            if (!each.includes('.') && this.#files.kind(init) === 'file') files.push(init);
          }
    }
    return files;
  }

  /** A module or package of that name in a folder: a package, an extension, a source; at last a folder without `__init__.py`. */
  #step(folder: string, name: string): { own: string[]; inside: string | undefined } {
    const names = this.#files.names(folder);
    const path = posix.join(folder, name);
    const inside = names.has(name) && this.#files.kind(path) === 'folder' ? path : undefined;
    if (inside !== undefined && this.#files.names(inside).has('__init__.py'))
      return { own: [posix.join(inside, '__init__.py')], inside };
    const own = this.#files.binaries(folder).filter((file) => file.startsWith(`${name}.`));
    if (names.has(`${name}.py`)) own.push(`${name}.py`);
    if (own.length > 0) return { own: own.map((file) => posix.join(folder, file)), inside: undefined };
    return { own: [], inside };
  }
}
