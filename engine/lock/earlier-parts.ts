// Parts of fingerprints as an earlier version wrote them to pipeline.lock: files of one folder, or packages, with their hash.
import { createHash } from 'node:crypto';
import type { LockBlock } from '../lock-file.ts';
import { byCodeUnit } from '../order.ts';

/** Hexadecimal digits of a part's name. */
const nameLength = 16;

type Hashes = Readonly<Record<string, string>>;

interface EarlierPart {
  /** Hash of the entries. */
  readonly part: string;
  readonly entries: Hashes;
}

export const isEarlierPart = (value: object): value is EarlierPart =>
  'part' in value && 'entries' in value && typeof value.entries === 'object' && value.entries !== null;

/** Puts the parts back into their blocks; blocks with the same parts get the same object. */
export class EarlierParts {
  readonly #entries = new Map<string, Hashes>();
  readonly #joined = new Map<string, Hashes>();

  /** A part that is not what its name says is none. */
  add({ part, entries }: EarlierPart): void {
    const hash = createHash('sha256').update(JSON.stringify(entries)).digest('hex');
    if (part.length === nameLength && hash.startsWith(part)) this.#entries.set(part, entries);
  }

  /** The block with all its entries; undefined if a part is missing. */
  join(block: LockBlock): LockBlock | undefined {
    const [code, packages] = [block.fingerprint.code, block.fingerprint.packages].map((field: unknown) =>
      Array.isArray(field) ? this.#join(field) : (field as Hashes),
    );
    if (code === undefined || packages === undefined) return undefined;
    return { ...block, fingerprint: { ...block.fingerprint, code, packages } };
  }

  #join(names: readonly string[]): Hashes | undefined {
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
