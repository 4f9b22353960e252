// Makes text that a command printed fit to be shown: whole lines, without what would move or recolour a terminal.
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

/** Escape sequences that carry a text up to their end: window titles, links, device strings. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const textSequences = /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c)/gs;

/** Escape sequences of one or two more characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const shortSequences = /\x1b[ -/]*[0-~]?/g;

/** All controls but the tab; and the marks that turn the direction of writing, which would reorder what follows. */
const controls = /(?!\t)[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A line as it looks on a terminal in the end. A progress bar overwrites itself after carriage returns: only its last state
 * is kept. Escape sequences and control characters are removed.
 */
export function printable(line: string): string {
  const states = line.includes('\r') ? line.split('\r') : [line];
  for (let state = states.pop(); state !== undefined; state = states.pop()) {
    const text = stripVTControlCharacters(state.replaceAll(textSequences, ''))
      .replaceAll(shortSequences, '')
      .replaceAll(controls, '');
    if (text.trim() !== '' || states.length === 0) return text;
  }
  return '';
}

/** The first characters of a text that is too long for a line, with a mark. */
export const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…` : text;

/** How much of a line without an end is kept, in characters. */
const longestLine = 1 << 16;

/** Cuts a stream of bytes into lines, as it comes: characters that are cut in two are put together, invalid ones replaced. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #open = '';

  /** @param onLine gets each line as it was printed, without its end */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(piece: Buffer): void {
    this.#take(this.#decoder.write(piece));
  }

  /** The stream has ended: a last line needs no end. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#open !== '') this.#onLine(this.#open);
    this.#open = '';
  }

  #take(text: string): void {
    const lines = (this.#open + text).split('\n');
    this.#open = lines.pop()!;
    if (this.#open.length > longestLine) this.#open = withoutOverwritten(this.#open);
    for (const line of lines) this.#onLine(line);
  }
}

/** A progress bar may write megabytes on one line: only its last state counts. */
function withoutOverwritten(line: string): string {
  const state = line.lastIndexOf('\r', line.length - 2);
  return line.slice(Math.max(0, state)).slice(0, longestLine);
}
