// A module of the project as the linker sees it: its statements without types and comments, its imports and its exports.
import { extname } from 'node:path';
import {
  type ExportNamedDeclaration,
  type Expression,
  type Identifier,
  type ImportDeclaration,
  type Literal,
  type Node,
  type Program,
  parse,
} from 'acorn';
import type { Loader, TransformOptions } from 'esbuild';
import { type AnyNode, boundNames, childrenOf, hoistedNames, isNode, type Uses, usesOf } from './names.ts';

/** A statement, or one variable of a declaration. */
export interface Statement {
  readonly node: AnyNode;
  readonly text: string;
  readonly declares: readonly string[];
  readonly uses: Uses;
}

/** What an import or re-export takes: a name of another module, or `*` for all of them. */
export interface Imported {
  readonly specifier: string;
  readonly name: string;
}

export interface ModuleSource {
  readonly file: string;
  readonly statements: readonly Statement[];
  /** Local name → what it is imported from. */
  readonly imports: ReadonlyMap<string, Imported>;
  /** Exported name → local name, or what it is re-exported from. */
  readonly exports: ReadonlyMap<string, string | Imported>;
  /** Specifiers of `export * from`. */
  readonly stars: readonly string[];
  /** Specifiers of all imports and re-exports, in the order in which Node runs them. */
  readonly requests: readonly string[];
  /** Specifiers whose import has attributes (`with { type: 'json' }`). */
  readonly attributes: ReadonlyMap<string, string>;
  /** Whether every statement counts and each export may be any: CommonJS, and code with a direct `eval`. */
  readonly whole: boolean;
  /** Name → initializers of the constants that have it, at any depth. */
  readonly constants: ReadonlyMap<string, readonly Expression[]>;
  /** Ends of the comments by which the compiler says that a call is pure. */
  readonly pure: ReadonlySet<number>;
  readonly declaredIn: ReadonlyMap<string, readonly Statement[]>;
}

/** The local name that stands for the value of `export default`. */
const defaultName = '*default*';

const loaders: Readonly<Record<string, Loader>> = {
  '': 'ts', // a script that names tsx or node in its first line
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};

/**
 * Takes a module apart.
 * @param compilerOptions those of tsconfig.json that say how TypeScript becomes JavaScript
 * @throws esbuild's BuildFailure with the place of a mistake
 */
export async function readSource(
  file: string,
  shown: string,
  text: string,
  compilerOptions: NonNullable<
    Exclude<TransformOptions['tsconfigRaw'], string | undefined>['compilerOptions']
  >,
): Promise<ModuleSource> {
  const { transform } = await import('esbuild');
  const { code } = await transform(text, {
    sourcefile: shown,
    loader: loaders[extname(file)] ?? 'js',
    target: 'es2022',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
    ignoreAnnotations: true, // Node runs what an annotation calls pure
    tsconfigRaw: { compilerOptions },
  });
  return takeApart(file, code);
}

function takeApart(file: string, code: string): ModuleSource {
  const pure = new Set<number>();
  const program = parseEither(code, (comment, end) => {
    if (comment.includes('@__PURE__')) pure.add(end);
  });
  const module = new Parts(file, code, pure);
  for (const node of program.body) module.add(node as AnyNode);
  module.findConstants(program as unknown as AnyNode);
  return module.finish();
}

function parseEither(code: string, onComment: (text: string, end: number) => void): Program {
  const options = {
    ecmaVersion: 'latest',
    allowReturnOutsideFunction: true,
    allowHashBang: true,
    onComment: (_block: boolean, text: string, _start: number, end: number) => onComment(text, end),
  } as const;
  try {
    return parse(code, { ...options, sourceType: 'module' });
  } catch (error) {
    try {
      return parse(code, { ...options, sourceType: 'script' });
    } catch {
      throw error;
    }
  }
}

class Parts {
  readonly #file: string;
  readonly #code: string;
  readonly #pure: ReadonlySet<number>;
  readonly #statements: Statement[] = [];
  readonly #imports = new Map<string, Imported>();
  readonly #exports = new Map<string, string | Imported>();
  readonly #stars: string[] = [];
  readonly #requests: string[] = [];
  readonly #attributes = new Map<string, string>();
  readonly #constants = new Map<string, Expression[]>();
  #isModule = false;

  constructor(file: string, code: string, pure: ReadonlySet<number>) {
    this.#file = file;
    this.#code = code;
    this.#pure = pure;
  }

