// Turns a parsed YAML document into plain JSON values, and rejects whatever JSON can't hold exactly: nothing changes silently.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { numberMistake } from './yaml-number.ts';

/** What is wrong with a part of the text. */
export interface Mistake {
  readonly message: string;
  readonly hint?: string;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
}

/** The tag of a mapping in a profile that replaces the mapping below it instead of being merged with it. */
export const replaceTag = '!replace';

/** More values than a file of parameters has; aliases of aliases reach it in a few lines. */
const maximumValues = 1_000_000;

const coreTag = 'tag:yaml.org,2002:';

/** The tags of YAML's core schema, and the kind of value that each must give. */
const kinds: Readonly<Record<string, string>> = {
  [`${coreTag}str`]: 'string',
  [`${coreTag}int`]: 'number',
  [`${coreTag}float`]: 'number',
  [`${coreTag}bool`]: 'boolean',
  [`${coreTag}null`]: 'null',
  [`${coreTag}map`]: 'map',
  [`${coreTag}seq`]: 'seq',
  '!': 'string',
};

/**
 * The value of a document. Aliases and merge keys (`<<: *base`) are resolved as in YAML 1.1: a key of the mapping itself wins
 * over a merged one, and an earlier source over a later one.
 * @param tags further tags that mappings may have
 */
export function plainValue(document: Document, tags: readonly string[] = []): unknown {
  return new Reader(tags).value(document.contents as Node | null);
}

/** Thrown by {@link plainValue}, and only by it. */
export class MistakeError extends Error {
  readonly mistake: Mistake;
  constructor(mistake: Mistake) {
    super(mistake.message);
    this.mistake = mistake;
  }
}

/** Whether a pair merges mappings into the one that it is in. A quoted `"<<"` is a key like any other. */
export const isMerge = ({ key }: Pair): boolean =>
  isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag !== `${coreTag}str`;

/** The key of a pair as JSON has it. */
export const keyText = (key: unknown): string => String((key as Scalar).value);

class Reader {
  readonly #tags: readonly string[];
  /** The last node of each anchor, its value, and how many values that is; no value while it is read. */
  readonly #anchors = new Map<string, { node: Node; read?: { value: unknown; size: number } }>();
  #size = 0;

  constructor(tags: readonly string[]) {
    this.#tags = tags;
  }

  value(node: Node | null | undefined): unknown {
    if (node === null || node === undefined) return null;
    if (isAlias(node)) return this.#alias(node);
    const { anchor } = node;
    if (anchor === undefined) return this.#plain(node);
    const before = this.#size;
    this.#anchors.set(anchor, { node });
    const value = this.#plain(node);
    this.#anchors.set(anchor, { node, read: { value, size: this.#size - before } });
    return value;
  }

