// The project's files as one look sees them: what stands at a path, and what a folder holds. Each is asked once.
import { readdirSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { isOutside, normalizePath, type ProjectPaths } from '../plan/project-paths.ts';

/** Folders whose files belong to no command: the engine's, git's, and installed packages. */
const others =
  /(?:^|\/)(?:\.git|node_modules|\.?venv|\.[tn]ox|site-packages|dist-packages|__pycache__)(?:\/|$)|^cache(?:\/|$)/;

/** Listing a folder takes about as long as so many looks, unless it is very large. */
const looksBeforeList = 30;

export class ProjectFiles {
  readonly root: string;
  readonly #project: ProjectPaths;
  readonly #paths = new Map<string, string | undefined>();
  readonly #kinds = new Map<string, 'file' | 'folder' | undefined>();
  /** Folder → how often something was looked for in it. */
  readonly #looks = new Map<string, number>();
  /** Folder → the names in it, in small letters. */
  readonly #listed = new Map<string, ReadonlySet<string>>();
  readonly #sizes = new Map<string, number>();
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly #binaries = new Map<string, readonly string[]>();

  constructor(root: string, paths: ProjectPaths) {
    this.root = root;
    this.#project = paths;
  }

  /**
   * The path, in the one form that paths have, that a word means in a folder; undefined if that lies outside of the project or in a
   * folder that holds nobody's code.
   */
  pathOf(folder: string, word: string): string | undefined {
    const key = `${folder}\0${word}`;
    if (this.#paths.has(key)) return this.#paths.get(key);
    const path = this.#find(folder, word);
    this.#paths.set(key, path);
    return path;
  }

  #find(folder: string, word: string): string | undefined {
    if (word === '' || word.includes('\0')) return undefined;
    const placed = this.#project.placed(normalizePath(word, folder));
    if (isOutside(placed)) return undefined;
    const path = this.#project.followed(placed);
    return others.test(path) ? undefined : path;
  }

  /** What stands at a path of the project; links are followed. */
  kind(path: string): 'file' | 'folder' | undefined {
    if (this.#kinds.has(path)) return this.#kinds.get(path);
    const kind = this.#isListed(path) ? this.#look(path) : undefined;
    this.#kinds.set(path, kind);
    return kind;
  }

  /** Whether something may stand there. A folder in which much is looked for is listed, once: most words name nothing. */
  #isListed(path: string): boolean {
    const folder = posix.dirname(path);
    const looks = (this.#looks.get(folder) ?? 0) + 1;
    this.#looks.set(folder, looks);
    const name = posix.basename(path);
    // Only for plain names it is known how file systems compare them.
    if (looks <= looksBeforeList || !/^[\x20-\x7e]+$/.test(name)) return true;
    let listed = this.#listed.get(folder);
    if (listed === undefined) {
      listed = new Set([...this.names(folder)].map((each) => each.toLowerCase()));
      this.#listed.set(folder, listed);
    }
    return listed.has(name.toLowerCase());
  }

  #look(path: string): 'file' | 'folder' | undefined {
    try {
      const stat = statSync(posix.join(this.root, path), { throwIfNoEntry: false });
      if (stat !== undefined) this.#sizes.set(path, stat.size);
      return stat?.isFile() === true ? 'file' : stat?.isDirectory() === true ? 'folder' : undefined;
    } catch {
      return undefined; // a file where a folder should be, a name that is too long: nothing is there
    }
  }

  /** Bytes of the file at a path that was looked at. */
  size(path: string): number {
    return this.kind(path) === 'file' ? (this.#sizes.get(path) ?? 0) : 0;
  }

  /** Names in a folder; none if it can't be listed. */
  names(folder: string): ReadonlySet<string> {
    let names = this.#names.get(folder);
    if (names === undefined) {
      try {
        names = new Set(readdirSync(posix.join(this.root, folder)));
      } catch {
        names = new Set<string>();
      }
      this.#names.set(folder, names);
    }
    return names;
  }

  /** Names in a folder of what Python imports without a source. */
  binaries(folder: string): readonly string[] {
    let binaries = this.#binaries.get(folder);
    if (binaries === undefined) {
      binaries = [...this.names(folder)].filter((name) => /\.(?:so|pyd|pyc)$/.test(name));
      this.#binaries.set(folder, binaries);
    }
    return binaries;
  }
}
