// Shows what a run printed: whole lines that are fit for a terminal, or every byte.
import { once } from 'node:events';
import type { Emit } from '../event.ts';
import { Lines, printable } from '../printable.ts';

export class ShownOutput {
  readonly #emit: Emit;
  readonly #raw: boolean;
  readonly #lines: Lines;
  #text = '';

  constructor(emit: Emit, raw: boolean) {
    this.#emit = emit;
    this.#raw = raw;
    this.#lines = new Lines((line) => {
      this.#text += `${printable(line)}\n`;
    });
  }

  /** Resolves when there is room for more. */
  async write(piece: Buffer): Promise<void> {
    if (this.#raw) process.stdout.write(piece);
    else this.#lines.write(piece);
    this.#flush();
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  }

  end(): void {
    this.#lines.end();
    this.#flush();
  }

  #flush(): void {
    if (this.#text !== '') this.#emit({ type: 'output', text: this.#text });
    this.#text = '';
  }
}
