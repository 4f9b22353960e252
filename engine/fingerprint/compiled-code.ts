// What the closures of an instance's scripts come to together; instances that run the same scripts get the same object.
import { byCodeUnit } from '../order.ts';
import type { CodeClosure } from './code-closure.ts';

type Entries = Readonly<Record<string, string>>;

/** All closures of an instance. */
export interface Compiled {
  readonly code: Entries;
  readonly packages: Entries;
  /** The first file that reads params.yaml itself. */
  readonly readsParams: Promise<string | undefined>;
}

/** Joins closures, each set of scripts once. */
export class CompiledCode {
  readonly #joined = new Map<string, Compiled>();
  readonly #paramsReader: (code: Entries) => Promise<string | undefined>;

  /** @param paramsReader finds the first file of code that reads params.yaml itself */
  constructor(paramsReader: (code: Entries) => Promise<string | undefined>) {
    this.#paramsReader = paramsReader;
  }

  /** @param closures by script */
  of(closures: ReadonlyMap<string, CodeClosure>): Compiled {
    const key = [...closures.keys()].join('\0');
    let joined = this.#joined.get(key);
    if (joined === undefined) {
      const all = [...closures.values()];
      const code = inOrder(Object.assign({}, ...all.map((closure) => closure.code)));
      const packages = inOrder(Object.assign({}, ...all.map((closure) => closure.packages)));
      joined = { code, packages, readsParams: this.#paramsReader(code) };
      joined.readsParams.catch(() => undefined); // whoever waits for it sees the error
      this.#joined.set(key, joined);
    }
    return joined;
  }
}

/** The entries in code-unit order of their names. */
export const inOrder = (entries: Entries): Entries =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => byCodeUnit(a, b)));
