// Finds what code names besides its imports: modules that it loads later, workers, and files beside it.
import { dirname, isAbsolute, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Expression, Node } from 'acorn';
import { type AnyNode, childrenOf, isNode } from './names.ts';
import type { Meaning, MeaningOf } from './purity.ts';
import type { ModuleSource } from './source.ts';

/** Stands in a name for what is known only when the code runs. */
export const wild = '\0';

/** What a statement names. */
export interface Named {
  /** How the name is resolved, or `path` for an absolute path. */
  readonly by: 'import' | 'require' | 'path' | 'cwd';
  readonly name: string;
  /** Whether a file of code is run; otherwise it may be read as data. */
  readonly runs: boolean;
}

/** A text that an expression may give. */
interface Text {
  readonly text: string;
  /** Whether it is an absolute path of a file or folder, or the URL of one. */
  readonly isPath: boolean;
}

const unknown: readonly Text[] = [{ text: wild, isPath: false }];
const mostAlternatives = 64;

/** What a statement names, in the order of the source; names that only the running code knows are `wild` alone. */
export function namedIn(root: AnyNode, module: ModuleSource, meaningOf: MeaningOf): Named[] {
  const finder = new Finder(module, meaningOf);
  finder.visit(root);
  return finder.found;
}

class Finder {
  readonly found: Named[] = [];
  readonly #module: ModuleSource;
  readonly #meaningOf: MeaningOf;

  constructor(module: ModuleSource, meaningOf: MeaningOf) {
    this.#module = module;
    this.#meaningOf = meaningOf;
  }

  visit(node: AnyNode): void {
    if (node.type === 'ImportExpression') this.#add('import', node.source as AnyNode, 'runs');
    if (node.type === 'CallExpression' || node.type === 'NewExpression') this.#call(node);
    if (/^(Call|New|Binary|Member)Expression$|^TemplateLiteral$/.test(node.type))
      for (const { text, isPath } of this.#texts(node, 0)) if (isPath) this.#found('path', text, false);
    for (const child of childrenOf(node)) this.visit(child);
  }

  #call(node: AnyNode): void {
    const callee = node.callee as AnyNode;
    const argument = (node.arguments as AnyNode[])[0];
    if (argument === undefined) return;
    if (this.#isRequire(callee)) {
      this.#add('require', argument, 'runs');
      return;
    }
    const name = String(callee.name ?? (callee.property as AnyNode | undefined)?.name ?? '');
    const object = callee.type === 'MemberExpression' ? (callee.object as AnyNode) : undefined;
    if (name === 'resolve' && object !== undefined && this.#isRequire(object))
      this.#add('require', argument, 'finds');
    else if (name === 'resolve' && object?.type === 'MetaProperty') this.#add('import', argument, 'finds');
    else if (name === 'register' && (node.arguments as AnyNode[]).length > 1)
      this.#add('import', argument, 'runs');
    else if (name === 'Worker' || name === 'fork' || name === 'register') this.#add('cwd', argument, 'runs');
  }

  /** @param does whether the code runs what the argument names, or only finds it, so that a name that is computed says little */
  #add(by: 'import' | 'require' | 'cwd', argument: AnyNode, does: 'runs' | 'finds'): void {
    for (const { text, isPath } of this.#texts(argument, 0))
      if (does === 'runs' || isPath || !text.includes(wild) || text.startsWith('.'))
        this.#found(isPath ? 'path' : by, text, true);
  }

  #found(by: Named['by'], name: string, runs: boolean): void {
    if (!this.found.some((known) => known.by === by && known.name === name && known.runs === runs))
      this.found.push({ by, name, runs });
  }

  /** `require`, or what createRequire made. */
  #isRequire(node: AnyNode): boolean {
    if (node.type === 'CallExpression') {
      const callee = node.callee as AnyNode;
      return (callee.name ?? (callee.property as AnyNode | undefined)?.name) === 'createRequire';
    }
    if (node.type !== 'Identifier') return false;
    const constants = this.#module.constants.get(node.name as string) ?? [];
    if (constants.some((init) => init.type === 'CallExpression' && this.#isRequire(init as never)))
      return true;
    return node.name === 'require' && this.#meaningOf(this.#module, 'require').is === 'global';
  }

  /** The texts that an expression may give. */
  #texts(node: Node, depth: number, module = this.#module): readonly Text[] {
    const expression = node as Expression;
    const texts = (of: Node): readonly Text[] => this.#texts(of, depth + 1, module);
    if (depth > 20) return unknown;
    switch (expression.type) {
      case 'Literal':
        return typeof expression.value === 'string' ? [plain(expression.value)] : unknown;
      case 'TemplateLiteral':
        return concatenated(
          expression.quasis.flatMap((quasi, i) => {
            const piece = [plain(quasi.value.cooked ?? wild)];
            return i < expression.expressions.length ? [piece, texts(expression.expressions[i]!)] : [piece];
          }),
        );
      case 'BinaryExpression':
        return expression.operator === '+'
          ? concatenated([texts(expression.left), texts(expression.right)])
          : unknown;
      case 'ConditionalExpression':
        return union([texts(expression.consequent), texts(expression.alternate)]);
      case 'LogicalExpression':
        return union([texts(expression.left), texts(expression.right)]);
      case 'AwaitExpression':
        return texts(expression.argument);
      case 'Identifier':
        return this.#nameTexts(expression.name, depth, module);
      case 'MemberExpression':
        return memberTexts(expression as unknown as AnyNode, module, texts);
      case 'NewExpression':
      case 'CallExpression':
        return callTexts(expression as unknown as AnyNode, texts);
      default:
        return unknown;
    }
  }

