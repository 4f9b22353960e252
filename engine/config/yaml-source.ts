// A YAML file that remembers where each value stands, so that a mistake can be shown in its line.
import { readFileSync } from 'node:fs';
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { ConfigurationFailure, SourcePosition } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';

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
  readonly #document: ReturnType<typeof parseDocument>;

  private constructor(
    file: string,
    text: string,
    document: ReturnType<typeof parseDocument>,
    counter: LineCounter,
  ) {
    this.file = file;
    this.value = document.toJS() ?? {};
    this.#text = text;
    this.#lines = text.split('\n');
    this.#counter = counter;
    this.#root = document.contents;
    this.#document = document;
  }

  /** Reads and parses `path`; `file` is what messages call it. */
  static read(path: string, file: string, hint?: string): Result<YamlSource> {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const message =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'There is no such file.' : String(error);
      return fail({ reason: 'file', path: file, message, ...(hint === undefined ? {} : { hint }) });
    }
    return YamlSource.parse(text, file);
  }

  /** Parses `text`; a syntax error is shown where it stands. */
  static parse(text: string, file: string): Result<YamlSource> {
    const conflict = conflictMarker(text);
    if (conflict !== undefined)
      return fail({
        reason: 'configuration',
        message: 'A merge left conflict markers here.',
        hint: 'Resolve them first; only pipeline.lock is healed by itself.',
        position: { file, column: 1, length: conflict.text.length, ...conflict },
      });
    const counter = new LineCounter();
    // The parser's own search for equal keys takes the square of a mapping's size.
    const options = { lineCounter: counter, prettyErrors: false, uniqueKeys: false };
    const document = parseDocument(text, options);
    // Whatever else the parser finds follows from the first error more often than not.
    const error = document.errors[0] ?? repeatedKey(document);
    if (error === undefined) return succeed(new YamlSource(file, text, document, counter));
    const { line, col } = counter.linePos(error.pos[0]);
    const source = text.split('\n')[line - 1] ?? '';
    return fail({
      reason: 'configuration',
      message: error.message,
      ...(/[{[].*[^'"]\$\{/.test(source)
        ? { hint: 'Inside { } and [ ] quote a text that has `${…}` in it.' }
        : {}),
      position: { file, line, column: col, length: 1, text: source },
    } satisfies ConfigurationFailure);
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
    const { line, col } = this.#counter.linePos(start);
    const text = this.#lines[line - 1] ?? '';
    const length = Math.max(1, Math.min(end - start, text.length - col + 1));
    return { file: this.file, line, column: col, length, text };
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
      const node = isAlias(value) ? (value.resolve(this.#document) ?? null) : value;
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
        );
        if (pair === undefined) return { key, value, depth };
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
}

/** The first line that a merge with conflicts left. */
function conflictMarker(text: string): { line: number; text: string } | undefined {
  if (!/^<{7} /m.test(text)) return undefined;
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith('<<<<<<< '));
  return { line: at + 1, text: lines[at]! };
}

/** The first key that its mapping already has. */
function repeatedKey(
  document: ReturnType<typeof parseDocument>,
): { message: string; pos: [number] } | undefined {
  let found: { message: string; pos: [number] } | undefined;
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          found = {
            message: `The key \`${String(key.value)}\` stands here twice.`,
            pos: [key.range?.[0] ?? 0],
          };
          return visit.BREAK;
        }
        keys.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}
