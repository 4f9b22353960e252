// The text of a block of pipeline.lock: JSON with a value in one line if it fits, so that diffs are short and readable.

/** Longest line for a value that holds others. */
const width = 160;

/** JSON text of `value`, its outermost braces in lines of their own. */
export function blockText(value: object): string {
  return text(value, '', true);
}

function text(value: unknown, indent: string, isOpen: boolean): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  if (!isOpen) {
    const line = inline(value);
    if (indent.length + line.length <= width) return line;
  }
  const inner = `${indent}  `;
  const items = isList
    ? filled(
        value.map((item) => text(item, inner, false)),
        width - inner.length,
      )
    : members(value).map(([key, item]) => `${JSON.stringify(key)}: ${text(item, inner, false)}`);
  return items.length === 0
    ? `${open}${close}`
    : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** Puts as many items of a long list into a line as fit. */
function filled(items: readonly string[], room: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const item of items) {
    const longer: string = line === undefined ? item : `${line}, ${item}`;
    if (line !== undefined && (longer.length > room || item.includes('\n'))) {
      lines.push(line);
      line = item;
    } else line = longer;
  }
  return line === undefined ? lines : [...lines, line];
}

function inline(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  const items = members(value).map(([key, item]) => `${JSON.stringify(key)}: ${inline(item)}`);
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`;
}

/** What JSON has of an object: not what is undefined. */
const members = (value: object): [string, unknown][] =>
  Object.entries(value).filter(([, item]) => item !== undefined);