  #nameTexts(name: string, depth: number, module: ModuleSource): readonly Text[] {
    if (name === '__filename') return [path(module.file)];
    if (name === '__dirname') return [path(dirname(module.file))];
    const constants = module.constants.get(name);
    if (constants !== undefined) return union(constants.map((init) => this.#texts(init, depth + 1, module)));
    const meaning: Meaning = this.#meaningOf(module, name);
    if (meaning.is !== 'local' || meaning.module === module) return unknown;
    const inits = meaning.module.constants.get(meaning.name) ?? [];
    return inits.length === 0
      ? unknown
      : union(inits.map((init) => this.#texts(init, depth + 1, meaning.module)));
  }
}

const plain = (text: string): Text => ({ text, isPath: false });
const path = (text: string): Text => ({ text, isPath: true });

const union = (alternatives: readonly (readonly Text[])[]): readonly Text[] => {
  const all = alternatives.flat();
  return all.length === 0 || all.length > mostAlternatives ? unknown : all;
};

/** All texts that can be put together from one alternative of each piece. */
function combinations(pieces: readonly (readonly Text[])[]): readonly (readonly Text[])[] {
  let all: readonly (readonly Text[])[] = [[]];
  for (const piece of pieces) {
    all = all.flatMap((start) => piece.map((text) => [...start, text]));
    if (all.length > mostAlternatives) return [pieces.map(() => plain(wild))];
  }
  return all;
}

const concatenated = (pieces: readonly (readonly Text[])[]): readonly Text[] =>
  combinations(pieces).map((texts) => {
    const said = texts.filter(({ text }, i) => text !== '' || i === 0);
    const first = said[0]?.text === '' ? (said[1] ?? said[0]) : said[0];
    return { text: texts.map(({ text }) => text).join(''), isPath: first?.isPath === true };
  });

function memberTexts(
  node: AnyNode,
  module: ModuleSource,
  texts: (of: Node) => readonly Text[],
): readonly Text[] {
  const name = (node.property as AnyNode).name;
  if ((node.object as AnyNode).type === 'MetaProperty') {
    if (name === 'url' || name === 'filename') return [path(module.file)];
    return name === 'dirname' ? [path(dirname(module.file))] : unknown;
  }
  return name === 'href' || name === 'pathname' ? texts(node.object as AnyNode) : unknown;
}

/** The paths that functions of Node make of paths. */
function callTexts(node: AnyNode, texts: (of: Node) => readonly Text[]): readonly Text[] {
  const callee = node.callee as AnyNode;
  const name = callee.name ?? (callee.property as AnyNode | undefined)?.name;
  const args = node.arguments as AnyNode[];
  if (name === 'toString' && isNode(callee.object)) return texts(callee.object);
  if (args.length === 0) return unknown;
  switch (name) {
    case 'fileURLToPath':
    case 'pathToFileURL':
    case 'String':
    case 'realpathSync':
      return texts(args[0]!);
    case 'dirname':
      return texts(args[0]!).map(({ text, isPath }) => ({ text: dirname(text), isPath }));
    case 'join':
    case 'resolve':
      return combinations(args.map(texts)).map((pieces) =>
        pieces[0]!.isPath ? path(join(...pieces.map(({ text }) => text))) : plain(wild),
      );
    case 'URL':
      return args.length === 1 ? ofUrl(texts(args[0]!)) : relativeTo(texts(args[0]!), texts(args[1]!));
    default:
      return unknown;
  }
}

const ofUrl = (urls: readonly Text[]): readonly Text[] =>
  urls.map((url) => {
    if (url.isPath || !url.text.startsWith('file:') || url.text.includes(wild)) return url;
    try {
      return path(fileURLToPath(url.text));
    } catch {
      return plain(wild);
    }
  });

const relativeTo = (urls: readonly Text[], bases: readonly Text[]): readonly Text[] =>
  combinations([urls, bases]).map(([url, base]) => {
    if (url!.isPath) return url!;
    if (!base!.isPath || /^[a-z][a-z+.-]+:/i.test(url!.text)) return plain(wild);
    const folder = base!.text.endsWith('/') ? base!.text : `${dirname(base!.text)}/`;
    const written = url!.text.replace(/[?#].*$/s, '');
    const decoded = /%[\da-f]{2}/i.test(written) ? safelyDecoded(written) : written;
    return path(isAbsolute(decoded) ? decoded : posix.join(folder, decoded));
  });

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
