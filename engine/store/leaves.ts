// Distributes the entries of a large directory to leaves by their paths, in little memory: what exceeds it goes to a nameless file.
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryName } from './files.ts';

/** Leaves of every split directory. */
export const leafCount = 256;

/** A directory with more entries is split. */
export const splitAbove = 16_384;

/** The leaf of an entry, by FNV-1a over the code units of its path. */
export function leafOf(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & (leafCount - 1);
}

/** What was added for the entries of a leaf, in that order; `leaf` is undefined if the directory is not split. */
export interface Group<T> {
  readonly leaf: number | undefined;
  readonly items: readonly T[];
}

export interface LeavesOptions<T> {
  /** For a file of what does not fit into memory; without one, all stays in memory. */
  readonly folder?: string | undefined;
  /** Most entries of a directory that is not split. */
  readonly limit?: number | undefined;
  /** The order of the items of a group, if it is not that in which they are added. */
  readonly compare?: (one: T, other: T) => number;
}

/** Text of a leaf that is kept in memory. In characters. */
const pending = 1 << 15;

/** A list of items for each leaf, or one list if they are few. Items are what JSON can hold. */
export class Leaves<T> {
  /** How many items there are. */
  size = 0;
  readonly #options: LeavesOptions<T>;
  readonly #limit: number;
  #few: T[] | undefined = [];
  readonly #paths: string[] = [];
  readonly #texts: string[] = [];
  readonly #pieces: Piece[][] = [];
  #spill: Spill | undefined;

  constructor(options: LeavesOptions<T> = {}) {
    this.#options = options;
    this.#limit = options.limit ?? splitAbove;
  }

  get isSplit(): boolean {
    return this.#few === undefined;
  }

  /** @param path of the entry that the item belongs to */
  add(path: string, item: T): void {
    this.size++;
    if (this.#few === undefined) this.#append(path, item);
    else {
      this.#few.push(item);
      this.#paths.push(path);
      if (this.size > this.#limit) this.split();
    }
  }

  /** Splits the list, however short it is. */
  split(): void {
    if (this.#few === undefined) return;
    const few = this.#few;
    this.#few = undefined;
    for (let leaf = 0; leaf < leafCount; leaf++) {
      this.#texts.push('');
      this.#pieces.push([]);
    }
    for (const [i, item] of few.entries()) this.#append(this.#paths[i]!, item);
    this.#paths.length = 0;
  }

  /** The list, or those of all leaves in order. */
  *groups(): Generator<Group<T>> {
    if (this.#few !== undefined) yield { leaf: undefined, items: this.#sorted(this.#few) };
    else for (let leaf = 0; leaf < leafCount; leaf++) yield { leaf, items: this.items(leaf) };
  }

  /** The items of one leaf of a split list. */
  items(leaf: number): readonly T[] {
    const text = this.#pieces[leaf]!.map((piece) => this.#spill!.read(piece)).join('') + this.#texts[leaf];
    return this.#sorted(text === '' ? [] : (JSON.parse(`[${text.slice(0, -1)}]`) as T[]));
  }

  #append(path: string, item: T): void {
    const leaf = leafOf(path);
    const text = `${this.#texts[leaf]}${JSON.stringify(item)},`;
    this.#texts[leaf] = text;
    if (text.length < pending) return;
    this.#spill ??= new Spill(this.#options.folder);
    this.#pieces[leaf]!.push(this.#spill.write(text));
    this.#texts[leaf] = '';
  }

  #sorted(items: readonly T[]): readonly T[] {
    const { compare } = this.#options;
    return compare === undefined ? items : items.toSorted(compare);
  }
}

/** Text in the file, or, if there is none, in memory. */
type Piece = { readonly at: number; readonly length: number } | Buffer;

const closing = new FinalizationRegistry<number>((file) => closeSync(file));

/** A file without a name: nothing is left of it, however the process ends. */
class Spill {
  readonly #file: number | undefined;
  #end = 0;

  constructor(folder: string | undefined) {
    if (folder === undefined) return;
    try {
      mkdirSync(folder, { recursive: true });
      const path = temporaryName(join(folder, 'leaves'));
      this.#file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      closing.register(this, this.#file);
    } catch {
      // Nothing can be written here: memory has to do.
    }
  }

  write(text: string): Piece {
    const bytes = Buffer.from(text);
    if (this.#file === undefined) return bytes;
    const at = this.#end;
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done, at + done);
    this.#end += bytes.length;
    return { at, length: bytes.length };
  }

  read(piece: Piece): string {
    if (Buffer.isBuffer(piece)) return piece.toString();
    const bytes = Buffer.alloc(piece.length);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#file!, bytes, done, bytes.length - done, piece.at + done);
      if (count === 0) throw new Error('a temporary file of the engine was cut off');
      done += count;
    }
    return bytes.toString();
  }
}
