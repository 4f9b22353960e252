// Where compare and check print, so that tests and other programs can listen.
import type { Failure } from '../failure.ts';
import { failureText } from '../reporters/failure-text.ts';

export interface Output {
  /** Writes what was asked for; the text ends in a line end. */
  out(text: string): void;
  /** Tells something beside it, on a line of its own. */
  note(text: string): void;
  failures(failures: readonly Failure[]): void;
  /** Whether `out` may hold colours. */
  readonly color: boolean;
}

/** The process' own streams: results on stdout, in colour on a terminal unless NO_COLOR is set; all else on stderr. */
export function terminal(): Output {
  const { NO_COLOR, TERM } = process.env;
  return {
    out: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(`${text}\n`),
    failures: (failures) =>
      process.stderr.write(failures.map((failure) => `${failureText(failure)}\n`).join('')),
    color: process.stdout.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb',
  };
}
