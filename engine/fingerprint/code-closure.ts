// The code that a command runs: its script and all local modules that this imports, as what they compile to.
import type { BuildFailure, Message } from 'esbuild';
import type { ConfigurationFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import { type FileClock, type Moment, settledBefore } from '../store/file-clock.ts';
import { readJson, writeFileAtomic } from '../store/files.ts';
import { changedAt } from '../store/stamp.ts';
import { ChangingFile } from '../store/tree.ts';
import { type Input, InputStates, isOfFolder } from './javascript/inputs.ts';

/** What a script runs. */
export interface CodeClosure {
  /** Path relative to the project → SHA-256 of what counts of it. */
  readonly code: Readonly<Record<string, string>>;
  /** Place of each package that it needs → version. */
  readonly packages: Readonly<Record<string, string>>;
  /** Files whose code loads modules by names that only the running code knows. */
  readonly computed: readonly string[];
  /** Everything that was looked at → its state then. The closure holds for as long as no state is another. */
  readonly inputs: Readonly<Record<Input, string>>;
  /** Whether every change of these files since gives another stamp. */
  readonly settled: boolean;
}

/** The file of closures. */
interface Memo {
  readonly rules: number;
  readonly closures: Record<string, CodeClosure>;
}

/** A closure that other rules made is not taken up: raise this with each change of what counts. */
const rules = 3;

/** Computes closures, and remembers them in a file for as long as none of their inputs changes. */
export class CodeClosures {
  readonly #root: string;
  readonly #memo: string;
  readonly #isMade: (path: string) => boolean;
  readonly #states: InputStates;
  readonly #remembered: Record<string, CodeClosure>;
  readonly #clock: FileClock;
  /** Scripts whose closures are those of now, as far as this run is concerned. */
  readonly #checked = new Set<string>();

  /**
   * @param clock of the project's file system
   * @param isMade whether a path, relative to the project, lies in what a stage makes
   */
  constructor(root: string, memo: string, clock: FileClock, isMade: (path: string) => boolean) {
    this.#root = root;
    this.#memo = memo;
    this.#clock = clock;
    this.#isMade = isMade;
    this.#states = new InputStates(root, isMade);
    const known = readJson<Memo>(memo);
    this.#remembered = known?.rules === rules ? known.closures : {};
  }

  /** Closures of all `scripts`, by script; or the places where one can't be compiled. */
  async of(scripts: readonly string[]): Promise<Result<Map<string, CodeClosure>>> {
    const unknown = scripts.filter(
      (script) => !this.#checked.has(script) && !this.#isCurrent(this.#remembered[script]),
    );
    if (unknown.length > 0) {
      const computed = await this.#compute(unknown);
      if (!computed.ok) return computed;
      Object.assign(this.#remembered, computed.value);
      const kept = Object.entries(this.#remembered).filter(([, { settled }]) => settled);
      const memo: Memo = { rules, closures: Object.fromEntries(kept) };
      // If the memo can't be written, the next run takes longer, and that is all.
      await writeFileAtomic(this.#memo, JSON.stringify(memo), { durable: false }).catch(() => undefined);
    }
    for (const script of scripts) this.#checked.add(script);
    return succeed(new Map(scripts.map((script) => [script, this.#remembered[script]!])));
  }

  /** A file that is no longer what a closure was computed from; undefined if there is none. */
  async changed(script: string, closure: CodeClosure): Promise<string | undefined> {
    const changed = Object.keys(closure.inputs).filter(
      (input) => this.#states.now(input) !== closure.inputs[input],
    );
    const file = changed.find((input) => !isOfFolder(input));
    if (file !== undefined) return file;
    if (changed.length === 0 && closure.settled) return undefined;
    // Neither stamps nor the names in folders can tell; the content can.
    const fresh = new CodeClosures(this.#root, this.#memo, this.#clock, this.#isMade);
    const computed = await fresh.#compute([script]);
    const now = computed.ok ? computed.value[script]! : undefined;
    if (now === undefined) return script;
    const differs = (before: Readonly<Record<string, string>>, after: typeof before): string | undefined =>
      Object.keys({ ...before, ...after }).find((name) => before[name] !== after[name]);
    return differs(closure.code, now.code) ?? differs(closure.packages, now.packages);
  }

  /** Looks at all files again from now on. */
  forget(): void {
    this.#states.clear();
    this.#checked.clear();
  }

  #isCurrent(remembered: CodeClosure | undefined): boolean {
    if (remembered?.settled !== true) return false;
    return Object.entries(remembered.inputs).every(([input, state]) => this.#states.of(input) === state);
  }

  async #compute(scripts: readonly string[]): Promise<Result<Record<string, CodeClosure>>> {
    try {
      const closures: Record<string, CodeClosure> = {};
      const moment = this.#clock.now();
      const { closuresOf } = await import('./javascript/closures.ts');
      const computed = await closuresOf(this.#root, scripts, this.#states, this.#isMade);
      if (!computed.ok) return computed;
      for (const [script, closure] of Object.entries(computed.value))
        closures[script] = { ...closure, settled: this.#areSettled(closure.inputs, moment) };
      return succeed(closures);
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Whether all files that were read from `moment` on had been left alone for long enough. */
  #areSettled(inputs: CodeClosure['inputs'], moment: Moment | undefined): boolean {
    const files = Object.entries(inputs).filter(([input, state]) => !isOfFolder(input) && state !== 'none');
    const before = settledBefore(moment, new Set(files.map(([input]) => this.#states.deviceOf(input))));
    return files.every(([, state]) => changedAt(state) < before);
  }
}

/** A mistake in the code, or code that somebody writes meanwhile, as a failure. */
function failureOf(error: unknown): Result<never> {
  if (error instanceof ChangingFile) return fail({ reason: 'configuration', message: error.message });
  const { errors } = error as Partial<BuildFailure>;
  if (errors === undefined) throw error;
  return fail(...errors.map(notCompiled));
}

/** What the compiler does not understand, and its place. */
function notCompiled({ text, location }: Message): ConfigurationFailure {
  const message = `${text}.`;
  if (location === null) return { reason: 'configuration', message };
  const { file, line, column, length, lineText } = location;
  return {
    reason: 'configuration',
    message,
    position: { file, line, column: column + 1, length, text: lineText },
  };
}
