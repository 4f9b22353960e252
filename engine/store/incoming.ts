// Objects on their way into the store: written under temporary names, forced to disk together, then named. What is many goes in
// batches: while one is forced to disk, the next is written.
import { existsSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { breathe } from './breathe.ts';
import { crashPoint } from './crash-point.ts';
import { force } from './files.ts';
import { removeTree } from './trees.ts';

/** Objects of a batch. */
const batch = 4096;

export class Incoming {
  readonly #parent: string;
  /** For temporary files; made when the first is added. */
  #folder: string | undefined;
  readonly #pathOf: (hash: string) => string;
  /** Hash → temporary file. */
  #files = new Map<string, string>();
  /** Those of the batch before, until `#committed` ends. */
  #before: ReadonlyMap<string, string> = new Map();
  #committed: Promise<void> = Promise.resolve();

  /**
   * @param parent for a folder of temporary files, on the store's file system
   * @param pathOf gives an object's place
   */
  constructor(parent: string, pathOf: (hash: string) => string) {
    this.#parent = parent;
    this.#pathOf = pathOf;
  }

  has(hash: string): boolean {
    return this.#files.has(hash) || this.#before.has(hash);
  }

  /** A path to write the object `hash` at, which must be done before the next is added. It is safe once `commit` has ended. */
  async add(hash: string): Promise<string> {
    if (this.#files.size >= batch) await this.#next();
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
    await this.#next();
    await this.#committed;
  }

  /** Begins to commit what was added, once the batch before is committed. */
  async #next(): Promise<void> {
    await this.#committed;
    this.#before = this.#files;
    this.#files = new Map();
    this.#committed = this.#commit(this.#before);
    this.#committed.catch(() => undefined); // whoever waits for it gets the error
  }

  async #commit(files: ReadonlyMap<string, string>): Promise<void> {
    if (this.#folder === undefined || files.size === 0) return;
    crashPoint('object-sync');
    await force(this.#folder, [...files.values()]);
    const folders = new Set([...files.keys()].map((hash) => dirname(this.#pathOf(hash))));
    for (const folder of folders) if (!existsSync(folder)) await mkdir(folder, { recursive: true });
    crashPoint('object-rename');
    for (const [hash, path] of files) {
      renameSync(path, this.#pathOf(hash));
      crashPoint('object-renamed');
      await breathe();
    }
  }

  /** Removes what has not been named. */
  async dispose(): Promise<void> {
    await this.#committed.catch(() => undefined);
    if (this.#folder !== undefined) await removeTree(this.#folder);
  }
}
