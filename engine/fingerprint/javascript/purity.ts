// Tells which statements of a module do nothing but define a name, so that they count only if the name is used.
import type { CallExpression, Class, Expression, NewExpression, Node, Pattern } from 'acorn';
import { type AnyNode, isNode } from './names.ts';
import type { ModuleSource, Statement } from './source.ts';

/** What a name of a module stands for. */
export type Meaning =
  | { readonly is: 'local'; readonly module: ModuleSource; readonly name: string }
  /** An export of a package, or of one of Node's modules; `*` is all of it. */
  | { readonly is: 'package'; readonly specifier: string; readonly name: string }
  /** Nothing that the module declares or imports. */
  | { readonly is: 'global' }
  | { readonly is: 'unknown' };

export type MeaningOf = (module: ModuleSource, name: string) => Meaning;

/**
 * What evaluating an expression gives, if that has no effect; undefined if it may have one.
 * - `text`: a string, number, boolean, null or undefined, whose conversion runs no code
 * - `data`: an array or object without accessors, which may be spread
 * - `schema`: a schema of zod, whose methods make further ones
 * - `other`: anything else, which is only passed on
 */
type Value = 'text' | 'data' | 'schema' | 'other' | undefined;

/** Whether evaluating a statement may do more than define its names. */
export function hasEffect({ node }: Statement, module: ModuleSource, meaningOf: MeaningOf): boolean {
  const evaluator = new Evaluator(meaningOf);
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'EmptyStatement':
      return false;
    case 'ClassDeclaration':
      return evaluator.class(node as unknown as Class, module) === undefined;
    case 'VariableDeclarator':
      return !evaluator.defines(node, module);
    case 'ExpressionStatement':
      return (
        typeof node.directive !== 'string' &&
        evaluator.value(node.expression as Expression, module) === undefined
      );
    default:
      // The value of `export default`.
      return (
        !/(Expression|Literal|Identifier)$/.test(node.type) ||
        evaluator.value(node as never, module) === undefined
      );
  }
}

class Evaluator {
  readonly #meaningOf: MeaningOf;
  readonly #open = new Set<Node>();

  constructor(meaningOf: MeaningOf) {
    this.#meaningOf = meaningOf;
  }

  defines(declarator: AnyNode, module: ModuleSource): boolean {
    if (declarator.kind === 'using' || declarator.kind === 'await using') return false;
    if (!isNode(declarator.init)) return true;
    const value = this.value(declarator.init as never, module);
    if ((declarator.id as AnyNode).type === 'Identifier') return value !== undefined;
    return (value === 'data' || value === 'schema') && isPlainPattern(declarator.id as unknown as Pattern);
  }

