// Says in a sentence how a command ended that did not succeed.
import { constants } from 'node:os';
import type { Ended } from './run-command.ts';

/** `Its command ended with exit code 139 (SIGSEGV).` and, for some ends, what to do about it. */
export function exitText({ exitCode, killedBy, unstarted, tail }: Ended): string {
  if (unstarted !== undefined) return unstarted;
  if (killedBy !== null) return `Its command was ended by ${killedBy}.`;
  const signal = signalOf(exitCode);
  const named = signal === undefined ? '' : ` (${signal})`;
  const advice =
    signal === 'SIGPIPE'
      ? ` ${brokenPipe}`
      : tail.some((line) => /Argument list too long/i.test(line))
        ? ` ${longList}`
        : '';
  return `Its command ended with exit code ${exitCode}${named}.${advice}`;
}

const brokenPipe =
  'A program in a pipe was still writing when its reader had seen enough, as with `head`; write `{ PROGRAM || true; } | …` if this is fine.';

const longList =
  'A program got more paths than the system allows as arguments. Give it a file that holds them, one a line, instead of `${lists.NAME}`: `${listfiles.NAME}`.';

/** The signal that a shell means by an exit code above 128: one that ended what it started. */
export function signalOf(exitCode: number | null): NodeJS.Signals | undefined {
  const number = (exitCode ?? 0) - 128;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] as NodeJS.Signals | undefined;
}
