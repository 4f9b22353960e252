// Where an out may lie: inside the project, outside of the engine's own folders, and where its path says.
import { lstatSync } from 'node:fs';
import { posix } from 'node:path';

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

  /** Undefined where nothing is wrong. */
  problem(path: string): string | undefined {
    const normal = posix.normalize(path);
    if (normal === '.' || normal === './') return `The out \`${path}\` is the project itself.`;
    if (posix.isAbsolute(path) || normal === '..' || normal.startsWith('../'))
      return `The out \`${path}\` lies outside the project.`;
    if (normal !== path)
      return `The out \`${path}\` is not written plainly; write \`${normal.replace(/\/$/, '')}\`.`;
    if (['cache', '.git', 'node_modules'].includes(path.split('/')[0]!))
      return `The out \`${path}\` lies in a folder that is not for outs.`;
    const link = this.#linkOn(posix.dirname(path));
    return link === null
      ? undefined
      : `The out \`${path}\` lies behind \`${link}\`, a symbolic link; make that a folder, or name the path that it leads to.`;
  }

  #linkOn(folder: string): string | null {
    let link = this.#links.get(folder);
    if (link !== undefined) return link;
    const parent = posix.dirname(folder);
    link = this.#linkOn(parent);
    if (link === null && !this.#absent.has(parent)) {
      const stat = lstatSync(`${this.#root}/${folder}`, { throwIfNoEntry: false });
      if (stat?.isSymbolicLink() === true) link = folder;
      if (stat === undefined) this.#absent.add(folder);
    } else if (link === null) this.#absent.add(folder); // nothing is in what is not there
    this.#links.set(folder, link);
    return link;
  }
}
