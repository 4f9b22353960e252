// Says in a few words why a stage is not fresh.
import type { Reason } from '../explain.ts';
import { pathText } from './path-text.ts';

/** One reason: `models.cnn1.dropout 0.5 → 0.3`. */
export function reasonText(reason: Reason): string {
  switch (reason.what) {
    case 'never-run':
      return 'not in pipeline.lock yet';
    case 'forced':
      return 'forced';
    case 'always':
      return 'runs every time';
    case 'format':
      return 'the fingerprint format changed';
    case 'cmd':
      return `command ${commandDifference(reason.old, reason.new)}`;
    case 'shell':
      return `shell ${reason.old} → ${reason.new}`;
    case 'wdir':
      return `wdir ${reason.old} → ${reason.new}`;
    case 'code':
      return `${pathText(reason.file)} ${reason.change}`;
    case 'package':
      return `${reason.name} ${reason.old ?? '—'} → ${reason.new ?? '—'}`;
    case 'param':
      return `${reason.name} ${difference(reason.old, reason.new)}`;
    case 'matrix':
      return `matrix ${reason.axis} ${difference(reason.old, reason.new)}`;
    case 'dep':
      return `${pathText(reason.path)} ${reason.change}`;
    case 'environment':
      return `${reason.name} ${reason.old ?? '—'} → ${reason.new ?? '—'}`;
    case 'variable':
      return `${reason.name} ${variableChanges[reason.change]}`;
    case 'out-moved':
      return `out ${reason.name}: ${reason.old ?? '—'} → ${reason.new ?? '—'}`;
    case 'upstream':
      return `after ${shortList(reason.stages)}`;
    case 'out':
      return `${pathText(reason.path)} ${reason.state === 'mode' ? 'has another mode' : `is ${reason.state}`}`;
  }
}

const variableChanges = {
  changed: 'changed',
  set: 'is now set',
  unset: 'is no longer set',
  added: 'added to env',
  removed: 'removed from env',
};

/** All reasons in one line, the first few in words and the rest counted. */
export function reasonsText(reasons: readonly Reason[]): string {
  const shown = reasons.slice(0, 3).map(reasonText).join('; ');
  return reasons.length > 3 ? `${shown}; and ${reasons.length - 3} more` : shown;
}

/** The first few names, the rest counted. */
export function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** Old → new, each on one line; of long commands what stands around the first difference. */
function commandDifference(old: string, now: string): string {
  const [before, after] = [old, now].map((cmd) => cmd.replaceAll(/\s+/g, ' ').trim()) as [string, string];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  const start = Math.max(before.length, after.length) <= longCommand ? 0 : Math.max(0, same - 20);
  const part = (cmd: string): string => {
    const end = start + longCommand;
    return `\`${start > 0 ? '…' : ''}${cmd.slice(start, end)}${cmd.length > end ? '…' : ''}\``;
  };
  return `${part(before)} → ${part(after)}`;
}

const longCommand = 60; // characters

/** Old → new; of two mappings only what differs. */
function difference(old: unknown, now: unknown): string {
  if (isMapping(old) && isMapping(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    const own = (values: Record<string, unknown>, key: string): unknown =>
      Object.hasOwn(values, key) ? values[key] : undefined;
    return keys
      .map((key) => [key, own(old, key), own(now, key)] as const)
      .filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after))
      .map(([key, before, after]) => `${key} ${difference(before, after)}`)
      .join(', ');
  }
  return `${brief(old)} → ${brief(now)}`;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function brief(value: unknown): string {
  const text = value === undefined ? '—' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
