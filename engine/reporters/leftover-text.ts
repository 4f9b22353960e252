// Says what is left over, what moved out and what stays: in status, repro and clean.
import pc from 'picocolors';
import type { Event } from '../event.ts';
import { typed } from '../invocation.ts';
import { shellWord } from '../shell-word.ts';
import { pathText } from './path-text.ts';

/** So many are named, the rest is counted. */
const shown = 10;

/** A line for each output that is left over. */
export const leftoversText = ({ outs }: Extract<Event, { type: 'leftovers' }>): string =>
  lines(outs, ({ path, stage, edited }) =>
    edited
      ? `${pc.yellow('•')} ${pathText(path)} is left over from ${stage}, but was changed by hand: it stays, and nothing reads it. Move it, delete it, or run \`${typed(`clean --keep ${shellWord(path)}`)}\`.`
      : `${pc.yellow('−')} ${pathText(path)} is left over from ${stage}; ${pc.dim('repro and clean move it out')}`,
  );

/** A line for each output that left the workspace. */
export const movedOutText = ({ outs }: Extract<Event, { type: 'moved-out' }>): string =>
  lines(outs, ({ path, stage, to }) => {
    const where = to === undefined ? 'moved out' : `moved to ${pathText(to)}`;
    return `${pc.yellow('−')} ${pathText(path)} ${where}, ${pc.dim(`left over from ${stage}`)}`;
  });

/** One line for what was at an output's path. */
export function displacedText({ stage, path, to, made }: Extract<Event, { type: 'displaced' }>): string {
  const what = made ? 'was changed by hand; that version' : 'was there, but no run made it; it';
  return `${pc.yellow('•')} ${stage}: \`${pathText(path)}\` ${what} is now ${pathText(to)}.`;
}

/** A line for each file that the user keeps. */
export const adoptedText = ({ paths }: Extract<Event, { type: 'adopted' }>): string =>
  lines(paths, (path) => `${pc.green('✔')} ${pathText(path)} is a file of your own now`);

/** One line: what clean did. */
export function cleanText({ dry, moved, kept }: Extract<Event, { type: 'clean' }>): string {
  if (moved + kept === 0) return `${pc.green('✔')} Nothing is left over`;
  const stays = kept === 0 ? '' : `, ${kept} changed by hand ${dry ? 'would stay' : 'stayed'}`;
  if (dry) return `${moved} would be moved out${stays}`;
  return `${kept === 0 ? pc.green('✔') : pc.yellow('•')} ${moved} moved out${stays}`;
}

function lines<T>(all: readonly T[], text: (one: T) => string): string {
  const rest = all.length - shown;
  const named = rest > 1 ? all.slice(0, shown) : all;
  return [...named.map(text), ...(rest > 1 ? [`  and ${rest} more`] : [])].join('\n');
}
