// Deletes what a run no longer needs beside its work: thousands of small files take a while.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
    const name = join(this.#folder, `trash-${process.pid}-${++this.#count}`);
    mkdirSync(this.#folder, { recursive: true });
    renameSync(path, name);
    this.#emptied = Promise.all([this.#emptied, remove(name)]).then(() => undefined);
  }

  /** Waits until everything is deleted, and removes the folder: that is how the next run knows that this one ended. */
  async emptied(): Promise<void> {
    await this.#emptied;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Removes a folder with all that is in it. */
async function remove(path: string): Promise<void> {
  // The system's own command is quicker than one call from here for each file.
  await promisify(execFile)('rm', ['-rf', '--', path])
    .catch(() => rm(path, { recursive: true, force: true }))
    .catch(() => undefined); // the next run clears what is left
}
