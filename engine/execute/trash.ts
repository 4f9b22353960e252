// Deletes what a run no longer needs beside its work: thousands of small files take a while.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { moveTree, removeTree } from '../store/trees.ts';

/** How long folders wait to be deleted together: to start a process for each takes longer than most stages' scratch. */
const pause = 250; // milliseconds

/** So many are deleted at once: their names must fit into the arguments of a command. */
const most = 500;

export class Trash {
  readonly #folder: string;
  #emptied: Promise<void> = Promise.resolve();
  #count = 0;
  /** Folders that wait to be deleted. */
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param folder for what is to be deleted, on the file system where it lies */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves the folder at `path`, if there is one, out of the way and deletes it before `emptied` ends. */
  add(path: string): void {
    if (!existsSync(path)) return;
    const name = this.#name();
    renameSync(path, name);
    this.#waiting.push(name);
    if (this.#waiting.length >= most) this.#delete();
    else this.#timer ??= setTimeout(() => this.#delete(), pause).unref();
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

  /** Begins to delete what waits. */
  #delete(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const names = this.#waiting;
    this.#waiting = [];
    if (names.length > 0) this.#emptied = Promise.all([this.#emptied, remove(names)]).then(() => undefined);
  }

  /**
   * Waits until everything is deleted, and removes the folder: that is how the next run knows that this one ended.
   * @throws if something can't be removed, such as another user's files
   */
  async emptied(): Promise<void> {
    this.#delete();
    await this.#emptied;
    await removeTree(this.#folder);
  }
}

/** Removes folders with all that is in them. */
async function remove(paths: readonly string[]): Promise<void> {
  // The system's own command is quicker than one call from here for each file.
  await promisify(execFile)('rm', ['-rf', '--', ...paths])
    .catch(async () => {
      for (const path of paths) await removeTree(path);
    })
    .catch(() => undefined); // `emptied` tries again
}
