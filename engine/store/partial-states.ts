// The places where stages leave state while they run, for the next run with the very same key if this one is cut off.
import { readdirSync, rmdirSync, statSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
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
    const found = !anew && (await readdir(path).catch(() => [])).length > 0;
    if (!found) await removeTree(path);
    await mkdir(path, { recursive: true });
    return { path, found };
  }

  /**
   * Ends a run: what it left is kept for the next, or goes.
   * @param keeps is asked only if it left something
   */
  async end(key: string, keeps: () => Promise<boolean>): Promise<void> {
    const path = this.#pathOf(key);
    const left = (await readdir(path).catch(() => [])).length > 0;
    if (left && (await keeps().catch(() => false))) return;
    await removeTree(path);
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
