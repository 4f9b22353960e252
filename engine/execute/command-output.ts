// Takes what a stage's commands print: all of it into the log, warnings and lines to whoever wants them, the last lines for failures.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { Lines, printable, shortened } from '../printable.ts';
import { warningIn } from '../stage-warning.ts';

/** How many bytes of what commands print the log keeps. Then only the last lines are added. */
const logLimit = 100e6;

/** The last lines, and how much of each, that a failure shows. */
const tailLines = 20;
const tailWidth = 500;

/** Blank lines and lines of controls only are not shown, so a few more are kept. */
const keptLines = 3 * tailLines;

/** Warnings that are shown of one run. */
const shownWarnings = 10;

export interface OutputReaders {
  /** Gets each whole line, without controls. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly onWarning: (message: string) => void;
}

export class CommandOutput {
  readonly #readers: OutputReaders;
  #log: number | undefined;
  #logged = 0;
  readonly #last: string[] = [];
  #warnings = 0;

  /** @param log file for everything that is printed */
  constructor(log: string, readers: OutputReaders) {
    this.#readers = readers;
    try {
      mkdirSync(dirname(log), { recursive: true });
      this.#log = openSync(log, 'w');
    } catch (error) {
      this.#loseLog(error);
    }
  }

  /** Reads a stream until it ends. Each stream has its own lines, so that those of two never mix. */
  read(stream: Readable): void {
    const lines = new Lines((line) => this.#line(line));
    stream.on('data', (piece: Buffer) => {
      this.#write(piece);
      lines.write(piece);
    });
    stream.on('error', () => undefined); // what was read until then is kept
    stream.on('close', () => lines.end());
  }

  /** Adds a line of the engine's own. */
  note(line: string): void {
    this.#write(Buffer.from(`${line}\n`));
    this.#last.push(line);
  }

  warn(message: string): void {
    this.#warnings++;
    if (this.#warnings <= shownWarnings) this.#readers.onWarning(message);
  }

  /** Closes the log. @returns the last lines */
  end(): string[] {
    const tail = this.#last
      .map((line) => shortened(printable(line), tailWidth))
      .filter((line) => line.trim() !== '')
      .slice(-tailLines);
    if (this.#logged > logLimit)
      this.#append(
        Buffer.from(
          `\n[The log keeps the first ${logLimit / 1e6} MB. The last lines:]\n${tail.join('\n')}\n`,
        ),
      );
    if (this.#warnings > shownWarnings)
      this.#readers.onWarning(`There are ${this.#warnings - shownWarnings} more warnings in its log.`);
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    return tail;
  }

  #line(line: string): void {
    this.#last.push(line);
    if (this.#last.length > 2 * keptLines) this.#last.splice(0, keptLines);
    const warning = warningIn(line);
    if (warning !== undefined) this.warn(warning);
    else this.#readers.onLine?.(printable(line));
  }

  #write(piece: Buffer): void {
    if (this.#logged <= logLimit) this.#append(piece.subarray(0, logLimit - this.#logged));
    this.#logged += piece.length;
  }

  /** In one step, so that a command which prints faster than the disk writes has to wait, and fills no memory. */
  #append(piece: Buffer): void {
    try {
      for (let done = 0; this.#log !== undefined && done < piece.length; )
        done += writeSync(this.#log, piece, done);
    } catch (error) {
      this.#loseLog(error);
    }
  }

  /** A log that can't be kept, on a full disk, costs no work. */
  #loseLog(error: unknown): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    this.warn(`Its log can't be written (${code}); what it prints from here on is lost.`);
  }
}
