// Recognizes how a stage in any language warns the user: by a line `::warning::MESSAGE`, as in GitHub's workflows.
import { printable } from './printable.ts';

/** Characters of a warning that are shown. */
const longest = 2_000;

/** The warning that a line says, in one or more lines; undefined for other lines. */
export function warningIn(line: string): string | undefined {
  if (!line.includes('::warning')) return undefined;
  const found = /^::warning(?: [^:]*)?::(.*)$/.exec(printable(line).trim());
  if (found === null) return undefined;
  return found[1]!
    .slice(0, longest)
    .replaceAll(/%0d/gi, '')
    .replaceAll(/%0a/gi, '\n')
    .replaceAll('%25', '%')
    .split('\n')
    .map(printable)
    .join('\n');
}
