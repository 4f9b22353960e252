// Run records: for each key, what the run with that fingerprint made.
import { existsSync, readdirSync } from 'node:fs';
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
}

export class RunRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, 'runs');
  }

  /** The record of `key`; one that is absent, damaged or of another key is undefined. */
  get(key: string): RunRecord | undefined {
    const record = readJson<RunRecord>(join(this.#folder, `${key}.json`));
    return record?.key === key ? record : undefined;
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
    await writeFileAtomic(join(this.#folder, `${record.key}.json`), `${JSON.stringify(record, null, 1)}\n`, {
      what: 'record',
    });
  }
}
