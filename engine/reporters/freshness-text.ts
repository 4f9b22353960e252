// Says which metrics were not measured with the code, data and parameters beside them.
import type { FileProblem } from '../compare/results.ts';
import type { Freshness, Stale } from '../compare/stale.ts';
import { typed } from '../invocation.ts';
import { count } from './count.ts';
import { pathText } from './path-text.ts';
import { reasonsText, reasonText } from './reason-text.ts';

/** The first of the stale parts; the rest is counted. */
const mostLines = 10;

/** What is stale, in a few lines; none if nothing is. */
export function staleLines({ stale }: Freshness, version: string): string[] {
  if (stale.length === 0) return [];
  const number = (which: Stale['what']): number => stale.filter(({ what }) => what === which).length;
  const part = (n: number, noun: string, one: string, many: string): string[] =>
    n === 0 ? [] : [`${count(n, noun)} ${n === 1 ? one : many}`];
  const parts = [
    ...part(number('stage'), 'stage', 'is not up to date', 'are not up to date'),
    ...part(number('no-stage'), 'metrics file', 'belongs to no stage', 'belong to no stage'),
  ];
  const rest = stale.length - mostLines;
  return [
    `Stale: in ${version} ${parts.join(', and ')}. Nobody measured what this version gives.`,
    ...stale.slice(0, mostLines).map((each) => `  ${staleText(each)}`),
    ...(rest > 0 ? [`  … and ${rest.toLocaleString('en')} more`] : []),
    `Run \`${typed('repro')}\` to measure it.`,
  ];
}

const actions = {
  run: 'would run',
  restore: 'would be restored',
  'may-run': 'may run',
  blocked: "can't run",
} as const;

export function staleText(stale: Stale): string {
  switch (stale.what) {
    case 'stage': {
      const reasons = reasonsText(stale.reasons);
      return `${stale.stage} ${actions[stale.action]}${reasons === '' ? '' : ` (${reasons})`}`;
    }
    case 'no-stage':
      return `${pathText(stale.path)}: no stage makes it`;
  }
}

/** What limits the answer. */
export function freshnessNotes({ machine, unknown }: Freshness, version: string): string[] {
  const notes: string[] = [];
  if (machine.length > 0)
    notes.push(
      `This machine differs from the one that measured: ${machine.map(reasonText).join('; ')}. The metrics belong to this code all the same.`,
    );
  if (unknown === true)
    notes.push(`There is no pipeline in ${version} that tells whether its metrics belong to its code.`);
  return notes;
}

/** Files and metrics that can't be compared. */
export const problemLines = (problems: readonly FileProblem[]): string[] =>
  problems.map(({ path, version, message }) => `${pathText(path)} in ${version}: ${message}`);