  value(node: Expression | Node, module: ModuleSource): Value {
    const expression = node as Expression;
    switch (expression.type) {
      case 'Literal':
        return 'regex' in expression && expression.regex ? 'other' : 'text';
      case 'TemplateLiteral':
        return this.#all(expression.expressions, module, 'text') ? 'text' : undefined;
      case 'Identifier':
        return this.#name(expression.name, module);
      case 'ThisExpression':
      case 'MetaProperty':
        return 'other';
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return 'other';
      case 'ClassExpression':
        return this.class(expression, module);
      case 'ArrayExpression':
        return expression.elements.every((element) => element === null || this.#element(element, module))
          ? 'data'
          : undefined;
      case 'ObjectExpression':
        return this.#object(expression.properties as unknown as AnyNode[], module);
      case 'ParenthesizedExpression':
        return this.value(expression.expression, module);
      case 'ChainExpression':
        return this.value(expression.expression, module);
      case 'SequenceExpression':
        return expression.expressions.map((each) => this.value(each, module)).reduce((a, b) => a && b);
      case 'UnaryExpression': {
        const value = this.value(expression.argument, module);
        if (expression.operator === 'delete' || value === undefined) return undefined;
        return value === 'text' || ['!', 'typeof', 'void'].includes(expression.operator) ? 'text' : undefined;
      }
      case 'BinaryExpression': {
        const { left, operator, right } = expression;
        if (left.type === 'PrivateIdentifier' || operator === 'in' || operator === 'instanceof')
          return undefined;
        const strict = operator === '===' || operator === '!==';
        return this.#all([left, right], module, strict ? undefined : 'text') ? 'text' : undefined;
      }
      case 'LogicalExpression':
        return this.#either(expression.left, expression.right, module);
      case 'ConditionalExpression':
        if (this.value(expression.test, module) === undefined) return undefined;
        return this.#either(expression.consequent, expression.alternate, module);
      case 'MemberExpression':
        return this.#member(expression as unknown as AnyNode, module);
      case 'CallExpression':
        return this.#call(expression, module);
      case 'NewExpression':
        return this.#new(expression, module);
      default:
        return undefined;
    }
  }

  class({ superClass, body }: Class, module: ModuleSource): Value {
    if (superClass && this.value(superClass, module) === undefined) return undefined;
    const isPure = body.body.every((member) => {
      if (member.type === 'StaticBlock') return false;
      if (member.computed && this.value(member.key as Expression, module) !== 'text') return false;
      if (member.type !== 'PropertyDefinition' || !member.static || !member.value) return true;
      return this.value(member.value, module) !== undefined;
    });
    return isPure ? 'other' : undefined;
  }

  /** The value of a name: what its constant is made of, wherever that is declared. */
  #name(name: string, module: ModuleSource): Value {
    const meaning = this.#meaningOf(module, name);
    if (meaning.is === 'package') return isZod(meaning.specifier) ? 'schema' : 'other';
    if (meaning.is === 'global')
      return ['undefined', 'NaN', 'Infinity'].includes(name)
        ? 'text'
        : globals.has(name)
          ? 'other'
          : undefined;
    if (meaning.is === 'unknown') return 'other';
    const [statement, another] = meaning.module.declaredIn.get(meaning.name) ?? [];
    const node = statement?.node;
    if (node?.type !== 'VariableDeclarator' || another !== undefined || node.kind !== 'const') return 'other';
    if ((node.id as AnyNode).type !== 'Identifier' || !isNode(node.init) || this.#open.has(node))
      return 'other';
    this.#open.add(node);
    const value = this.value(node.init as never, meaning.module) ?? 'other';
    this.#open.delete(node);
    return value;
  }

  #all(nodes: readonly Node[], module: ModuleSource, only?: Value): boolean {
    return nodes.every((node) => {
      const value = this.value(node, module);
      return only === undefined ? value !== undefined : value === only;
    });
  }

