// Tells whether folders of inputs changed while a command ran, though what they hold is what it was before.
import { join, posix, relative, resolve } from 'node:path';
import type { FileClock, Moment } from '../store/file-clock.ts';
import { lstatIfThere } from '../store/stamp.ts';
import { bytecodeFolder } from '../store/tree.ts';
import { entriesOf } from '../store/trees.ts';

interface FolderState {
  readonly ino: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

export class FolderWatch {
  readonly #root: string;
  readonly #directories: readonly string[];
  readonly #began: Moment | undefined;
  /** Folder on the way to an input → its state at the beginning. */
  readonly #ways = new Map<string, FolderState>();

  /**
   * Begins the watch.
   * @param files that are inputs, relative to the project
   * @param directories that are inputs, with all that they hold
   */
  constructor(root: string, clock: FileClock, files: readonly string[], directories: readonly string[]) {
    this.#root = root;
    this.#directories = directories.map((path) => resolve(root, path));
    for (const path of [...files, ...directories]) this.#addWay(resolve(root, path));
    for (const folder of this.#directories) this.#ways.set(folder, stateOf(folder));
    this.#began = directories.length === 0 ? undefined : clock.now();
  }

  /** A folder that was exchanged, moved and moved back, or whose files came and went. */
  changed(): string | undefined {
    for (const [folder, before] of this.#ways) {
      const now = stateOf(folder);
      // New and removed entries change both times, a rename only the second one.
      const moved = now.ino !== before.ino || (now.ctime !== before.ctime && now.mtime === before.mtime);
      if (moved) return relative(this.#root, folder);
    }
    for (const folder of this.#directories) {
      const changed = this.#changedBelow(folder);
      if (changed !== undefined) return relative(this.#root, changed);
    }
    return undefined;
  }

  /** The folders and symbolic links on the way to a path, within the project. */
  #addWay(absolute: string): void {
    for (
      let folder = posix.dirname(absolute);
      folder.startsWith(`${this.#root}/`) && !this.#ways.has(folder);
      folder = posix.dirname(folder)
    )
      this.#ways.set(folder, stateOf(folder));
  }

  #changedBelow(folder: string): string | undefined {
    const folders: string[] = [];
    let ignored = false;
    for (const entry of entriesOf(folder)) {
      // Python may have made its folder of bytecode here.
      if (entry.name === bytecodeFolder) ignored = this.#isNew(join(folder, bytecodeFolder));
      else if (entry.isDirectory()) folders.push(entry.name);
    }
    if (!ignored && this.#isNew(folder)) return folder;
    for (const name of folders) {
      const changed = this.#changedBelow(join(folder, name));
      if (changed !== undefined) return changed;
    }
    return undefined;
  }

  /** Whether entries of a folder changed since the beginning. The clocks of other file systems are not known. */
  #isNew(folder: string): boolean {
    const stat = lstatIfThere(folder);
    return (
      stat !== undefined &&
      this.#began !== undefined &&
      stat.dev === this.#began.device &&
      stat.ctimeNs > this.#began.time
    );
  }
}

function stateOf(folder: string): FolderState {
  const stat = lstatIfThere(folder);
  return { ino: stat?.ino ?? 0n, mtime: stat?.mtimeNs ?? 0n, ctime: stat?.ctimeNs ?? 0n };
}
