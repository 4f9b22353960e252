// Where compare and check print, so that tests and other programs can listen.
import type { Failure } from '../failure.ts';

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
    failures: (failures) => process.stderr.write(failures.map(failureText).join('')),
    color: process.stdout.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb',
  };
}

/** The file, what is wrong and the next step; a place in a YAML file with its line and a caret. */
function failureText(failure: Failure): string {
  if (failure.reason !== 'configuration' && failure.reason !== 'usage' && failure.reason !== 'file') {
    throw new Error(`compare and check know no failure of kind ${failure.reason}`);
  }
  const lines = [failure.reason === 'file' ? `${failure.path}: ${failure.message}` : failure.message];
  if (failure.reason === 'configuration' && failure.position !== undefined) {
    const { file, line, column, length, text } = failure.position;
    lines[0] = `${file}:${line}:${column}: ${failure.message}`;
    lines.push(`  ${text}`, `  ${' '.repeat(column - 1)}${'^'.repeat(length)}`);
  }
  if (failure.hint !== undefined) lines.push(failure.hint);
  return `${lines.join('\n')}\n`;
}