  add(node: AnyNode): void {
    switch (node.type) {
      case 'ImportDeclaration':
        this.#import(node as unknown as ImportDeclaration);
        return;
      case 'ExportNamedDeclaration':
        this.#export(node as unknown as ExportNamedDeclaration);
        return;
      case 'ExportDefaultDeclaration':
        this.#exportDefault(node.declaration as AnyNode);
        return;
      case 'ExportAllDeclaration': {
        const specifier = this.#request(node.source as Literal, node.attributes);
        if (node.exported === null) this.#stars.push(specifier);
        else this.#exports.set(nameOf(node.exported as Identifier), { specifier, name: '*' });
        return;
      }
      case 'VariableDeclaration':
        this.#variables(node);
        return;
      default:
        this.#statement(node, declaredBy(node));
        return;
    }
  }

  findConstants(node: AnyNode): void {
    if (
      node.type === 'VariableDeclarator' &&
      isNode(node.init) &&
      isNode(node.id) &&
      node.id.type === 'Identifier'
    ) {
      const name = node.id.name as string;
      const known = this.#constants.get(name);
      if (known === undefined) this.#constants.set(name, [node.init as unknown as Expression]);
      else known.push(node.init as unknown as Expression);
    }
    for (const child of childrenOf(node)) this.findConstants(child);
  }

  finish(): ModuleSource {
    const declaredIn = new Map<string, Statement[]>();
    for (const statement of this.#statements)
      for (const name of statement.declares)
        declaredIn.set(name, [...(declaredIn.get(name) ?? []), statement]);
    const isFree = (name: string): boolean =>
      !declaredIn.has(name) &&
      !this.#imports.has(name) &&
      this.#statements.some(({ uses }) => uses.has(name));
    const commonJs = !this.#isModule && ['module', 'exports', 'require'].some(isFree);
    return {
      file: this.#file,
      statements: this.#statements,
      imports: this.#imports,
      exports: this.#exports,
      stars: this.#stars,
      requests: this.#requests,
      attributes: this.#attributes,
      whole: commonJs || /\.c[jt]s$/.test(this.#file) || isFree('eval'),
      constants: this.#constants,
      pure: this.#pure,
      declaredIn,
    };
  }

  #statement(node: AnyNode, declares: readonly string[], text = this.#textOf(node)): void {
    this.#statements.push({ node, text, declares, uses: usesOf(node) });
  }

  #variables(node: AnyNode): void {
    for (const declarator of node.declarations as (AnyNode & { id: Parameters<typeof boundNames>[0] })[])
      this.#statement(
        { ...declarator, kind: node.kind } as AnyNode,
        boundNames(declarator.id),
        `${node.kind as string} ${this.#textOf(declarator)}`,
      );
  }

  #import({ specifiers, source, attributes }: ImportDeclaration): void {
    const specifier = this.#request(source, attributes);
    for (const each of specifiers) {
      const name =
        each.type === 'ImportDefaultSpecifier'
          ? 'default'
          : each.type === 'ImportNamespaceSpecifier'
            ? '*'
            : nameOf(each.imported);
      this.#imports.set(each.local.name, { specifier, name });
    }
  }

  #export({ declaration, specifiers, source, attributes }: ExportNamedDeclaration): void {
    this.#isModule = true;
    if (isNode(declaration)) {
      const before = this.#statements.length;
      this.add(declaration);
      for (const { declares } of this.#statements.slice(before))
        for (const name of declares) this.#exports.set(name, name);
      return;
    }
    const from = source ? this.#request(source, attributes) : undefined;
    for (const { local, exported } of specifiers)
      this.#exports.set(
        nameOf(exported),
        from === undefined ? nameOf(local) : { specifier: from, name: nameOf(local) },
      );
  }

  #exportDefault(declaration: AnyNode): void {
    this.#isModule = true;
    const name =
      isNode(declaration.id) && /Declaration$/.test(declaration.type) ? declaration.id.name : undefined;
    const local = (name as string | undefined) ?? defaultName;
    this.#exports.set('default', local);
    this.#statement(declaration, [local]);
  }

  #request(source: Literal, attributes: unknown): string {
    this.#isModule = true;
    const specifier = source.value as string;
    this.#requests.push(specifier);
    if (Array.isArray(attributes) && attributes.length > 0)
      this.#attributes.set(specifier, attributes.map((each) => this.#textOf(each as Node)).join());
    return specifier;
  }

  #textOf({ start, end }: Node): string {
    return this.#code.slice(start, end);
  }
}

const nameOf = (node: Identifier | Literal): string =>
  node.type === 'Identifier' ? node.name : String(node.value);

function declaredBy(node: AnyNode): string[] {
  const named = node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration';
  return named && isNode(node.id) ? [node.id.name as string] : hoistedNames(node);
}
