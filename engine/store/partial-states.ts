// The places where stages leave state while they run, for the next run with the very same key if this one is cut off.
import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from './trees.ts';

/** What a run that was cut off left. */
export interface PartialState {
  readonly key: string;
  readonly bytes: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly changed: number;
}

/** One folder for each key, `cache/partial/<key>`, from the start of a run until one with this key succeeds. */
export class PartialStates {
  readonly #folder: string;

  /** @param cache folder of the store */
  constructor(cache: string) {
    this.#folder = join(cache, 'partial');
  }

  /**
   * Makes the folder for a run, or finds the one that a run with the same key left.
   * @param anew whether what is found is removed
   * @returns the folder, and whether there is something in it
   */
  async begin(key: string, anew: boolean): Promise<{ readonly path: string; readonly found: boolean }> {
    const path = this.#pathOf(key);
    const isNew = mkdirSync(path, { recursive: true }) !== undefined;
    if (isNew) return { path, found: false };
    const found = !anew && namesIn(path).length > 0;
    if (!found) {
      await removeTree(path);
      mkdirSync(path);
    }
    return { path, found };
  }

  /**
   * Ends a run: what it left is kept for the next, or goes.
   * @param keeps is asked only if it left something
   * @param discard moves an empty folder out of the way, to be deleted later
   */
  async end(key: string, keeps: () => Promise<boolean>, discard: (path: string) => void): Promise<void> {
    const path = this.#pathOf(key);
    if (namesIn(path).length > 0) {
      if (!(await keeps().catch(() => false))) await removeTree(path);
      return;
    }
    try {
      discard(path);
    } catch {
      await removeTree(path); // the folder is read-only
    }
  }

  /** All that is kept. */
  list(): PartialState[] {
    return this.#keys().map((key) => ({ key, ...sizeAndTime(this.#pathOf(key)) }));
  }

  /** Removes what is kept for a key. */
  remove(key: string): Promise<void> {
    return removeTree(this.#pathOf(key));
  }

  /** Removes the places of runs that were killed before they left anything. */
  removeEmpty(): void {
    for (const key of this.#keys())
      try {
        rmdirSync(this.#pathOf(key));
      } catch {
        // It holds something.
      }
  }

  #keys(): string[] {
    return namesIn(this.#folder);
  }

  #pathOf(key: string): string {
    return join(this.#folder, key);
  }
}

function sizeAndTime(path: string): { bytes: number; changed: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { bytes: 0, changed: 0 };
  if (!stat.isDirectory()) return { bytes: stat.size, changed: stat.mtimeMs };
  const inside = namesIn(path).map((name) => sizeAndTime(join(path, name)));
  return {
    bytes: inside.reduce((sum, { bytes }) => sum + bytes, 0),
    changed: inside.reduce((last, { changed }) => Math.max(last, changed), stat.mtimeMs),
  };
}

/** Names in a folder; none if it does not exist or may not be listed. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
