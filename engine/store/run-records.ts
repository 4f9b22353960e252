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

/** What tells whether a record may be of a run that another can go on from. */
export type RunSummary = Pick<RunRecord, 'key' | 'stage'> & Pick<Fingerprint, 'matrix' | 'params'>;

export class RunRecords {
  readonly #folder: string;
  /** Summaries of all records, by stage of pipeline.yaml; made when they are first asked for. */
  #byStage: Map<string, RunSummary[]> | undefined;

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
    if (this.#byStage !== undefined) summarize(record, this.#byStage);
  }

  /**
   * Records of all instances of `stage`, in no particular order: each file is read once, however often this is asked. New records are
   * appended; a record that was replaced is listed again, and one that was removed stays listed.
   */
  ofStage(stage: string): readonly RunSummary[] {
    if (this.#byStage === undefined) {
      this.#byStage = new Map();
      for (const record of this.all()) summarize(record, this.#byStage);
    }
    return this.#byStage.get(stage) ?? [];
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

function summarize({ key, stage, fingerprint }: RunRecord, byStage: Map<string, RunSummary[]>): void {
  const { matrix, params } = fingerprint;
  const [name] = stage.split(':', 1) as [string];
  const summaries = byStage.get(name);
  if (summaries === undefined) byStage.set(name, [{ key, stage, matrix, params }]);
  else summaries.push({ key, stage, matrix, params });
}
