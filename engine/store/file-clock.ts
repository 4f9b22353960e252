// The clock by which the file system stamps changes. It may differ from the machine's, and it may count whole seconds.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changedAt, stampOf } from './stamp.ts';

/** A moment on the clock of a file system, in its granularity. */
export interface Moment {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** The file system. */
  readonly device: bigint;
}

/** The clock of another file system can't be read without writing there; it may differ by this much. In nanoseconds. */
const skew = 60_000_000_000n;

/** Reads the clock by writing to a small file and looking at its times. */
export class FileClock {
  readonly #folder: string;
  #last: Moment | undefined;

  /** @param folder for the file, on the file system of the project */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** This moment; undefined if the folder can't be written to. */
  now(): Moment | undefined {
    const file = join(this.#folder, 'clock');
    try {
      try {
        writeFileSync(file, '.');
      } catch {
        mkdirSync(this.#folder, { recursive: true });
        writeFileSync(file, '.');
      }
      const stat = statSync(file, { bigint: true });
      this.#last = { time: changedAt(stampOf(stat)), device: stat.dev };
    } catch {
      this.#last = undefined;
    }
    return this.#last;
  }

  /** A moment in the past, after the time `changed` if there is one; quicker than `now` for old files. */
  past(changed: bigint): Moment | undefined {
    return this.#last !== undefined && changed < this.#last.time ? this.#last : this.now();
  }
}

/**
 * The time from which on a file may still change without another stamp: whoever changes it after `moment` gives it this time or
 * a later one. A file that was last changed before is settled.
 * @param devices the file systems of the files in question
 */
export function settledBefore(moment: Moment | undefined, devices: Iterable<bigint>): bigint {
  if (moment === undefined) return 0n;
  for (const device of devices)
    if (device !== moment.device) {
      const local = BigInt(Date.now()) * 1_000_000n;
      return (local < moment.time ? local : moment.time) - skew;
    }
  return moment.time;
}
