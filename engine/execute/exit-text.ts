// Says in a sentence how a command ended that did not succeed.
import { constants } from 'node:os';
import { byteText } from '../reporters/byte-text.ts';
import type { OutOfMemory } from './out-of-memory.ts';
import type { Ended } from './run-command.ts';

/** `Its command ended with exit code 139 (SIGSEGV).` and, for some ends, what to do about it. */
export function exitText(ended: Ended): string {
  if (ended.unstarted !== undefined) return ended.unstarted;
  const advice = adviceFor(ended);
  return `Its command ${endText(ended)}.${advice === undefined ? '' : ` ${advice}`}`;
}

function endText({ exitCode, killedBy }: Ended): string {
  if (killedBy !== null) return `was ended by ${killedBy}`;
  const signal = signalOf(exitCode);
  return `ended with exit code ${exitCode}${signal === undefined ? '' : ` (${signal})`}`;
}

function adviceFor({ exitCode, outOfMemory, peakMemory, tail }: Ended): string | undefined {
  if (outOfMemory !== undefined) return memoryText(outOfMemory, peakMemory);
  if (signalOf(exitCode) === 'SIGPIPE') return brokenPipe;
  return tail.some((line) => /Argument list too long/i.test(line)) ? longList : undefined;
}

/** What the kernel did, the peak and the limit. */
function memoryText({ sure, bytes, of }: OutOfMemory, peak: number | null): string {
  const what = sure
    ? "Memory ran out: the kernel's out-of-memory killer ended one of its processes"
    : 'Memory probably ran out';
  const seen = peak === null ? 'its peak is not known' : `its peak was ${byteText(peak)} as far as seen`;
  const limit = of === 'machine' ? 'the machine has' : 'its control group allows';
  return `${what}; ${seen}, and ${limit} ${byteText(bytes)}. A smaller \`--jobs\` or more \`slots\` run less beside it.`;
}

const brokenPipe =
  'A program in a pipe was still writing when its reader had seen enough, as with `head`; write `{ PROGRAM || true; } | …` if this is fine.';

const longList =
  'A program got more paths than the system allows as arguments. Give it a file that holds them, one a line, instead of `${lists.NAME}`: `${listfiles.NAME}`.';

/** The signal that a shell means by an exit code above 128: one that ended what it started. */
function signalOf(exitCode: number | null): NodeJS.Signals | undefined {
  const number = (exitCode ?? 0) - 128;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] as NodeJS.Signals | undefined;
}
