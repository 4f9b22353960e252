// Where an out may lie: inside the project, outside of the engine's own folders, and where its path says.
import { join, posix } from 'node:path';
import { lstatIfThere } from '../store/stamp.ts';
import { isOutside, ProjectPaths } from './project-paths.ts';

/** Says what is wrong with paths of outs; looks at each folder once, since thousands of outs may share it. */
export class OutPaths {
  readonly #root: string;
  /** Folder → the first symbolic link on the way to it, itself included; null where there is none. */
  readonly #links = new Map<string, string | null>([['.', null]]);
  /** Folders that are yet to be made. */
  readonly #absent = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @param path normalized @returns undefined if nothing is wrong */
  problem(path: string): string | undefined {
    if (path === '.') return `The out \`${path}\` is the project itself.`;
    if (isOutside(path)) return `The out \`${path}\` lies outside the project.`;
    if (['cache', '.git', 'node_modules'].includes(path.split('/')[0]!))
      return `The out \`${path}\` lies in a folder that is not for outs.`;
    const link = this.#linkOn(posix.dirname(path));
    if (link === null) return undefined;
    const real = new ProjectPaths(this.#root).real(path);
    const way = isOutside(real) ? '' : `, or use \`${real}\``;
    return `The out \`${path}\` lies behind \`${link}\`, a symbolic link; make that a folder${way}.`;
  }

  #linkOn(folder: string): string | null {
    let link = this.#links.get(folder);
    if (link !== undefined) return link;
    const parent = posix.dirname(folder);
    link = this.#linkOn(parent);
    if (link === null && !this.#absent.has(parent)) {
      const stat = lstatIfThere(`${this.#root}/${folder}`);
      if (stat?.isSymbolicLink() === true) link = folder;
      if (stat === undefined) this.#absent.add(folder);
    } else if (link === null) this.#absent.add(folder); // nothing is in what is not there
    this.#links.set(folder, link);
    return link;
  }
}

/** The file that is where a folder on the way to an out belongs; undefined if there is none. */
export function fileOnTheWay(root: string, path: string): string | undefined {
  const steps = path.split('/');
  for (let i = 1; i < steps.length; i++) {
    const folder = steps.slice(0, i).join('/');
    const stat = lstatIfThere(join(root, folder));
    if (stat === undefined) return undefined;
    if (!stat.isDirectory()) return folder;
  }
  return undefined;
}

export const blockedText = (path: string, file: string): string =>
  `The output \`${path}\` needs the folder \`${file}\`, but that is a file. Move it away, or give the output another path.`;
