// Parts of fingerprints that many stages have in common: the lock has each once, and blocks name it by its hash.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { LockBlock } from './lock-file.ts';
import { byCodeUnit } from './order.ts';

type Entries = Readonly<Record<string, string>>;

/** Entries of the code or the packages of fingerprints. */
export interface Part {
  /** Hash of the entries, so that the same entries have the same name in every branch. */
  readonly part: string;
  readonly entries: Entries;
}

/** Fields of the fingerprint whose entries are shared. A block has either the entries or a list of parts. */
const sharedFields = ['code', 'packages'] as const;

/** Code is shared folder by folder: an edit in one folder leaves the parts of the others as they are. */
const groupOf = { code: posix.dirname, packages: () => '' } as const;

/** A block of which the file need not have all contents of outputs. */
export type WrittenBlock = Omit<LockBlock, 'outs'> & { readonly outs: Readonly<Record<string, object>> };

/** A block as the file has it, and the parts that it names. A single entry stays in the block. */
export function split(block: WrittenBlock): { readonly written: object; readonly parts: readonly Part[] } {
  const parts: Part[] = [];
  const fields: Record<string, readonly string[]> = {};
  for (const field of sharedFields) {
    const entries = Object.entries(block.fingerprint[field]);
    if (entries.length < 2) continue;
    const groups = new Map<string, [string, string][]>();
    for (const entry of entries) {
      const group = groupOf[field](entry[0]);
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [entry]);
      else members.push(entry);
    }
    const own = [...groups.values()].map((members) => partOf(Object.fromEntries(members)));
    parts.push(...own);
    fields[field] = own.map(({ part }) => part);
  }
  return { written: { ...block, fingerprint: { ...block.fingerprint, ...fields } }, parts };
}

function partOf(entries: Entries): Part {
  return { part: createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16), entries };
}

/** Puts the parts of a lock back into its blocks; blocks with the same parts get the same object. */
export class Parts {
  readonly #entries = new Map<string, Entries>();
  readonly #joined = new Map<string, Entries>();

  /** @returns false if it is not what its name says */
  add({ part, entries }: Part): boolean {
    if (typeof entries !== 'object' || entries === null || partOf(entries).part !== part) return false;
    this.#entries.set(part, entries);
    return true;
  }

  /** The block with all its entries; undefined if a part is missing. */
  join(block: LockBlock): LockBlock | undefined {
    const fields: { code?: Entries; packages?: Entries } = {};
    for (const field of sharedFields) {
      const names: unknown = block.fingerprint[field];
      if (!Array.isArray(names)) continue;
      const entries = this.#join(names);
      if (entries === undefined) return undefined;
      fields[field] = entries;
    }
    return { ...block, fingerprint: { ...block.fingerprint, ...fields } };
  }

  #join(names: readonly string[]): Entries | undefined {
    const id = names.join();
    let joined = this.#joined.get(id);
    if (joined === undefined) {
      const parts = names.map((name) => this.#entries.get(name));
      if (parts.some((part) => part === undefined)) return undefined;
      const entries = parts.flatMap((part) => Object.entries(part!));
      joined = Object.fromEntries(entries.sort(([a], [b]) => byCodeUnit(a, b)));
      this.#joined.set(id, joined);
    }
    return joined;
  }
}
