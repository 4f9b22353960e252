// Objects on their way into the store: written under temporary names, forced to disk together, then named.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { breathe } from './breathe.ts';
import { crashPoint } from './crash-point.ts';
import { force } from './files.ts';
import { removeTree } from './trees.ts';

export class Incoming {
  readonly #parent: string;
  /** For temporary files; made when the first is added. */
  #folder: string | undefined;
  readonly #pathOf: (hash: string) => string;
  /** Hash → temporary file. */
  readonly #files = new Map<string, string>();

  /**
   * @param parent for a folder of temporary files, on the store's file system
   * @param pathOf gives an object's place
   */
  constructor(parent: string, pathOf: (hash: string) => string) {
    this.#parent = parent;
    this.#pathOf = pathOf;
  }

  has(hash: string): boolean {
    return this.#files.has(hash);
  }

  /** A path to write the object `hash` at; it counts once `commit` has ended. */
  async add(hash: string): Promise<string> {
    if (this.#folder === undefined) {
      await mkdir(this.#parent, { recursive: true });
      this.#folder = await mkdtemp(join(this.#parent, 'incoming-'));
    }
    crashPoint('object-write');
    const path = join(this.#folder, hash);
    this.#files.set(hash, path);
    return path;
  }

  /** Takes back what was added. */
  drop(hash: string): void {
    this.#files.delete(hash);
  }

  /** Forces all objects to disk, then gives them their names: none is ever there in part. */
  async commit(): Promise<void> {
    if (this.#folder === undefined || this.#files.size === 0) return;
    crashPoint('object-sync');
    await force(this.#folder, [...this.#files.values()]);
    const folders = new Set([...this.#files.keys()].map((hash) => dirname(this.#pathOf(hash))));
    for (const folder of folders) if (!existsSync(folder)) await mkdir(folder, { recursive: true });
    crashPoint('object-rename');
    for (const [hash, path] of this.#files) {
      await rename(path, this.#pathOf(hash));
      crashPoint('object-renamed');
      await breathe();
    }
  }

  /** Removes what has not been named. */
  async dispose(): Promise<void> {
    if (this.#folder !== undefined) await removeTree(this.#folder);
  }
}
