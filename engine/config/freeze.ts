// Sets and takes away `frozen: true` in the text of pipeline.yaml, and leaves every other character as it is.
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, type Pair, type Range, type Scalar, type YAMLMap } from 'yaml';
import { parseYaml } from './yaml-document.ts';

/** The text with the stage frozen or not; `same` where it was so; undefined where it can't be written in the file. */
export function setFrozen(text: string, stage: string, frozen: boolean): string | 'same' | undefined {
  const parsed = parseYaml(text);
  if (!parsed.ok) return undefined;
  const { document } = parsed.value;
  const before = parsed.value.value as { stages: Record<string, Record<string, unknown>> };
  if ((before.stages[stage]!.frozen === true) === frozen) return 'same';
  const stages = document.get('stages');
  const pair = isMap(stages) ? pairOf(stages, stage) : undefined;
  // A stage that is an alias of another has no fields of its own.
  if (pair === undefined || !isMap(pair.value)) return undefined;
  // Nor does it have a field of its own if it merges another stage's (`<<: *other`).
  if (!frozen && pairOf(pair.value, 'frozen') === undefined) return undefined;
  const edited = edit(text, pair.key as Scalar, pair.value, frozen);
  const { frozen: _, ...fields } = before.stages[stage]!;
  const expected = {
    ...before,
    stages: { ...before.stages, [stage]: frozen ? { ...fields, frozen: true } : fields },
  };
  const after = parseYaml(edited);
  // Whatever the file looks like: an edit that says anything else is none.
  return after.ok && isDeepStrictEqual(after.value.value, expected) ? edited : undefined;
}

function edit(text: string, key: Scalar, fields: YAMLMap, frozen: boolean): string {
  const own = pairOf(fields, 'frozen');
  if (own !== undefined && frozen) return splice(text, rangeOf(own.value), 'true');
  if (own !== undefined) return remove(text, fields, own);
  const first = (fields.items[0]!.key as Scalar).range!;
  if (fields.flow === true) return splice(text, [first[0], first[0]], 'frozen: true, ');
  // On a line of its own below the stage's name, before any comment on the first field.
  const lineEnd = text.indexOf('\n', key.range![1]) + 1;
  const newline = text[lineEnd - 2] === '\r' ? '\r\n' : '\n';
  const indent = ' '.repeat(first[0] - (text.lastIndexOf('\n', first[0] - 1) + 1));
  return splice(text, [lineEnd, lineEnd], `${indent}frozen: true${newline}`);
}

/** Takes a field away with its line, or in `{ }` with its comma. */
function remove(text: string, fields: YAMLMap, pair: Pair): string {
  const [start] = (pair.key as Scalar).range!;
  const end = rangeOf(pair.value)[1];
  const i = fields.items.indexOf(pair);
  if (fields.flow === true) {
    const next = fields.items[i + 1];
    const before = fields.items[i - 1];
    if (next !== undefined) return splice(text, [start, (next.key as Scalar).range![0]], '');
    return splice(text, [before === undefined ? start : rangeOf(before.value)[1], end], '');
  }
  const lineEnd = text.indexOf('\n', end);
  return splice(text, [text.lastIndexOf('\n', start - 1) + 1, lineEnd < 0 ? text.length : lineEnd + 1], '');
}

const pairOf = (map: YAMLMap, name: string): Pair | undefined =>
  map.items.find(({ key }) => isScalar(key) && String(key.value) === name);

const rangeOf = (node: unknown): Range => (node as { range: Range }).range;

const splice = (text: string, [start, end]: readonly number[], by: string): string =>
  text.slice(0, start) + by + text.slice(end);
