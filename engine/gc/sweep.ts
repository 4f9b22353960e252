// Decides what leaves the store: a pure function of what is in it, what is needed, and when it was last used.
import { type Content, identityOf } from '../store/content.ts';

/** A recorded run, and what of it lies in the store. */
export interface StoredRun {
  readonly key: string;
  readonly stage: string;
  readonly ended: string;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  readonly outs: readonly Content[];
}

/** What the decision rests on. */
export interface Inventory {
  /** Hash → size of every object. */
  readonly objects: ReadonlyMap<string, number>;
  readonly runs: readonly StoredRun[];
  /** Contents that must stay. */
  readonly needed: readonly Content[];
  /** Whether a run is one to keep for its own sake. */
  readonly isKept: (run: StoredRun) => boolean;
  /** Bytes that may stay; null where there is no limit. */
  readonly limit: number | null;
  /** Hashes of all objects that a content stands for: itself, the list of its modes, and the files of a directory. */
  readonly objectsOf: (content: Content) => readonly string[];
}

export interface Sweep {
  readonly runs: readonly StoredRun[];
  readonly objects: readonly string[];
  /** Bytes of the objects that leave. */
  readonly freed: number;
  /** Bytes of the objects that stay. */
  readonly kept: number;
}

/** Names all objects that a content stands for. */
export const nameOf = (content: Content): string => `${identityOf(content)} ${content.modes ?? ''}`;

/** How many use each object; what nobody uses any more is let go. */
class Uses {
  readonly #contents = new Map<string, number>();
  readonly #objects = new Map<string, number>();
  readonly #objectsOf: Inventory['objectsOf'];

  constructor(objectsOf: Inventory['objectsOf']) {
    this.#objectsOf = objectsOf;
  }

  add(content: Content): void {
    const uses = this.#contents.get(nameOf(content)) ?? 0;
    this.#contents.set(nameOf(content), uses + 1);
    if (uses > 0) return;
    for (const hash of this.#objectsOf(content)) this.#objects.set(hash, (this.#objects.get(hash) ?? 0) + 1);
  }

  /** Takes a use away. @returns objects that nobody uses any more */
  *release(content: Content): Generator<string> {
    const uses = this.#contents.get(nameOf(content))! - 1;
    this.#contents.set(nameOf(content), uses);
    if (uses > 0) return;
    for (const hash of this.#objectsOf(content)) {
      const left = this.#objects.get(hash)! - 1;
      this.#objects.set(hash, left);
      if (left === 0) yield hash;
    }
  }

  has(hash: string): boolean {
    return (this.#objects.get(hash) ?? 0) > 0;
  }
}

/**
 * With a limit, what was not used for longest leaves until the rest is within it; without, everything leaves that is neither
 * needed nor kept. A run stays on record while all that it made is there.
 */
export function sweep({ objects, runs, needed, isKept, limit, objectsOf }: Inventory): Sweep {
  const uses = new Uses(objectsOf);
  for (const content of needed) uses.add(content);
  const kept = runs.filter(isKept);
  const others = runs.filter((run) => !isKept(run));
  for (const run of limit === null ? kept : runs) for (const content of run.outs) uses.add(content);

  // What no run and no lock names is of no use to anybody.
  const leaving = [...objects.keys()].filter((hash) => !uses.has(hash));
  let size = total(objects, objects.keys()) - total(objects, leaving);
  const gone = new Set<StoredRun>();
  if (limit === null) {
    for (const run of others)
      if (run.outs.some(({ hash }) => !uses.has(hash) && objects.has(hash))) gone.add(run);
  } else {
    for (const run of others.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
      if (size <= limit) break;
      gone.add(run);
      for (const content of run.outs)
        for (const hash of uses.release(content)) {
          if (!objects.has(hash)) continue;
          leaving.push(hash);
          size -= objects.get(hash)!;
        }
    }
    // A run that shared all it made with others has freed nothing, and can still be restored.
    for (const run of gone) if (run.outs.every(({ hash }) => uses.has(hash))) gone.delete(run);
  }
  return {
    runs: runs.filter((run) => gone.has(run)),
    objects: leaving,
    freed: total(objects, leaving),
    kept: size,
  };
}

function total(objects: ReadonlyMap<string, number>, hashes: Iterable<string>): number {
  let sum = 0;
  for (const hash of hashes) sum += objects.get(hash) ?? 0;
  return sum;
}
