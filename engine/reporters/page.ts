// Puts lines and tables on a page: for a terminal, or in Markdown that a job summary or a comment can hold.
import { markdownRows, markdownText, type TableData, terminalTable } from './tables.ts';

/** Lines of text, or a table. */
export type Section = TableData | { readonly title: string; readonly lines: readonly string[] };

export interface Page {
  /** The first lines, in plain words. */
  readonly heading: readonly string[];
  readonly sections: readonly Section[];
  /** Lines at the end. */
  readonly notes: readonly string[];
}

/** Bytes that a job summary or a comment surely holds: GitHub's comments take 65,536 characters. */
const mostBytes = 64_000;

/**
 * The page as text. What is left out of a section is counted.
 *
 * @param rows that a section has at most; Markdown has fewer if it would be too long
 */
export function pageText(page: Page, format: 'table' | 'md', rows: number, more: string): string {
  if (format === 'table') return drawn(page, format, rows, more);
  const largest = Math.max(0, ...page.sections.map((section) => entriesOf(section).length));
  for (let most = Math.min(rows, largest); ; most = Math.floor(most / 2)) {
    const text = drawn(page, format, most, more);
    if (most === 0 || Buffer.byteLength(text) <= mostBytes) return text;
  }
}

const entriesOf = (section: Section): readonly unknown[] =>
  'lines' in section ? section.lines : section.rows;

function drawn(
  { heading, sections, notes }: Page,
  format: 'table' | 'md',
  most: number,
  more: string,
): string {
  const isMarkdown = format === 'md';
  const parts = sections
    .filter((section) => entriesOf(section).length > 0)
    .map((section) => {
      const left = entriesOf(section).length - most;
      const rest =
        left > 0 ? `… and ${left.toLocaleString('en')} more${more === '' ? '' : `: ${more}`}` : undefined;
      return isMarkdown ? markdownSection(section, most, rest) : terminalSection(section, most, rest);
    });
  const lines = (all: readonly string[]): string =>
    isMarkdown ? all.map((line) => markdownText(line)).join('\n\n') : all.join('\n');
  return [lines(heading), ...parts, lines(notes)].filter((part) => part !== '').join('\n\n');
}

function terminalSection(section: Section, most: number, rest: string | undefined): string {
  const lines =
    'lines' in section
      ? [section.title, ...section.lines.slice(0, most).map((line) => `  ${line}`)]
      : [terminalTable({ ...section, rows: section.rows.slice(0, most) })];
  return [...lines, ...(rest === undefined ? [] : [`  ${rest}`])].join('\n');
}

function markdownSection(section: Section, most: number, rest: string | undefined): string {
  const title = `**${markdownText(section.title)}**`;
  const body =
    'lines' in section
      ? section.lines
          .slice(0, most)
          .map((line) => `- ${markdownText(line)}`)
          .join('\n')
      : markdownRows({ ...section, rows: section.rows.slice(0, most) });
  return [title, body, ...(rest === undefined ? [] : [rest])].filter((part) => part !== '').join('\n\n');
}
