// One form for each path: relative to the project, without `.`, `..`, doubled or trailing slashes, and without symbolic links.
import { readlinkSync, statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { lookAt, lstatIfThere } from '../store/stamp.ts';

/**
 * The path as text alone allows: `./a//b/../c/` becomes `a/c`.
 * @param folder that a relative path starts from, itself relative to the project
 */
export function normalizePath(path: string, folder = '.'): string {
  const joined = posix.isAbsolute(path) ? posix.normalize(path) : posix.join(folder, path);
  return joined.replace(/(?<=.)\/$/, '').replace(/^\/\//, '/');
}

/** Whether a normalized path lies outside the project. */
export const isOutside = (path: string): boolean =>
  posix.isAbsolute(path) || path === '..' || path.startsWith('../');

/** Folders whose files are named by tools: a link into them keeps its own name. */
const toolFolders: ReadonlySet<string> = new Set(['cache', '.git', 'node_modules']);

/** As many links as Linux follows on the way to one file. */
const mostLinks = 40;

/** Why a path can't be read. */
export type PathProblem =
  | { readonly what: 'absent' }
  | { readonly what: 'circle' }
  /** `file` stands where a folder belongs. */
  | { readonly what: 'file'; readonly file: string };

/** Resolves paths against a project on disk, and looks at each file and folder once. */
export class ProjectPaths {
  readonly #root: string;
  readonly #isOut: (path: string) => boolean;
  /** Absolute path → the absolute path that its links lead to; undefined if they lead in a circle. */
  readonly #real = new Map<string, string | undefined>();
  /** Absolute paths without links at which there is nothing. */
  readonly #absent = new Set<string>();
  /** Absolute paths below which nobody looks: what is absent, and what a stage makes. */
  readonly #ends = new Set<string>();

  readonly #folders = new Map<string, boolean>();

  /** @param isOut whether a stage makes the path: what is on disk there is an old result, whose links say nothing */
  constructor(root: string, isOut: (path: string) => boolean = () => false) {
    this.#root = root;
    this.#isOut = isOut;
    this.#real.set(root, root);
    this.#real.set('/', '/');
  }

  /** The path relative to the project, if it lies inside: `../thisproject/a`, or an absolute path, may do so. */
  placed(path: string): string {
    if (!isOutside(path)) return path;
    const absolute = resolve(this.#root, path);
    const inside = this.#inside(absolute);
    if (inside !== undefined) return inside;
    // The folder that leads into the project counts, not what the file itself may link to.
    const parent = this.#realOf(posix.dirname(absolute));
    const around =
      parent === undefined ? undefined : this.#inside(posix.join(parent, posix.basename(absolute)));
    return around ?? path;
  }

  /** The path that the links on the way to `path`, and `path` itself, lead to, if that is in the project; else `path`. */
  followed(path: string): string {
    const real = this.#realOf(resolve(this.#root, path));
    if (real === undefined) return path;
    if (this.#absent.has(real)) return this.#otherForm(path) ?? this.#inside(real) ?? path;
    const inside = this.#inside(real);
    if (inside === undefined || inside === '.') return path;
    return toolFolders.has(inside.split('/')[0]!) && !isOutside(path) ? path : inside;
  }

  /** Of a path at which there is nothing: how its accents are encoded in the name of what is meant, if there is such. */
  #otherForm(path: string): string | undefined {
    return [path.normalize('NFC'), path.normalize('NFD')].find((form) => {
      const real = form === path ? undefined : this.#realOf(resolve(this.#root, form));
      return real !== undefined && !this.#absent.has(real);
    });
  }

  /** Whether `path` is the project, or a folder around it. */
  holdsProject(path: string): boolean {
    return (
      path === '.' ||
      (isOutside(path) && `${this.#root}/`.startsWith(`${resolve(this.#root, path)}/`.replace('//', '/')))
    );
  }

  /** Where `path` leads: relative to the project, or absolute outside of it. */
  real(path: string): string {
    const real = this.#realOf(resolve(this.#root, path));
    return real === undefined ? path : (this.#inside(real) ?? real);
  }

  /** Why `path` can't be read: nothing is there, its links lead in a circle, or a file is taken for a folder. */
  problem(path: string): PathProblem | undefined {
    const real = this.#realOf(resolve(this.#root, path));
    if (real === undefined) return { what: 'circle' };
    if (!this.#absent.has(real)) return undefined;
    let folder = posix.dirname(real);
    while (this.#absent.has(folder)) folder = posix.dirname(folder);
    if (statSync(folder).isDirectory()) return { what: 'absent' };
    return { what: 'file', file: this.#inside(folder) ?? folder };
  }

  isFolder(path: string): boolean {
    let known = this.#folders.get(path);
    if (known === undefined) {
      known = lookAt(resolve(this.#root, path))?.stat.isDirectory() === true;
      this.#folders.set(path, known);
    }
    return known;
  }

  /** The absolute path relative to the project; undefined if it lies outside. */
  #inside(absolute: string): string | undefined {
    if (absolute === this.#root) return '.';
    const prefix = this.#root === '/' ? '/' : `${this.#root}/`;
    return absolute.startsWith(prefix) ? absolute.slice(prefix.length) : undefined;
  }

  #realOf(absolute: string, links = 0): string | undefined {
    const known = this.#real.get(absolute);
    if (known !== undefined || this.#real.has(absolute)) return known;
    const parent = this.#realOf(posix.dirname(absolute), links);
    const real = parent === undefined ? undefined : this.#step(parent, posix.basename(absolute), links);
    this.#real.set(absolute, real);
    return real;
  }

  /** Where the entry `name` of a folder without links leads. */
  #step(folder: string, name: string, links: number): string | undefined {
    const here = posix.join(folder, name);
    if (here === this.#root) return here;
    const inside = this.#inside(here);
    if (this.#ends.has(folder) || (inside !== undefined && this.#isOut(inside))) {
      this.#ends.add(here);
      if (this.#absent.has(folder)) this.#absent.add(here);
      return here;
    }
    const stat = lstatIfThere(here);
    if (stat === undefined) {
      this.#ends.add(here);
      this.#absent.add(here);
      return here;
    }
    if (!stat.isSymbolicLink()) return here;
    if (links === mostLinks) return undefined;
    return this.#realOf(posix.resolve(folder, readlinkSync(here)), links + 1);
  }
}
