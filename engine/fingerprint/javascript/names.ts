// The names that a statement takes from its module or from the global scope, found by the language's rules of scope.
import type { Node, Pattern } from 'acorn';

/** Name → the properties that are read of it (`ns.x` reads `x`), and `*` if it is used in any other way. */
export type Uses = ReadonlyMap<string, ReadonlySet<string>>;

/** A node, seen as a record of its children. */
export type AnyNode = Node & { readonly [field: string]: unknown };

export const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as AnyNode).type === 'string';

/** All child nodes, in the order of the source. */
export function* childrenOf(node: AnyNode): Generator<AnyNode> {
  for (const value of Object.values(node)) {
    if (isNode(value)) yield value;
    else if (Array.isArray(value)) for (const item of value) if (isNode(item)) yield item;
  }
}

/** The names that a pattern declares. */
export function boundNames(pattern: Pattern | null): string[] {
  if (pattern === null) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        boundNames(property.type === 'Property' ? property.value : property.argument),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap(boundNames);
    case 'AssignmentPattern':
      return boundNames(pattern.left);
    case 'RestElement':
      return boundNames(pattern.argument);
    default:
      return [];
  }
}

const isFunction = ({ type }: AnyNode): boolean =>
  type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression';

/** Names that `var` declares in a function or module, whatever block it is in. */
export function hoistedNames(node: AnyNode): string[] {
  if (isFunction(node) || node.type === 'StaticBlock' || node.type === 'PropertyDefinition') return [];
  const own =
    node.type === 'VariableDeclaration' && node.kind === 'var'
      ? (node.declarations as { id: Pattern }[]).flatMap(({ id }) => boundNames(id))
      : [];
  return [...own, ...[...childrenOf(node)].flatMap(hoistedNames)];
}

/** Names that the statements of a block declare in it. */
function blockNames(statements: readonly AnyNode[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === 'VariableDeclaration')
      return (statement.declarations as { id: Pattern }[]).flatMap(({ id }) => boundNames(id));
    const named = statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration';
    return named && isNode(statement.id) ? [statement.id.name as string] : [];
  });
}

type Scope = { readonly names: ReadonlySet<string>; readonly parent: Scope } | null;

const isDeclared = (name: string, scope: Scope): boolean => {
  for (let at = scope; at !== null; at = at.parent) if (at.names.has(name)) return true;
  return false;
};

/** Finds the free names of `root`. */
export function usesOf(root: Node): Uses {
  const uses = new Map<string, Set<string>>();
  const use = (name: string, property: string, scope: Scope): void => {
    if (isDeclared(name, scope)) return;
    const properties = uses.get(name);
    if (properties === undefined) uses.set(name, new Set([property]));
    else properties.add(property);
  };
  const visitAll = (node: AnyNode, scope: Scope): void => {
    for (const child of childrenOf(node)) visit(child, scope);
  };
  const visit = (node: AnyNode, scope: Scope): void => {
    switch (node.type) {
      case 'Identifier':
        use(node.name as string, '*', scope);
        return;
      case 'MemberExpression': {
        const { object, property, computed } = node as unknown as {
          object: AnyNode;
          property: AnyNode;
          computed: boolean;
        };
        if (object.type === 'Identifier' && !computed) {
          use(object.name as string, property.name as string, scope);
          return;
        }
        visit(object, scope);
        if (computed) visit(property, scope);
        return;
      }
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition':
        if (node.computed === true) visit(node.key as AnyNode, scope);
        if (isNode(node.value)) visit(node.value, scope);
        return;
      case 'MetaProperty':
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      case 'LabeledStatement':
        visit(node.body as AnyNode, scope);
        return;
      case 'ClassExpression':
      case 'ClassDeclaration':
        visitAll(node, isNode(node.id) ? inner([node.id.name as string], scope) : scope);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        visitAll(node, functionScope(node, scope));
        return;
      case 'BlockStatement':
      case 'StaticBlock':
        visitAll(node, inner(blockNames(node.body as AnyNode[]), scope));
        return;
      case 'SwitchStatement': {
        const cases = node.cases as { consequent: AnyNode[] }[];
        visitAll(
          node,
          inner(
            cases.flatMap(({ consequent }) => blockNames(consequent)),
            scope,
          ),
        );
        return;
      }
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement': {
        const head = (node.init ?? node.left ?? null) as AnyNode | null;
        visitAll(node, inner(head === null ? [] : blockNames([head]), scope));
        return;
      }
      case 'CatchClause':
        visitAll(node, inner(boundNames(node.param as Pattern | null), scope));
        return;
      default:
        visitAll(node, scope);
        return;
    }
  };
  visit(root as AnyNode, null);
  return uses;
}

const inner = (names: readonly string[], parent: Scope): Scope =>
  names.length === 0 ? parent : ({ names: new Set(names), parent } as Scope);

function functionScope(node: AnyNode, parent: Scope): Scope {
  const params = (node.params as Pattern[]).flatMap(boundNames);
  const own = isNode(node.id) ? [node.id.name as string] : [];
  const body = node.body as AnyNode;
  return inner([...own, ...params, ...hoistedNames(body)], parent);
}