  #alias(alias: Alias): unknown {
    const target = this.#anchors.get(alias.source);
    if (target === undefined)
      throw mistakeAt(
        alias,
        `No anchor \`&${alias.source}\` precedes this alias.`,
        'Define the anchor above it.',
      );
    if (target.read === undefined)
      throw mistakeAt(alias, `The alias \`*${alias.source}\` is inside its own anchor.`);
    this.#count(alias, target.read.size);
    return target.read.value;
  }

  #count(node: Node, size: number): void {
    this.#size += size;
    if (this.#size > maximumValues)
      throw mistakeAt(node, `The aliases of this file expand to more than ${maximumValues} values.`);
  }

  #plain(node: Node): unknown {
    this.#count(node, 1);
    if (isScalar(node)) return this.#scalar(node);
    this.#checkTag(node, isMap(node) ? 'map' : 'seq');
    if (isMap(node)) return this.#mapping(node);
    if (isSeq(node)) return node.items.map((item) => this.value(item as Node));
    throw mistakeAt(node, 'This is neither a scalar, a list nor a mapping.');
  }

  #scalar(node: Scalar): unknown {
    const { value } = node;
    this.#checkTag(node, value === null ? 'null' : typeof value);
    if (typeof value === 'number') {
      const wrong = numberMistake(node.source ?? String(value), value);
      if (wrong !== undefined) throw mistakeAt(node, wrong.message, wrong.hint);
    }
    if (typeof value === 'string') checkText(node, value);
    return value;
  }

  /** A tag must be what the value is anyway: `!!binary`, `!!set`, `!!timestamp` and tags of programs are no JSON. */
  #checkTag(node: Node, kind: string): void {
    const { tag } = node;
    if (tag === undefined || kinds[tag] === kind) return;
    if (kind === 'map' && this.#tags.includes(tag)) return;
    const shown = tag.startsWith(coreTag) ? `!!${tag.slice(coreTag.length)}` : tag;
    const message =
      tag === replaceTag && this.#tags.includes(tag)
        ? `Only a mapping can have the tag \`${shown}\`; anything else replaces what it overlays anyway.`
        : tag in kinds
          ? `This value doesn't have the type of its tag \`${shown}\`.`
          : `The tag \`${shown}\` is not supported.`;
    throw mistakeAt(node, message, 'Remove the tag; quote the value if it is text.');
  }

  #mapping(node: YAMLMap): Record<string, unknown> {
    const own = new Map<string, unknown>();
    const merged = new Set<string>();
    let merges = 0;
    for (const pair of node.items) {
      if (isMerge(pair)) {
        const where = pair.key as Node;
        if (++merges > 1)
          throw mistakeAt(
            where,
            'Duplicate key `<<`.',
            'Merge several mappings with `<<: [*first, *second]`.',
          );
        for (const [key, value] of this.#sources(pair))
          if (!own.has(key)) {
            own.set(key, value);
            merged.add(key);
          }
        continue;
      }
      const key = this.#key(pair.key as Node | null, node);
      if (own.has(key) && !merged.delete(key))
        throw mistakeAt(pair.key as Node, `Duplicate key \`${key}\`.`, 'Keep one of them.');
      own.set(key, this.value(pair.value as Node | null));
    }
    return Object.fromEntries(own);
  }

  /** Keys and values that a merge key brings; the first of two equal keys wins. */
  #sources(pair: Pair): [string, unknown][] {
    const resolve = (node: unknown): unknown => (isAlias(node) ? this.#anchors.get(node.source)?.node : node);
    const target = resolve(pair.value);
    const sources = isSeq(target) ? target.items : [pair.value];
    return sources.flatMap((source) => {
      const value = this.value(source as Node | null);
      if (!isMap(resolve(source)))
        throw mistakeAt(
          (source ?? pair.key) as Node,
          'The merge key `<<` takes a mapping, or a list of them.',
          'Give it an alias of a mapping, such as `<<: *base`, or quote the key: `"<<"`.',
        );
      return Object.entries(value as Record<string, unknown>);
    });
  }

  /** Keys are texts; a number or a boolean is one if its text is the one that is written. */
  #key(node: Node | null, mapping: YAMLMap): string {
    if (!isScalar(node))
      throw mistakeAt(
        node ?? mapping,
        'A key must be text, not a list, a mapping or an alias.',
        'Write it out.',
      );
    const { value } = node;
    if (value === null) throw mistakeAt(node, 'A key must be text, not null.', 'Quote it if it is a name.');
    const text = String(this.value(node));
    if (typeof value !== 'string' && text !== node.source)
      throw mistakeAt(
        node,
        `The key \`${node.source}\` is the ${typeof value} ${text}, and keys are text.`,
        `Quote it: \`${quoted(node.source ?? text)}\`.`,
      );
    if (text === '__proto__')
      throw mistakeAt(node, 'JavaScript reserves the key `__proto__`.', 'Use another name.');
    return text;
  }
}

/** Neither commands nor paths nor UTF-8 can hold these. */
function checkText(node: Node, text: string): void {
  if (text.includes('\0'))
    throw mistakeAt(
      node,
      'This text contains the character NUL, which no command can receive.',
      'Remove `\\0`.',
    );
  if (/\p{Surrogate}/u.test(text))
    throw mistakeAt(
      node,
      'This text contains half of a surrogate pair, which is not a character.',
      'Write the character itself, or its code as `\\UXXXXXXXX`.',
    );
}

function mistakeAt(node: Node, message: string, hint?: string): MistakeError {
  const [start, end] = node.range ?? [0, 1];
  return new MistakeError({ message, ...(hint === undefined ? {} : { hint }), start, end });
}

/** A text as YAML quotes it. */
export const quoted = (text: string): string => JSON.stringify(text);
