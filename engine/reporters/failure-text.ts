// Says each failure in words: what is wrong, where, and the next step.
import pc from 'picocolors';
import type { Failure, SourcePosition, UnownedFailure } from '../failure.ts';
import { typed } from '../invocation.ts';
import { shellWord } from '../shell-word.ts';
import { duration } from './duration.ts';
import { pathText } from './path-text.ts';

/** The whole text of a failure, several lines without a final newline. */
export function failureText(failure: Failure): string {
  switch (failure.reason) {
    case 'configuration':
      return lines(
        failure.position === undefined
          ? heading(failure.message)
          : `${place(failure.position)} ${failure.message}`,
        failure.position && snippet(failure.position),
        failure.hint,
      );
    case 'file':
      return lines(heading(`${failure.path}: ${failure.message}`), failure.hint);
    case 'usage':
      return lines(heading(failure.message), failure.hint);
    case 'environment':
      return lines(
        `${place(failure.position)} The environment fact \`${failure.name}\` can't be found: ${sentence(failure.message)}`,
        snippet(failure.position),
      );
    case 'locked':
      return lines(
        heading(
          `Another run ${failure.store === undefined ? 'is at work here' : `uses the store ${pathText(failure.store)}`}: pid ${failure.pid} on ${failure.host}, since ${failure.since}.`,
        ),
        'Wait for it to end, or end it, and try again.',
        failure.silence &&
          `If it is dead, the next run takes over after ${duration(failure.silence.limit)} without a sign of life; the last was ${duration(failure.silence.seconds)} ago.`,
      );
    case 'lost-lock':
      return lines(
        heading(
          'This run lost its lock in cache/run.lock: another run took over, or somebody deleted it. It stopped at once and recorded nothing more.',
        ),
        `A run that gives no sign of life for ${duration(failure.limit)}, because it was suspended for example, is taken for dead. Run it again.`,
      );
    case 'not-stored':
      return lines(
        heading(`\`${pathText(failure.path)}\` of ${failure.stage} ${notStored[failure.why]}.`),
        `Make it with \`${typed(`repro ${shellWord(failure.stage)}`)}\`, or copy the store (cache/) from where it was made.`,
      );
    case 'unsaved':
      return lines(
        heading(
          `\`${pathText(failure.path)}\` of ${failure.stage} holds what neither the store nor pipeline.lock knows; it was left as it is.`,
        ),
        `Keep it with \`${typed(`commit ${shellWord(failure.stage)}`)}\` or a copy, or overwrite it with \`--force\`.`,
      );
    case 'unowned':
      return lines(
        `${pc.red('✖')} ${pc.bold(failure.stage)} failed. ${unownedText(failure)}; it was left as it is.`,
        `  Move it away. Or keep it as what \`${failure.stage}\` makes with \`${typed(`commit ${shellWord(failure.stage)}`)}\`, or replace it with \`${typed(`repro --force ${shellWord(failure.stage)}`)}\`, which moves it to cache/displaced.`,
        failure.skips.length > 0 ? `  Skipped, because they need it: ${failure.skips.join(', ')}` : undefined,
      );
    case 'system':
      return heading(failure.message);
    case 'interrupted':
      return `${pc.yellow('Interrupted')} by ${failure.signal}; what is finished is kept.`;
    case 'stage':
      return lines(
        `${pc.red('✖')} ${pc.bold(failure.stage)} failed. ${failure.message}`,
        failure.tail.length > 0
          ? failure.tail.map((line) => `  ${pc.dim('│')} ${line}`).join('\n')
          : undefined,
        failure.log === null ? undefined : `  The whole log: ${failure.log}`,
        failure.skips.length > 0 ? `  Skipped, because they need it: ${failure.skips.join(', ')}` : undefined,
      );
  }
}

/** `… exists, but no run made it` */
export const unownedText = ({ path }: Pick<UnownedFailure, 'path'>): string =>
  `\`${pathText(path)}\` exists, but no run made it`;

const notStored = {
  missing: 'is not in the store',
  damaged: 'is damaged in the store; the object was moved to cache/quarantine',
  uncached: 'is not kept in the store (cache: false)',
};

const heading = (message: string): string => `${pc.red('error:')} ${message}`;

const place = ({ file, line, column }: SourcePosition): string =>
  `${pc.cyan(`${file}:${line}:${column}`)} ${pc.red('error:')}`;

/** A message that others wrote, with an end. */
const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);

/** The line with carets under what is meant. */
function snippet(position: SourcePosition): string {
  const { line, column, length, text } = clipped(position);
  const number = String(line);
  const caret = `${' '.repeat(column - 1)}${'^'.repeat(Math.max(1, Math.min(length, text.length - column + 1)))}`;
  return `  ${pc.dim(`${number} │`)} ${text}\n  ${' '.repeat(number.length)} ${pc.dim('│')} ${pc.red(caret)}`;
}

const longLine = 240; // characters

/** Of a long line what is around the mistake. */
function clipped(position: SourcePosition): SourcePosition {
  const { column, text } = position;
  if (text.length <= longLine) return position;
  const start = Math.max(0, column - 1 - longLine / 2);
  const part = text.slice(start, start + longLine);
  return {
    ...position,
    column: column - start + (start > 0 ? 1 : 0),
    text: `${start > 0 ? '…' : ''}${part}${start + longLine < text.length ? '…' : ''}`,
  };
}

const lines = (...parts: (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join('\n');
