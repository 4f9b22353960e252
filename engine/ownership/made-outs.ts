// Which outputs the engine has put into this workspace, and what they held: unlike pipeline.lock, it outlives an edit of
// pipeline.yaml and a change of branch.
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../store/files.ts';
import type { Content } from '../store/tree.ts';

/** Relative to the project. */
const madeFile = 'cache/made.jsonl';

/** An output as a run left it. */
export interface MadeOut extends Content {
  readonly path: string;
  /** The instance that made it. */
  readonly stage: string;
  /** Present if the store does not keep it. */
  readonly cache?: false;
}

/** The parameters that a run was asked for. */
export interface PlanChoice {
  readonly profile?: string | undefined;
  readonly set?: readonly string[] | undefined;
}

type Line = MadeOut | { readonly path: string; readonly gone: true } | { readonly choice: PlanChoice };

/** A log that is only ever appended to, so that a kill loses at most its last line, and rewritten when it has grown. */
export class MadeOuts {
  readonly #file: string;
  readonly #outs = new Map<string, MadeOut>();
  /** Folders around the outputs. */
  readonly #folders = new Set<string>();
  #choice: PlanChoice = {};
  #lines = 0;
  #isTorn = false;
  #descriptor: number | undefined;

  constructor(root: string) {
    this.#file = join(root, madeFile);
    this.#read();
  }

  /** The parameters of the last repro: what is in the workspace belongs to these. */
  get choice(): PlanChoice {
    return this.#choice;
  }

  get(path: string): MadeOut | undefined {
    return this.#outs.get(path);
  }

  all(): Iterable<MadeOut> {
    return this.#outs.values();
  }

  /** Notes an output before it gets its place; what was made inside it before is gone with that. */
  note({ path, stage, type, hash, size, files, cache }: MadeOut): void {
    const before = this.#outs.get(path);
    if (before?.hash === hash && before.type === type && before.stage === stage && before.cache === cache)
      return;
    if (before === undefined && this.#folders.has(path))
      for (const inner of [...this.#outs.keys()]) if (inner.startsWith(`${path}/`)) this.forget(inner);
    this.#append({ path, stage, type, hash, size, files, ...(cache === false ? { cache } : {}) });
  }

  /** Forgets an output that left the workspace, or is the user's own file now. */
  forget(path: string): void {
    if (this.#outs.has(path)) this.#append({ path, gone: true });
  }

  choose({ profile, set = [] }: PlanChoice): void {
    const choice = { ...(profile === undefined ? {} : { profile }), ...(set.length === 0 ? {} : { set }) };
    if (JSON.stringify(choice) !== JSON.stringify(this.#choice)) this.#append({ choice });
  }

  /** Ends the writing; a file most of whose lines are outdated is written again. */
  async close(): Promise<void> {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    if (this.#lines <= 2 * this.#outs.size + 100) return;
    const lines: Line[] = [{ choice: this.#choice }, ...this.#outs.values()];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await writeFileAtomic(this.#file, text, { durable: false });
    this.#lines = lines.length;
  }

  #read(): void {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      return; // nothing was made here yet
    }
    this.#isTorn = text !== '' && !text.endsWith('\n');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      this.#lines++;
      try {
        this.#take(JSON.parse(line) as Line);
      } catch {
        // A kill cut the line off.
      }
    }
  }

  #take(line: Line): void {
    if ('choice' in line) this.#choice = line.choice;
    else if ('gone' in line) this.#outs.delete(line.path);
    else {
      this.#outs.set(line.path, line);
      let folder = dirname(line.path);
      for (; folder !== '.' && !this.#folders.has(folder); folder = dirname(folder))
        this.#folders.add(folder);
    }
  }

  #append(line: Line): void {
    this.#take(line);
    if (this.#descriptor === undefined) {
      mkdirSync(dirname(this.#file), { recursive: true });
      this.#descriptor = openSync(this.#file, 'a');
    }
    writeSync(this.#descriptor, `${this.#isTorn ? '\n' : ''}${JSON.stringify(line)}\n`);
    this.#isTorn = false;
    this.#lines++;
  }
}
