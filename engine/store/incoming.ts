// Objects on their way into the store: written under temporary names, forced to disk together, then named. What is many goes in
// batches: while one is forced to disk, the next is written.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { breathe } from './breathe.ts';
import { crashPoint } from './crash-point.ts';
import { force, temporaryName } from './files.ts';

/** Objects of a batch. */
const batch = 4096;

export class Incoming {
  readonly #folder: string;
  /** The end of the names of the temporary files. */
  readonly #suffix = temporaryName('');
  /** Temporary files that are not named yet. */
  readonly #unnamed = new Set<string>();
  readonly #pathOf: (hash: string) => string;
  /** Hash → temporary file. */
  #files = new Map<string, string>();
  /** Those of the batch before, until `#committed` ends. */
  #before: ReadonlyMap<string, string> = new Map();
  #committed: Promise<void> = Promise.resolve();

  /**
   * @param folder for temporary files, on the store's file system
   * @param pathOf gives an object's place
   */
  constructor(folder: string, pathOf: (hash: string) => string) {
    this.#folder = folder;
    this.#pathOf = pathOf;
  }

  has(hash: string): boolean {
    return this.#files.has(hash) || this.#before.has(hash);
  }

  /** A path to write the object `hash` at, which must be done before the next is added. It is safe once `commit` has ended. */
  async add(hash: string): Promise<string> {
    if (this.#files.size >= batch) await this.#next();
    if (this.#unnamed.size === 0) mkdirSync(this.#folder, { recursive: true });
    crashPoint('object-write');
    const path = join(this.#folder, hash + this.#suffix);
    this.#unnamed.add(path);
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
    if (files.size === 0) return;
    crashPoint('object-sync');
    await force(this.#folder, [...files.values()]);
    const folders = new Set([...files.keys()].map((hash) => dirname(this.#pathOf(hash))));
    for (const folder of folders) if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
    crashPoint('object-rename');
    for (const [hash, path] of files) {
      renameSync(path, this.#pathOf(hash));
      this.#unnamed.delete(path);
      crashPoint('object-renamed');
      await breathe();
    }
  }

  /** Removes what has not been named. */
  async dispose(): Promise<void> {
    await this.#committed.catch(() => undefined);
    for (const path of this.#unnamed) rmSync(path, { force: true });
  }
}
