// Remembers which parameters a schema has accepted, so that a run with nothing to do need not load the schema.
import { join } from 'node:path';
import type { CompiledModule } from '../project-module.ts';
import { readJson, writeFileAtomic } from '../store/files.ts';
import { sha256 } from '../store/tree.ts';

/** As many as a user goes back and forth between. */
const kept = 64;

/** What schemas have accepted in this project; deleting it costs time and nothing else. */
export class Accepted {
  readonly #file: string;
  readonly #key: string;

  constructor(root: string, schema: CompiledModule, values: unknown) {
    this.#file = join(root, 'cache', 'memo', 'accepted.json');
    this.#key = sha256(`${schema.key}\n${JSON.stringify(values)}`);
  }

  has(): boolean {
    return this.#read().includes(this.#key);
  }

  async remember(): Promise<void> {
    const others = this.#read().filter((key) => key !== this.#key);
    // A folder that can't be written to must not keep anybody from planning.
    await writeFileAtomic(this.#file, JSON.stringify([this.#key, ...others].slice(0, kept))).catch(
      () => undefined,
    );
  }

  #read(): string[] {
    const keys = readJson<unknown>(this.#file);
    return Array.isArray(keys) ? keys : [];
  }
}
