// Markdown tables with aligned columns: they read well as plain text, too.

export interface Column<Row> {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly text: (row: Row) => string;
}

/** A table of one line a row, ending in a newline. Bars and line breaks in cells are escaped. */
export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const header = columns.map(({ title }) => title);
  const body = rows.map((row) => columns.map(({ text }) => escapeCell(text(row))));
  const widths = columns.map((_, i) => Math.max(3, ...[header, ...body].map((cells) => length(cells[i]!))));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => pad(cell, i)).join(' | ')} |\n`;
  const rule = columns.map(({ align }, i) =>
    align === 'right' ? `${'-'.repeat(widths[i]! - 1)}:` : '-'.repeat(widths[i]!),
  );
  return [line(header), line(rule), ...body.map(line)].join('');

  function pad(cell: string, i: number): string {
    const space = ' '.repeat(widths[i]! - length(cell));
    return columns[i]!.align === 'right' ? space + cell : cell + space;
  }
}

const length = (text: string) => [...text].length;
const escapeCell = (text: string) =>
  text.replace(/\r?\n/g, ' ').replaceAll('\\', '\\\\').replaceAll('|', '\\|');
