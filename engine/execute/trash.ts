// Deletes what a run no longer needs beside its work: thousands of small files take a while.
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { moveTree, removeTree } from '../store/trees.ts';

/** How long folders wait to be deleted together: to start a process for each takes longer than most stages' scratch. */
const pause = 250; // milliseconds

/** So many are deleted at once: their names must fit into the arguments of a command. */
const most = 500;

/**
 * So many small folders wait for the end of the run. Without a journal, ext4 does not use the numbers of deleted files again for
 * a while, and steps over each of them whenever it makes another file: thousands make each stage slower than the one before.
 */
const mostSmall = 10_000;
/** A small folder has at most so many entries, and so many bytes in all. */
const fewEntries = 16;
const fewBytes = 64 << 10;

export class Trash {
  readonly #folder: string;
  #emptied: Promise<void> = Promise.resolve();
  #count = 0;
  /** Folders that wait to be deleted. */
  readonly #waiting: string[] = [];
  /** Small ones, which wait for the end. */
  readonly #small: string[] = [];
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
    if (this.#small.length < mostSmall && isSmall(name)) {
      this.#small.push(name);
      return;
    }
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
    const names = this.#waiting.splice(0, most);
    if (names.length > 0) this.#emptied = Promise.all([this.#emptied, remove(names)]).then(() => undefined);
  }

  /**
   * Waits until everything is deleted, and removes the folder: that is how the next run knows that this one ended.
   * @throws if something can't be removed, such as another user's files
   */
  async emptied(): Promise<void> {
    this.#waiting.push(...this.#small.splice(0));
    while (this.#waiting.length > 0) this.#delete();
    await this.#emptied;
    await removeTree(this.#folder);
  }
}

/** Whether a folder holds next to nothing. */
function isSmall(folder: string): boolean {
  let entries = 0;
  let bytes = 0;
  const folders = [folder];
  try {
    for (const each of folders)
      for (const entry of readdirSync(each, { withFileTypes: true })) {
        const path = join(each, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else bytes += lstatSync(path).size;
        if (++entries > fewEntries || bytes > fewBytes) return false;
      }
    return true;
  } catch {
    return false;
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
