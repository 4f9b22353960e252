// A directory as it was looked at: its manifest, with the stamp of each entry at that moment.
import type { Content } from './content.ts';
import { type Group, Leaves } from './leaves.ts';
import {
  contentOfLeaves,
  type LeafLine,
  leafLine,
  type ManifestLine,
  manifestText,
  type Part,
} from './manifest.ts';

/** An entry; `linked` is 1 if it is a file that shares its inode with the directory that a restored one replaces. */
export type Listed = readonly [line: ManifestLine, stamp: string, linked?: 1];

export interface ListingOptions {
  /** For what of a large directory does not fit into memory. */
  readonly folder?: string | undefined;
  /** Most entries of a directory whose manifest is not split. */
  readonly limit?: number | undefined;
  /** Leaves whose entries are not listed, since they did not change. */
  readonly unchanged?: ReadonlyMap<number, LeafLine>;
}

export class Listing {
  /** The file systems that its entries are on. */
  readonly devices = new Set<bigint>();
  /** How many files are linked. */
  linked = 0;
  readonly unchanged: ReadonlyMap<number, LeafLine>;
  readonly #options: ListingOptions;
  readonly #entries: Leaves<Listed>;
  /** Made when it is asked for. */
  #lines: readonly LeafLine[] | undefined;

  constructor(options: ListingOptions = {}) {
    this.#options = options;
    this.unchanged = options.unchanged ?? new Map();
    this.#entries = new Leaves(options);
    if (this.unchanged.size > 0) this.#entries.split();
  }

  /**
   * Adds an entry, in the order of a walk.
   * @param stamp empty for an empty directory, since its time and inode say nothing about its content
   */
  add(line: ManifestLine, stamp: string, linked = false): void {
    this.#entries.add(line[1], linked ? [line, stamp, 1] : [line, stamp]);
    if (linked) this.linked++;
    this.#lines = undefined;
  }

  get isSplit(): boolean {
    return this.#entries.isSplit;
  }

  /** How many entries the directory has. */
  get size(): number {
    let size = this.#entries.size;
    for (const [, , entries] of this.unchanged.values()) size += entries;
    return size;
  }

  /** All entries, or those of each leaf that is listed. */
  *groups(): Generator<Group<Listed>> {
    for (const group of this.#entries.groups())
      if (group.leaf === undefined || !this.unchanged.has(group.leaf)) yield group;
  }

  /** The leaves of the manifest; if it is not split, what its only leaf would be. */
  leaves(): readonly LeafLine[] {
    if (this.#lines !== undefined) return this.#lines;
    const leaves: LeafLine[] = [];
    for (const { leaf, items } of this.groups()) leaves[leaf ?? 0] = leafLine(linesOf(items));
    for (const [leaf, line] of this.unchanged) leaves[leaf] = line;
    this.#lines = leaves;
    return leaves;
  }

  content(): Content {
    const leaves = this.leaves();
    if (this.isSplit) return contentOfLeaves(leaves);
    const [, hash, , files, size] = leaves[0]!;
    return { type: 'directory', hash, size, files };
  }

  /** The texts of the manifest; the last one names the directory. */
  *texts(): Generator<string> {
    for (const { items } of this.groups()) yield manifestText(linesOf(items));
    if (this.isSplit) yield manifestText(this.leaves());
  }

  /** The manifest in parts; all must be listed. */
  parts(): Part[] {
    const entries = this.#entries;
    return this.leaves().map(([, hash], leaf) => ({
      hash,
      lines: () => linesOf(entries.isSplit ? entries.items(leaf) : [...entries.groups()][0]!.items),
    }));
  }

  /** The same with other stamps. */
  restamped(stampOf: (listed: Listed) => string): Listing {
    const listing = new Listing({ ...this.#options, unchanged: this.unchanged });
    if (this.isSplit) listing.#entries.split();
    for (const device of this.devices) listing.devices.add(device);
    for (const { items } of this.groups())
      for (const listed of items) listing.add(listed[0], stampOf(listed), listed[2] === 1);
    return listing;
  }
}

const linesOf = (items: readonly Listed[]): ManifestLine[] => items.map(([line]) => line);
