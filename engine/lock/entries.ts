// What programs are made of: files of code and packages. pipeline.lock lists each once; programs name them by a few characters.
import { createHash } from 'node:crypto';

/** A file of code with its hash, or a package with its version. */
export interface Entry {
  readonly kind: 'code' | 'packages';
  readonly name: string;
  readonly value: string;
  /** Hash of all this in base64url; the first characters are the entry's name in programs. */
  readonly digest: string;
}

export function entryOf(kind: Entry['kind'], name: string, value: string): Entry {
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, name, value]))
    .digest('base64url');
  return { kind, name, value, digest };
}

/** Fewest characters by which a program names an entry. */
const fewest = 3;

/** In how many ways a list may be read when it is written. */
const mostWritten = 64;

/** In how many ways a list may be read at most: a merge adds entries that begin alike. */
const mostRead = 4096;

/** All entries of a lock. */
export class Entries {
  readonly #byStart = new Map<string, Entry[]>();

  add(entry: Entry): void {
    const start = entry.digest.slice(0, fewest);
    const alike = this.#byStart.get(start);
    if (alike === undefined) this.#byStart.set(start, [entry]);
    else if (!alike.some(({ digest }) => digest === entry.digest)) alike.push(entry);
  }

  all(): Entry[] {
    return [...this.#byStart.values()].flat();
  }

  /** Entries whose digests begin like this. */
  #named(kind: Entry['kind'], start: string): Entry[] {
    const alike = this.#byStart.get(start.slice(0, fewest)) ?? [];
    return alike.filter((entry) => entry.kind === kind && entry.digest.startsWith(start));
  }

  /** The list that names entries: how many characters each takes, a colon, and the characters. */
  write(entries: readonly Entry[]): string {
    for (let width = fewest; ; width++) {
      const starts = entries.map(({ digest }) => digest.slice(0, width));
      const ways = entries.reduce((ways, { kind }, i) => ways * this.#named(kind, starts[i]!).length, 1);
      if (ways <= mostWritten || width === entries[0]?.digest.length) return `${width}:${starts.join('')}`;
    }
  }

  /** What a list may name; several answers if entries begin alike, none if an entry is missing. */
  *read(kind: Entry['kind'], list: string): Generator<readonly Entry[]> {
    const [, width, starts] = /^(\d+):(.*)$/.exec(list) ?? [];
    if (starts === undefined || Number(width) < fewest) return;
    const names = starts.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
    const choices = names.map((start) => this.#named(kind, start));
    const ways = choices.reduce((ways, { length }) => ways * length, 1);
    for (let way = 0; way < Math.min(ways, mostRead); way++) {
      let rest = way;
      yield choices.map((choice) => {
        const entry = choice[rest % choice.length]!;
        rest = Math.floor(rest / choice.length);
        return entry;
      });
    }
  }
}
