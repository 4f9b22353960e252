// Says what became of the store: the text of `gc` and `verify`.
import pc from 'picocolors';
import type { Event } from '../event.ts';
import type { Collected, CollectedRun } from '../gc/collect.ts';
import { byteText } from './byte-text.ts';
import { shortList } from './reason-text.ts';

/** One line for a run whose result leaves. */
export function collectedRunText({ stage, ended, lastUsed, bytes }: CollectedRun): string {
  return `${pc.yellow('−')} ${stage} ${pc.dim(`of ${ended}, last used ${lastUsed}, ${byteText(bytes)}`)}`;
}

/** One line: what left, what stays. */
export function collectedText({ dry, removed, kept, limit }: Collected): string {
  const verb = dry ? 'would be removed' : 'removed';
  const counts = [
    count(removed.runs, 'result'),
    count(removed.objects, 'object'),
    count(removed.logs, 'log'),
    ...(removed.partial > 0
      ? [count(removed.partial, 'state of cut-off runs', 'states of cut-off runs')]
      : []),
  ];
  const stays = `${count(kept.objects, 'object')} of ${byteText(kept.bytes)} ${dry ? 'would stay' : 'stay'}`;
  const line = `${pc.green('✔')} ${counts.join(', ')} ${verb}: ${byteText(removed.bytes)}; ${stays}`;
  if (limit === null || kept.bytes <= limit) return line;
  return `${line}\n${pc.yellow('•')} That is more than the limit of ${byteText(limit)}: all of it is needed.`;
}

/** What is damaged, and one line with the count. */
export function verifiedText({ objects, bytes, damaged }: Extract<Event, { type: 'verified' }>): string {
  const lines = damaged.map(({ hash, neededBy }) => {
    const whose = neededBy.length > 0 ? `part of ${shortList(neededBy)}` : 'of no result that is on record';
    return `${pc.red('✖')} ${hash} ${pc.dim(whose)}`;
  });
  const checked = `${count(objects, 'object')} of ${byteText(bytes)} checked`;
  if (damaged.length === 0) return `${pc.green('✔')} ${checked}, none damaged`;
  return [
    ...lines,
    `${pc.red('✖')} ${checked}, ${damaged.length} damaged: moved to cache/quarantine; repro makes anew what it needs`,
  ].join('\n');
}

const count = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;