  #either(a: Node, b: Node, module: ModuleSource): Value {
    const [first, second] = [this.value(a, module), this.value(b, module)];
    if (first === undefined || second === undefined) return undefined;
    return first === second ? first : 'other';
  }

  /** Whether an element or argument has no effect. */
  #element(node: Node, module: ModuleSource): boolean {
    if (node.type !== 'SpreadElement') return this.value(node, module) !== undefined;
    return this.value((node as unknown as { argument: Node }).argument, module) === 'data';
  }

  #object(properties: readonly AnyNode[], module: ModuleSource): Value {
    let accessors = false;
    for (const property of properties) {
      if (property.type === 'SpreadElement') {
        const value = this.value(property.argument as never, module);
        if (value !== 'data' && value !== 'schema') return undefined;
        continue;
      }
      if (property.computed === true && this.value(property.key as never, module) !== 'text')
        return undefined;
      if (this.value(property.value as never, module) === undefined) return undefined;
      accessors ||= property.kind !== 'init';
    }
    return accessors ? 'other' : 'data';
  }

  #member(node: AnyNode, module: ModuleSource): Value {
    const object = node.object as AnyNode;
    if (node.computed === true && this.value(node.property as never, module) !== 'text') return undefined;
    if (object.type === 'MetaProperty') return 'text'; // import.meta.url
    if (object.type === 'Identifier' && this.#isGlobal(object.name as string, module))
      return constants.has(`${object.name as string}.${propertyOf(node)}`) ? 'text' : undefined;
    const value = this.value(object as never, module);
    if (value === 'schema') return 'schema';
    return value === 'data' || value === 'text' ? 'other' : undefined;
  }

  #isGlobal(name: string, module: ModuleSource): boolean {
    return this.#meaningOf(module, name).is === 'global';
  }

  #call({ start, callee, arguments: args }: CallExpression, module: ModuleSource): Value {
    if (!args.every((argument) => this.#element(argument, module))) return undefined;
    // The compiler says so of what it made itself, such as enums.
    if (module.pure.has(start - 1)) return 'other';
    const kinds = args.map((argument) =>
      argument.type === 'SpreadElement' ? 'other' : this.value(argument, module),
    );
    const texts = kinds.every((kind) => kind === 'text');
    if (callee.type === 'Identifier') {
      const meaning = this.#meaningOf(module, callee.name);
      if (meaning.is === 'global')
        return texts && converters.has(callee.name)
          ? 'text'
          : callee.name === 'Symbol' && texts
            ? 'other'
            : undefined;
      if (meaning.is !== 'package') return undefined;
      if (isZod(meaning.specifier)) return schemaMakers.has(meaning.name) ? 'schema' : undefined;
      return ofNode(meaning.specifier, meaning.name, kinds);
    }
    if (callee.type !== 'MemberExpression' || callee.computed) return undefined;
    const method = propertyOf(callee as unknown as AnyNode);
    const { object } = callee;
    if (object.type === 'Identifier') {
      const meaning = this.#meaningOf(module, object.name);
      if (meaning.is === 'global') return this.#globalCall(`${object.name}.${method}`, args, kinds, module);
      if (meaning.is === 'package' && !isZod(meaning.specifier))
        return ofNode(meaning.specifier, method, kinds);
    }
    if (object.type === 'Super') return undefined;
    const value = this.value(object, module);
    if (value === 'schema') return schemaMakers.has(method) ? 'schema' : undefined;
    if (value !== 'text' || !texts) return undefined;
    return method === 'split' ? 'data' : textMethods.has(method) ? 'text' : undefined;
  }

  #globalCall(name: string, args: readonly Node[], kinds: readonly Value[], module: ModuleSource): Value {
    if (name.startsWith('Math.') || converters.has(name))
      return kinds.every((kind) => kind === 'text') ? 'text' : undefined;
    if (name === 'Object.freeze' || name === 'Object.seal') {
      // Of an object that others know, this would be an effect.
      const fresh = args.length === 1 && /^(Object|Array)Expression$/.test(args[0]!.type);
      return fresh ? this.value(args[0]!, module) : undefined;
    }
    if (!dataMakers.has(name)) return undefined;
    return kinds.length === 1 && (kinds[0] === 'data' || kinds[0] === 'text') ? 'data' : undefined;
  }

  #new({ callee, arguments: args }: NewExpression, module: ModuleSource): Value {
    if (callee.type !== 'Identifier' || !this.#isGlobal(callee.name, module)) return undefined;
    if (!constructors.has(callee.name)) return undefined;
    const arePure = args.every((argument) => {
      const value = argument.type === 'SpreadElement' ? undefined : this.value(argument, module);
      return value === 'data' || value === 'text' || (value === 'other' && argument.type === 'NewExpression');
    });
    if (!arePure) return undefined;
    return callee.name === 'Map' || callee.name === 'Set' ? 'data' : 'other';
  }
}

/** A pattern without defaults and computed names. */
function isPlainPattern(pattern: Pattern): boolean {
  if (pattern.type === 'Identifier') return true;
  if (pattern.type === 'ArrayPattern') return pattern.elements.every((each) => each?.type === 'Identifier');
  if (pattern.type !== 'ObjectPattern') return false;
  return pattern.properties.every(
    (property) =>
      (property.type === 'Property' ? property.value : property.argument).type === 'Identifier' &&
      !(property.type === 'Property' && property.computed),
  );
}

const propertyOf = (node: AnyNode): string => String((node.property as AnyNode).name ?? '');

