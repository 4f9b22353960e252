// Run records: for each key, what the run with that fingerprint made.
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { readJson, writeFileAtomic } from './files.ts';
import type { Content } from './tree.ts';

export interface RunRecord {
  readonly key: string;
  readonly stage: string;
  readonly fingerprint: Fingerprint;
  /** Name of each out → its content. */
  readonly outs: Readonly<Record<string, Content>>;
  /** Wall time of the command. */
  readonly seconds: number;
  /** When it ended, ISO 8601. */
  readonly ended: string;
  /** Key of the run that it went on from; absent where it started from scratch. */
  readonly resumed?: string;
  /** Its outs were made by hand and accepted; absent where its command made them. */
  readonly accepted?: true;
}

export class RunRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, 'runs');
  }

  /** The record of `key`; one that is absent, damaged or of another key is undefined. */
  get(key: string): RunRecord | undefined {
    const record = readJson<RunRecord>(this.#pathOf(key));
    return record?.key === key ? record : undefined;
  }

  /** Notes that the result of `key` is used now, or was until now. */
  used(key: string): void {
    const now = new Date();
    try {
      utimesSync(this.#pathOf(key), now, now);
    } catch {
      // Without a record, or in a store that can't be written, there is nothing to note.
    }
  }

  /** When the result of `key` was last used, in milliseconds since 1970: run, restored, or replaced in the workspace. */
  lastUsed(key: string): number {
    return statSync(this.#pathOf(key), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  /** Forgets what the run with this key made. */
  remove(key: string): void {
    rmSync(this.#pathOf(key), { force: true });
  }

  /** All records, in no particular order. */
  *all(): Generator<RunRecord> {
    if (!existsSync(this.#folder)) return;
    for (const file of readdirSync(this.#folder)) {
      const record = file.endsWith('.json') ? this.get(file.slice(0, -'.json'.length)) : undefined;
      if (record !== undefined) yield record;
    }
  }

  async put(record: RunRecord): Promise<void> {
    await writeFileAtomic(this.#pathOf(record.key), `${JSON.stringify(record, null, 1)}\n`, {
      what: 'record',
    });
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}
