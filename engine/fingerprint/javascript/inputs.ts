// The state of the files and folders that a closure was computed from, by which a later run tells that it still holds.
import { readdirSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { byCodeUnit } from '../../order.ts';
import { lookAt } from '../../store/stamp.ts';
import { sha256 } from '../../store/tree.ts';

/**
 * What was looked at, relative to the project: a file (`a.ts`, which may be absent), the names in a folder that may decide how
 * an import is resolved (`lib/`), or those in a folder and below it (`lib/**`).
 */
export type Input = string;

/** Whether the input is the names in a folder. */
export const isOfFolder = (input: Input): boolean => input.endsWith('/') || input.endsWith('/**');

/** Endings of files whose imports are followed. */
export const compiled: ReadonlySet<string> = new Set([
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
]);

/** Whether a file of this name may be what an import finds. */
const mayBeImported = (name: string): boolean => {
  const ending = extname(name);
  return (
    ending === '' || compiled.has(ending) || ending === '.json' || ending === '.node' || ending === '.wasm'
  );
};

/** Looks at inputs, each once. */
export class InputStates {
  readonly #root: string;
  readonly #isMade: (path: string) => boolean;
  readonly #states = new Map<Input, string>();
  readonly #devices = new Map<Input, bigint>();

  /** @param isMade whether a path, relative to the project, lies in what a stage makes */
  constructor(root: string, isMade: (path: string) => boolean) {
    this.#root = root;
    this.#isMade = isMade;
  }

  /** The input's state when it was first looked at. */
  of(input: Input): string {
    let state = this.#states.get(input);
    if (state === undefined) {
      state = this.now(input);
      this.#states.set(input, state);
    }
    return state;
  }

  /** The input's state at this moment. */
  now(input: Input): string {
    if (input.endsWith('/**')) return sha256(this.below(input.slice(0, -2), true).join('\n'));
    if (input.endsWith('/')) return sha256(this.#names(input).join('\n'));
    const found = lookAt(resolve(this.#root, input));
    if (found !== undefined) this.#devices.set(input, found.stat.dev);
    return found?.stamp ?? 'none';
  }

  /** The file system of a file that was looked at. */
  deviceOf(input: Input): bigint {
    return this.#devices.get(input) ?? 0n;
  }

  clear(): void {
    this.#states.clear();
  }

  forget(input: Input): void {
    this.#states.delete(input);
  }

  /** Files in a folder, and in those below it if `deep`, without packages, hidden folders and what stages make. */
  below(folder: string, deep: boolean): string[] {
    const found: string[] = [];
    for (const entry of entriesOf(resolve(this.#root, folder))) {
      const path = `${folder === './' ? '' : folder}${entry.name}`;
      if (entry.name === 'node_modules' || entry.name.startsWith('.') || this.#isMade(path)) continue;
      if (!entry.isDirectory()) found.push(path);
      else if (deep) for (const file of this.below(`${path}/`, true)) found.push(file);
    }
    return found;
  }

  #names(folder: string): string[] {
    return entriesOf(resolve(this.#root, folder))
      .filter((entry) => !entry.isDirectory() && mayBeImported(entry.name))
      .map(({ name }) => name);
  }
}

function entriesOf(folder: string) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.sort((a, b) => byCodeUnit(a.name, b.name));
  } catch {
    return [];
  }
}
