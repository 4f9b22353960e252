// A YAML file that remembers where each value stands, so that a mistake can be shown in its line.
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, visit } from 'yaml';
import type { SourcePosition } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import { readTextFile } from './text-file.ts';
import { type ParsedYaml, parseYaml } from './yaml-document.ts';
import { isMerge, keyText, replaceTag } from './yaml-value.ts';

export type Path = readonly (string | number)[];

/** Which part of an entry a mistake is in. */
export type Part = 'key' | 'value';

export class YamlSource {
  readonly file: string;
  /** The plain value of the whole document; an empty document is an empty mapping. */
  readonly value: unknown;
  readonly #text: string;
  readonly #lines: readonly string[];
  readonly #counter: LineCounter;
  readonly #root: Node | null;
  readonly #document: ParsedYaml['document'];

  private constructor(file: string, text: string, { document, value }: ParsedYaml, counter: LineCounter) {
    this.file = file;
    this.value = value ?? {};
    this.#text = text;
    this.#lines = linesOf(text);
    this.#counter = counter;
    this.#root = document.contents;
    this.#document = document;
  }

  /**
   * Reads and parses `path`; `file` is what messages call it.
   * @param hint the next step if there is no such file
   * @param tags tags that mappings may have
   */
  static read(path: string, file: string, hint?: string, tags?: readonly string[]): Result<YamlSource> {
    const text = readTextFile(path, file, hint);
    return text.ok ? YamlSource.parse(text.value, file, tags) : text;
  }

  /** Parses `text`; a mistake is shown in its line. */
  static parse(text: string, file: string, tags: readonly string[] = []): Result<YamlSource> {
    const conflict = conflictMarker(text);
    if (conflict !== undefined)
      return fail({
        reason: 'configuration',
        message: 'A merge left conflict markers here.',
        hint: 'Resolve them first; only pipeline.lock is healed by itself.',
        position: { file, column: 1, length: conflict.text.length, ...conflict },
      });
    const counter = new LineCounter();
    const parsed = parseYaml(text, tags, counter);
    if (parsed.ok) return succeed(new YamlSource(file, text, parsed.value, counter));
    const { message, hint, start, end } = parsed.mistake;
    const position = positionOf(file, linesOf(text), counter, start, end);
    return fail({ reason: 'configuration', message, ...(hint === undefined ? {} : { hint }), position });
  }

  /** Whether the file itself has an entry at `path`. */
  has(path: Path): boolean {
    return this.#find(path).depth === path.length;
  }

  /**
   * Position of the entry at `path`, or of its nearest ancestor that exists.
   * @param within a part of the value that is meant, where it stands there as it is
   */
  position(path: Path, part: Part = 'value', within?: string): SourcePosition {
    const { key, value } = this.#find(path);
    const node = (part === 'key' ? (key ?? value) : (value ?? key)) ?? this.#root;
    let [start, end] = node?.range ?? [0, 1];
    const at = within === undefined ? -1 : this.#text.slice(start, end).indexOf(within);
    if (at >= 0) [start, end] = [start + at, start + at + within!.length];
    return positionOf(this.file, this.#lines, this.#counter, start, end);
  }

  /** Whether the mapping at `path` says that it replaces the one below it. */
  replaces(path: Path): boolean {
    const { value, depth } = this.#find(path);
    return depth === path.length && this.#resolved(value)?.tag === replaceTag;
  }

  /** Whether an alias elsewhere in the file repeats the entry at `path`, or something inside it. */
  isRepeated(path: Path): boolean {
    const anchors = new Set<string>();
    visit(this.#find(path).value, {
      Node: (_, node) => {
        if (!isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor);
      },
    });
    let found = false;
    visit(this.#document, {
      Alias: (_, { source }) => {
        found ||= anchors.has(source);
      },
    });
    return found;
  }

  #find(path: Path): { key: Node | null; value: Node | null; depth: number } {
    let key: Node | null = null;
    let value: Node | null = this.#root;
    for (const [depth, step] of path.entries()) {
      const node = this.#resolved(value);
      const pair = isMap(node) ? this.#pair(node, String(step)) : undefined;
      if (pair !== undefined) {
        key = pair.key as Node;
        value = isNode(pair.value) ? pair.value : key;
      } else if (isSeq(node) && isNode(node.items[Number(step)])) {
        key = null;
        value = node.items[Number(step)] as Node;
      } else {
        return { key, value, depth };
      }
    }
    return { key, value, depth: path.length };
  }

  /** The pair of a mapping that has this key: its own, or one of a mapping that it merges. */
  #pair(node: Node | null, key: string): Pair | undefined {
    if (!isMap(node)) return undefined;
    const own = node.items.find((pair) => !isMerge(pair) && isScalar(pair.key) && keyText(pair.key) === key);
    if (own !== undefined) return own;
    const merged = node.items.find(isMerge);
    const sources = this.#resolved(merged?.value);
    for (const source of isSeq(sources) ? sources.items : [sources]) {
      const found = this.#pair(this.#resolved(source), key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #resolved(node: unknown): Node | null {
    if (isAlias(node)) return (node.resolve(this.#document) as Node | undefined) ?? null;
    return isNode(node) ? node : null;
  }
}

const linesOf = (text: string): string[] => text.split(/\r?\n/);

function positionOf(
  file: string,
  lines: readonly string[],
  counter: LineCounter,
  start: number,
  end: number,
): SourcePosition {
  const { line, col } = counter.linePos(start);
  const text = lines[line - 1] ?? '';
  const length = Math.max(1, Math.min(end - start, text.length - col + 1));
  return { file, line, column: col, length, text };
}

/** The first line that a merge with conflicts left. */
function conflictMarker(text: string): { line: number; text: string } | undefined {
  if (!/^<{7} /m.test(text)) return undefined;
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith('<<<<<<< '));
  return { line: at + 1, text: lines[at]! };
}
