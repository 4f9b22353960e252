// What the memo keeps of the entries of one directory: a file, or for a split directory a folder with a file for each leaf.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, writeFileAtomic } from './files.ts';
import { leafCount, leafOf } from './leaves.ts';
import type { LeafLine } from './manifest.ts';
import { removeTree } from './trees.ts';

/** Of a directory's files, and of its links that lead out of it: path → stamp and hash. */
export type RememberedFiles = Record<string, readonly [stamp: string, hash: string]>;

/** A leaf when it was looked at. */
export interface RememberedLeaf {
  /** Of all its entries. */
  readonly stamp: string;
  readonly line: LeafLine;
  /** Whether every change since gives another stamp. */
  readonly settled: boolean;
}

export class TreeMemo {
  readonly #base: string;

  /** @param base path of the file, without its ending, and of the folder */
  constructor(base: string) {
    this.#base = base;
  }

  /** Whether leaves of a split directory may be remembered. */
  isSplit(): boolean {
    return existsSync(this.#base);
  }

  /** The leaves of a split directory. */
  leaves(): readonly RememberedLeaf[] | undefined {
    const leaves = readJson<RememberedLeaf[]>(join(this.#base, 'leaves.json'));
    return leaves?.length === leafCount ? leaves : undefined;
  }

  /** All files of a directory that is not split. */
  files(): RememberedFiles | undefined {
    return readJson<RememberedFiles>(`${this.#base}.json`);
  }

  /** The files of one leaf. */
  leaf(leaf: number): RememberedFiles {
    return readJson<RememberedFiles>(this.#leafFile(leaf)) ?? {};
  }

  /** Finds files by their paths; undefined if nothing is remembered. In a split directory, other files may be left out. */
  finder(): ((paths: readonly string[]) => RememberedFiles) | undefined {
    const files = this.files();
    if (files !== undefined) return () => files;
    if (this.leaves() === undefined) return undefined;
    return (paths) => {
      const found: RememberedFiles = Object.create(null) as RememberedFiles;
      const wanted = new Map<number, string[]>();
      for (const path of paths) {
        const leaf = leafOf(path);
        const others = wanted.get(leaf);
        if (others === undefined) wanted.set(leaf, [path]);
        else others.push(path);
      }
      for (const [leaf, inLeaf] of wanted) {
        const remembered = this.leaf(leaf);
        for (const path of inLeaf) if (Object.hasOwn(remembered, path)) found[path] = remembered[path]!;
      }
      return found;
    };
  }

  /** Remembers the files of a directory that is not split, or of one leaf. */
  async write(leaf: number | undefined, files: RememberedFiles): Promise<void> {
    await save(leaf === undefined ? `${this.#base}.json` : this.#leafFile(leaf), files);
  }

  /** Ends the writing of a directory: removes what was remembered when it was, or was not, split. */
  async complete(leaves: readonly RememberedLeaf[] | undefined): Promise<void> {
    if (leaves === undefined) await removeTree(this.#base).catch(() => undefined);
    else {
      await save(join(this.#base, 'leaves.json'), leaves);
      await rm(`${this.#base}.json`, { force: true }).catch(() => undefined);
    }
  }

  #leafFile(leaf: number): string {
    return join(this.#base, `${leaf}.json`);
  }
}

/** If it can't be written, the next run takes longer, and that is all. */
export async function save(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(value), { durable: false }).catch(() => undefined);
}
