// Says in words what a traced run read and wrote without declaring it, and what to do about it.
import pc from 'picocolors';
import type { Audit } from '../audit/audit.ts';
import { pathText } from './path-text.ts';

/** One line if all is declared; otherwise each path on a line of its own. */
export function auditText({ stage, reads, writes }: Audit & { readonly stage: string }): string {
  if (reads.length + writes.length === 0)
    return `${pc.green('•')} ${stage} reads and writes only what it declares.`;
  const list = (heading: string, paths: readonly string[]): string[] =>
    paths.length === 0 ? [] : [heading, ...paths.map((path) => `    ${pathText(path)}`)];
  return [
    `${pc.yellow('•')} ${stage} does not declare all that it reads and writes:`,
    ...list('  It reads these files of the project; add them to `deps`:', reads),
    ...list(
      '  It writes these files of the project; declare them under `outs` and write to `${outs.…}`:',
      writes,
    ),
  ].join('\n');
}
