// What each run of a stage printed and how it ended, kept beside the store: also of runs that failed.
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../store/files.ts';
import { type ProcessIdentity, thisProcess } from './process-identity.ts';

/** One run. Of one whose engine died, what follows `started` is null and `outcome` stays `running`. */
export interface LoggedRun {
  readonly stage: string;
  /** Key of the fingerprint that it ran with. */
  readonly key: string;
  /** ISO 8601. */
  readonly started: string;
  readonly outcome: 'running' | 'executed' | 'failed' | 'interrupted';
  /** null where a signal ended the command, or where it has not ended. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  /** Wall time of the command. */
  readonly seconds: number | null;
  /** Most bytes of resident memory seen of the command and all that it started; null where the system does not tell. */
  readonly peakMemory: number | null;
  /** Why it failed, in words. */
  readonly message: string | null;
  /** The engine's process; logs of older versions don't tell it. */
  readonly engine?: ProcessIdentity;
}

/** What is known of a run when it has ended. */
export type RunEnd = Pick<LoggedRun, 'outcome' | 'exitCode' | 'killedBy' | 'seconds' | 'peakMemory'> & {
  readonly message?: string;
};

/** Notes how a run ended. */
export type LogEnd = (end: RunEnd) => Promise<void>;

/** The logs of all runs: `<key>.log` is what the last run with that key printed, `<key>.json` how it ended. */
export class RunLogs {
  readonly folder: string;

  /** @param cache folder that holds `logs/` */
  constructor(cache: string) {
    this.folder = join(cache, 'logs');
  }

  /** File that gets what a run with this key prints. */
  pathOf(key: string): string {
    return join(this.folder, `${key}.log`);
  }

  /** Notes that a run begins; the log of an earlier one with the same key steps aside. @returns how to note its end */
  async begin(stage: string, key: string): Promise<LogEnd> {
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, `${key}.json`);
    const before = readJson<LoggedRun>(file);
    if (before !== undefined && existsSync(this.pathOf(key))) {
      const aside = `${key}.${before.started.replaceAll(/[-:.]/g, '')}`;
      renameSync(this.pathOf(key), join(this.folder, `${aside}.log`));
      renameSync(file, join(this.folder, `${aside}.json`));
    }
    const run: LoggedRun = {
      stage,
      key,
      started: new Date().toISOString(),
      outcome: 'running',
      exitCode: null,
      killedBy: null,
      seconds: null,
      peakMemory: null,
      message: null,
      engine: thisProcess(),
    };
    const note = (noted: LoggedRun): void => writeFileSync(file, `${JSON.stringify(noted, null, 1)}\n`);
    note(run);
    return async ({ outcome, exitCode, killedBy, seconds, peakMemory, message = null }) => {
      try {
        note({ ...run, outcome, exitCode, killedBy, seconds, peakMemory, message });
      } catch {
        // A note that can't be written must not take the run's results with it.
      }
    };
  }

  /** The last run with this key. */
  get(key: string): LoggedRun | undefined {
    return readJson<LoggedRun>(join(this.folder, `${key}.json`));
  }

  /** All runs that are known, the last one first, each with the file of what it printed. */
  all(): { run: LoggedRun; log: string }[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => {
        const run = readJson<LoggedRun>(join(this.folder, name)); // one that is damaged is none
        const log = join(this.folder, name.replace(/json$/, 'log'));
        return run === undefined || typeof run.started !== 'string' ? [] : [{ run, log }];
      })
      .sort((a, b) => (a.run.started < b.run.started ? 1 : -1));
  }
}
