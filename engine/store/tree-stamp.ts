// One stamp for all that a directory holds, and one for each of its leaves: whether something changed is told without reading it.
import { createHash, type Hash } from 'node:crypto';
import { leafCount, leafOf } from './leaves.ts';
import type { Links } from './links.ts';
import { stampOf } from './stamp.ts';
import { type Entry, walk } from './tree.ts';

/** Bytes of a leaf that wait to be hashed: one call for many entries is quicker than one for each. */
const pending = 1 << 12;

/** The space of a stamp that is complete, for the next one. */
let spare: Buffer | undefined;

export class TreeStamp {
  readonly #link: string;
  /** A piece for each leaf. Text that is written here makes no work for the garbage collector. */
  #space: Buffer | undefined;
  readonly #waiting = new Int32Array(leafCount);
  readonly #hashes: (Hash | undefined)[] = new Array(leafCount).fill(undefined);
  /** Of leaves that are complete. */
  readonly #leaves: (string | undefined)[] = new Array(leafCount).fill(undefined);

  /** @param link stamp of the symbolic link that leads to the directory; empty if none does */
  constructor(link: string) {
    this.#link = link;
  }

  /** Adds an entry, in the order of a walk. */
  add(kind: Entry['kind'], path: string, stamp: string): void {
    if (this.#space === undefined) {
      this.#space = spare ?? Buffer.allocUnsafe(leafCount * pending);
      spare = undefined;
    }
    const leaf = leafOf(path);
    const text = `${path}\0${kind} ${stamp}\n`;
    const most = text.length * 3; // bytes of a code unit in UTF-8
    if (this.#waiting[leaf]! + most > pending) this.#flush(leaf);
    if (most > pending) this.#hashOf(leaf).update(text);
    else this.#waiting[leaf]! += this.#space.write(text, leaf * pending + this.#waiting[leaf]!, most);
  }

  /** Says what the stamp of a leaf is, none of whose entries are added. */
  set(leaf: number, stamp: string): void {
    this.#leaves[leaf] = stamp;
  }

  /** The stamp of a leaf; empty if it has no entries. No more may be added to it. */
  leaf(leaf: number): string {
    let stamp = this.#leaves[leaf];
    if (stamp === undefined) {
      this.#flush(leaf);
      stamp = this.#hashes[leaf]?.digest('hex') ?? '';
      this.#leaves[leaf] = stamp;
    }
    return stamp;
  }

  /** The stamp of the directory, which is complete. */
  digest(): string {
    let all = `${this.#link}\n`;
    for (let leaf = 0; leaf < leafCount; leaf++) {
      const stamp = this.leaf(leaf);
      if (stamp !== '') all += `${leaf} ${stamp}\n`;
    }
    spare ??= this.#space;
    this.#space = undefined;
    return createHash('sha256').update(all).digest('hex');
  }

  #flush(leaf: number): void {
    const length = this.#waiting[leaf]!;
    if (length === 0) return;
    this.#hashOf(leaf).update(this.#space!.subarray(leaf * pending, leaf * pending + length));
    this.#waiting[leaf] = 0;
  }

  #hashOf(leaf: number): Hash {
    this.#hashes[leaf] ??= createHash('sha256');
    return this.#hashes[leaf];
  }
}

/** One pass over a directory's entries, without reading them. */
export function stampTree(folder: string, links: Links, link: string): TreeStamp {
  const tree = new TreeStamp(link);
  for (const { kind, path, stat } of walk(folder)) tree.add(kind, path, entryStamp(links, kind, path, stat));
  return tree;
}

/** The stamp of an entry; empty for an empty directory. */
export const entryStamp = (links: Links, kind: Entry['kind'], path: string, stat: Entry['stat']): string =>
  kind === 'link' ? links.look(path, stat).stamp : kind === 'empty' ? '' : stampOf(stat);
