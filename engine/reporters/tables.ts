// Draws rows of cells: aligned for a terminal, or as a Markdown table.
import Table from 'cli-table3';
import { markdownTable } from 'markdown-table';
import pc from 'picocolors';
import stringWidth from 'string-width';

/** A column's heading and how its cells are aligned. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

export const left = (title: string): Column => ({ title, align: 'left' });
export const right = (title: string): Column => ({ title, align: 'right' });

/** A table in text: `title` is what its rows are about. */
export interface TableData {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

const noBorders = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
    ['', '-mid', '-left', '-right'].map((part) => [side + part, '']),
  ),
);

/** For a terminal: no borders, two blanks between columns, long cells cut. */
export function terminalTable(data: TableData): string {
  const { columns, rows } = usedColumns(data);
  if (rows.length === 0) return pc.bold(data.title);
  const table = new Table({
    head: columns.map(({ title }) => pc.dim(title)),
    colAligns: columns.map(({ align }) => align),
    chars: { ...noBorders, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => row.map((cell) => cut(oneLine(cell), longestCell))));
  const lines = table.toString().split('\n');
  return [pc.bold(data.title), ...lines.map((line) => `  ${line}`.trimEnd())].join('\n');
}

/** The rows as a Markdown table; empty if there are none. */
export function markdownRows(data: TableData): string {
  const { columns, rows } = usedColumns(data);
  if (rows.length === 0) return '';
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(markdownText));
  const align = columns.map((column) => column.align);
  return markdownTable(cells, { align, stringLength: stringWidth });
}

/** A text on one line, without what Markdown would take for markup. */
export const markdownText = (text: string): string =>
  cut(oneLine(text), longestMarkdown).replaceAll(/[\\*_<>|]/g, '\\$&');

/** A column in which no row has anything to say is left out. */
function usedColumns({ columns, rows }: TableData): Pick<TableData, 'columns' | 'rows'> {
  const used = columns.map((_, i) => rows.some((row) => row[i] !== ''));
  return {
    columns: columns.filter((_, i) => used[i]),
    rows: rows.map((row) => row.filter((_, i) => used[i])),
  };
}

const longestCell = 72;
const longestMarkdown = 1000;

const cut = (cell: string, longest: number): string =>
  cell.length > longest ? `${cell.slice(0, longest - 1)}…` : cell;

const oneLine = (cell: string): string => cell.replaceAll(/\r?\n/g, '⏎');
