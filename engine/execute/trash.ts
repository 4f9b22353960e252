// Deletes what a run no longer needs beside its work: thousands of small files take a while.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { moveTree, removeTree } from '../store/trees.ts';

export class Trash {
  readonly #folder: string;
  #emptied: Promise<void> = Promise.resolve();
  #count = 0;

  /** @param folder for what is to be deleted, on the file system where it lies */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves the folder at `path`, if there is one, out of the way and deletes it before `emptied` ends. */
  add(path: string): void {
    if (!existsSync(path)) return;
    const name = this.#name();
    renameSync(path, name);
    this.#delete(name);
  }

  /** Moves one of many files or folders out of the way, to be deleted with the folder. */
  async take(path: string): Promise<void> {
    await moveTree(path, this.#name());
  }

  #name(): string {
    mkdirSync(this.#folder, { recursive: true });
    let name: string;
    do name = join(this.#folder, `trash-${++this.#count}`);
    while (existsSync(name)); // an earlier run may have left what it could not delete
    return name;
  }

  #delete(name: string): void {
    this.#emptied = Promise.all([this.#emptied, remove(name)]).then(() => undefined);
  }

  /**
   * Waits until everything is deleted, and removes the folder: that is how the next run knows that this one ended.
   * @throws if something can't be removed, such as another user's files
   */
  async emptied(): Promise<void> {
    await this.#emptied;
    await removeTree(this.#folder);
  }
}

/** Removes a folder with all that is in it. */
async function remove(path: string): Promise<void> {
  // The system's own command is quicker than one call from here for each file.
  await promisify(execFile)('rm', ['-rf', '--', path])
    .catch(() => removeTree(path))
    .catch(() => undefined); // `emptied` tries again
}
