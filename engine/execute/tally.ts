// Keeps the count of what a repro has done, so that it ends with a summary whatever ends it.
import type { Summary } from '../event.ts';
import type { Instance } from '../plan/instance.ts';

type Done = 'executed' | 'restored' | 'fresh' | 'failed' | 'skipped';

export class Tally {
  readonly #started = performance.now();
  readonly #instances: readonly Instance[];
  readonly #done = new Map<string, Done>();
  #isComplete = true;

  /** @param instances that are to be brought up to date, in the order of the summary */
  constructor(instances: readonly Instance[]) {
    this.#instances = instances;
  }

  note(instance: Instance, done: Done): void {
    this.#done.set(instance.name, done);
  }

  /** Something failed beside the instances: what they made may not be recorded. */
  noteIncomplete(): void {
    this.#isComplete = false;
  }

  /** Whether all is up to date and recorded. */
  get isComplete(): boolean {
    return this.#isComplete && this.#instances.every(({ name }) => isUpToDate(this.#done.get(name)));
  }

  /** The instance that failed first. */
  get firstFailed(): string | undefined {
    for (const [name, done] of this.#done) if (done === 'failed') return name;
    return undefined;
  }

  get executed(): string[] {
    return this.#all('executed');
  }

  /** What has not come to an end by now is skipped. */
  summary(): Summary {
    return {
      type: 'summary',
      executed: this.executed,
      restored: this.#all('restored'),
      fresh: this.#all('fresh'),
      failed: this.#all('failed'),
      skipped: this.#all('skipped'),
      ...(this.#isComplete ? {} : { incomplete: true }),
      seconds: Math.round(performance.now() - this.#started) / 1000,
    };
  }

  #all(wanted: Done): string[] {
    return this.#instances
      .map(({ name }) => name)
      .filter((name) => (this.#done.get(name) ?? 'skipped') === wanted);
  }
}

const isUpToDate = (done: Done | undefined): boolean =>
  done === 'executed' || done === 'restored' || done === 'fresh';