const isZod = (specifier: string): boolean => specifier === 'zod' || specifier.startsWith('zod/');

/** What functions of Node's own modules give. */
function ofNode(specifier: string, name: string, kinds: readonly Value[]): Value {
  const module = specifier.replace(/^node:/, '');
  const plain = kinds.every((kind) => kind === 'text' || kind === 'other');
  const texts = kinds.every((kind) => kind === 'text');
  if ((module === 'path' || module === 'path/posix') && texts) return 'text';
  if (module === 'url' && name === 'fileURLToPath' && plain) return 'text';
  if (module === 'url' && name === 'pathToFileURL' && texts) return 'other';
  if (module === 'module' && name === 'createRequire' && plain) return 'other';
  return undefined;
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Globals whose mention can't fail. */
const globals = words(`
  Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean Buffer DataView Date Error EvalError Float32Array Float64Array
  Function Int16Array Int32Array Int8Array Intl JSON Map Math Number Object Promise Proxy RangeError ReferenceError Reflect RegExp
  Set String Symbol SyntaxError TextDecoder TextEncoder TypeError URIError URL URLSearchParams Uint16Array Uint32Array Uint8Array
  Uint8ClampedArray WeakMap WeakRef WeakSet console globalThis isFinite isNaN parseFloat parseInt process structuredClone`);

/** Properties of globals that are plain constants. */
const constants = words(`
  Math.E Math.LN10 Math.LN2 Math.LOG10E Math.LOG2E Math.PI Math.SQRT1_2 Math.SQRT2 Number.EPSILON Number.MAX_SAFE_INTEGER
  Number.MAX_VALUE Number.MIN_SAFE_INTEGER Number.MIN_VALUE Number.NEGATIVE_INFINITY Number.POSITIVE_INFINITY process.platform
  process.arch process.pid`);

/** Functions that turn texts into texts. */
const converters = words(`
  Number String Boolean parseInt parseFloat isNaN isFinite encodeURIComponent encodeURI Number.parseInt Number.parseFloat
  Number.isInteger Number.isSafeInteger Number.isFinite Number.isNaN String.fromCharCode String.fromCodePoint`);

const textMethods = words(`
  trim trimStart trimEnd toLowerCase toUpperCase padStart padEnd repeat slice substring concat charAt at includes startsWith
  endsWith indexOf`);

/** Functions that make arrays and objects of others. */
const dataMakers = words(`
  Object.fromEntries Object.entries Object.keys Object.values Array.from Array.of JSON.parse`);

/** Classes whose construction from data has no effect. */
const constructors = words(`
  Map Set WeakMap WeakSet RegExp URL URLSearchParams Date Error TypeError RangeError TextEncoder TextDecoder Array Uint8Array
  Uint16Array Uint32Array Int8Array Int16Array Int32Array Float32Array Float64Array ArrayBuffer DataView`);

/** Functions and methods of zod that make a schema and neither parse nor register anything. */
const schemaMakers = words(`
  any array base64 base64url bigint boolean brand catch catchall check cidrv4 cidrv6 codec cuid cuid2 custom date default
  discriminatedUnion e164 email emoji endsWith enum exactOptional exclude extend extract file finite float32 float64 function gt
  gte guid hash hex hostname httpUrl includes instanceof int int32 int64 intersection ipv4 ipv6 iso jwt keyof ksuid lazy length
  literal loose looseObject looseRecord lowercase lt lte map max maxLength maxSize merge mime min minLength minSize multipleOf nan
  nanoid nativeEnum negative never nonempty nonnegative nonoptional nonpositive normalize null nullable nullish number object omit
  optional or and overwrite partial partialRecord passthrough pick pipe positive prefault preprocess promise property readonly
  record refine regex required rest safe safeExtend set size slugify startsWith step strict strictObject string stringFormat
  stringbool strip success superRefine symbol templateLiteral toLowerCase toUpperCase transform trim tuple uint32 uint64 ulid
  undefined union unknown uppercase url uuid uuidv4 uuidv6 uuidv7 void xid xor unwrap datetime time duration`);
