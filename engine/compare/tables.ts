// Draws rows of cells: aligned for a terminal, or as a Markdown table.
import Table from 'cli-table3';
import { markdownTable } from 'markdown-table';
import type pc from 'picocolors';
import stringWidth from 'string-width';

export type Colors = ReturnType<typeof pc.createColors>;

/** A column's heading and how its cells stand. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

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
export function terminalTable(data: TableData, colors: Colors): string {
  const { columns, rows } = usedColumns(data);
  const table = new Table({
    head: columns.map(({ title }) => colors.dim(title)),
    colAligns: columns.map(({ align }) => align),
    chars: { ...noBorders, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => row.map((cell) => cut(oneLine(cell)))));
  const lines = table.toString().split('\n');
  return [colors.bold(data.title), ...lines.map((line) => `  ${line}`.trimEnd())].join('\n');
}

/** For a page or a pull request's comment. */
export function markdownSection(data: TableData): string {
  const { columns, rows } = usedColumns(data);
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(escaped));
  const align = columns.map((column) => column.align);
  return `**${escaped(data.title)}**\n\n${markdownTable(cells, { align, stringLength: stringWidth })}`;
}

/** A column in which no row has anything to say is left out. */
function usedColumns({ columns, rows }: TableData): Pick<TableData, 'columns' | 'rows'> {
  const used = columns.map((_, i) => rows.some((row) => row[i] !== ''));
  return {
    columns: columns.filter((_, i) => used[i]),
    rows: rows.map((row) => row.filter((_, i) => used[i])),
  };
}

const longestCell = 72;

const cut = (cell: string): string =>
  cell.length > longestCell ? `${cell.slice(0, longestCell - 1)}…` : cell;

const oneLine = (cell: string): string => cell.replaceAll(/\r?\n/g, '⏎');

const escaped = (cell: string): string => oneLine(cell).replaceAll(/[\\`*_<>|]/g, '\\$&');
