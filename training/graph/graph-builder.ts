// Writes a TensorFlow graph node by node: names, element types, attributes, constants, placeholders and variables.
import {
  type AttrValue,
  type GraphDef,
  messages,
  type NodeDef,
  shapeProto,
  type Tensor as TensorMessage,
} from './proto.ts';

/** Element types, with TensorFlow's numbers (`types.proto`). */
export const dataTypes = { float32: 1, int32: 3, uint8: 4, bool: 10, resource: 20 } as const;
export type ElementType = keyof typeof dataTypes;

/** A node of the graph, to run before another or to take an output of. */
export interface GraphNode {
  readonly node: string;
}

/** An output of a node. */
export interface Output extends GraphNode {
  readonly index: number;
  readonly type: ElementType;
}

/** An attribute of a node, by the field of `AttrValue` that it goes into. */
export type Attribute =
  | { readonly type: ElementType }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly shape: readonly (number | null)[] }
  | { readonly tensor: TensorMessage };

export interface NodeOptions {
  /** The node's name in its scope; the operation's by default. Made unique with a number. */
  readonly name?: string;
  /** Nodes that must have run before this one. */
  readonly after?: readonly GraphNode[];
}

/** A float32 variable that lives in the session. */
export interface GraphVariable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly handle: Output;
  /** Its value before any of the run's updates, as long as these depend on it. */
  readonly value: Output;
}

/** Producer version in the GraphDef (`TF_GRAPH_DEF_VERSION`): TensorFlow 2.9's, so that all operations mean what they do now. */
const producer = 1087;

export class GraphBuilder {
  private readonly nodes: NodeDef[] = [];
  private readonly names = new Set<string>();
  private readonly scopes: string[] = [];

  /** Runs `write` with the scope's name before the names of its nodes. */
  scoped<Result>(scope: string, write: () => Result): Result {
    this.scopes.push(scope);
    try {
      return write();
    } finally {
      this.scopes.pop();
    }
  }

  /**
   * Adds a node.
   *
   * @param inputs in the operation's order
   * @param attributes all that have no default
   * @param types of the outputs
   * @returns the outputs
   */
  node(
    operation: string,
    inputs: readonly Output[],
    attributes: Readonly<Record<string, Attribute>>,
    types: readonly ElementType[],
    options: NodeOptions = {},
  ): Output[] {
    const node = this.add(operation, inputs, attributes, options);
    return types.map((type, index) => ({ node, index, type }));
  }

  /** Adds a node of one output. */
  output(
    operation: string,
    inputs: readonly Output[],
    attributes: Readonly<Record<string, Attribute>>,
    type: ElementType = 'float32',
    options: NodeOptions = {},
  ): Output {
    return this.node(operation, inputs, attributes, [type], options)[0]!;
  }

  /** Adds a node that is run for its effect. */
  effect(
    operation: string,
    inputs: readonly Output[],
    attributes: Readonly<Record<string, Attribute>>,
    options: NodeOptions = {},
  ): GraphNode {
    return { node: this.add(operation, inputs, attributes, options) };
  }

  constant(
    values: readonly number[],
    shape: readonly number[] = [],
    type: 'float32' | 'int32' = 'float32',
  ): Output {
    const bytes = type === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
    const tensor = new messages.Tensor();
    tensor.setDtype(dataTypes[type]);
    tensor.setTensorShape(shapeProto(shape));
    tensor.setTensorContent(new Uint8Array(bytes.buffer));
    return this.output('Const', [], { dtype: { type }, value: { tensor } }, type);
  }

  /** A value that is fed. @param shape null stands for a dimension that may differ between runs */
  placeholder(name: string, type: ElementType, shape: readonly (number | null)[]): Output {
    return this.output('Placeholder', [], { dtype: { type }, shape: { shape } }, type, { name });
  }

  variable(name: string, shape: readonly number[]): GraphVariable {
    const type = { type: 'float32' } as const;
    const sharedName = `${this.nodes.length}:${name}`; // variables that share a name are one variable
    const handle = this.output(
      'VarHandleOp',
      [],
      { dtype: type, shape: { shape }, shared_name: { string: sharedName } },
      'resource',
      { name },
    );
    const value = this.output('ReadVariableOp', [handle], { dtype: type }, 'float32', {
      name: `${name}/read`,
    });
    return { name: handle.node, shape, handle, value };
  }

  /** Sets a variable. */
  assign(variable: GraphVariable, value: Output): GraphNode {
    return this.effect('AssignVariableOp', [variable.handle, value], { dtype: { type: 'float32' } });
  }

  graphDef(): GraphDef {
    const graph = new messages.GraphDef();
    for (const node of this.nodes) graph.addNode(node);
    const versions = new messages.VersionDef();
    versions.setProducer(producer);
    graph.setVersions(versions);
    return graph;
  }

  private add(
    operation: string,
    inputs: readonly Output[],
    attributes: Readonly<Record<string, Attribute>>,
    { name = operation, after = [] }: NodeOptions,
  ): string {
    const node = new messages.NodeDef();
    const unique = this.uniqueName([...this.scopes, name].join('/'));
    node.setName(unique);
    node.setOp(operation);
    for (const input of inputs)
      node.addInput(input.index === 0 ? input.node : `${input.node}:${input.index}`);
    for (const before of new Set(after.map((each) => each.node))) node.addInput(`^${before}`);
    const map = node.getAttrMap();
    for (const [key, attribute] of Object.entries(attributes)) map.set(key, attributeProto(attribute));
    this.nodes.push(node);
    return unique;
  }

  private uniqueName(wanted: string): string {
    const legal = wanted.replace(/[^A-Za-z0-9_./-]/g, '_').replace(/^[^A-Za-z0-9.]/, '.$&');
    let name = legal;
    for (let number = 1; this.names.has(name); number++) name = `${legal}_${number}`;
    this.names.add(name);
    return name;
  }
}

function attributeProto(attribute: Attribute): AttrValue {
  const proto = new messages.AttrValue();
  if ('type' in attribute) proto.setType(dataTypes[attribute.type]);
  else if ('int' in attribute) proto.setI(attribute.int);
  else if ('float' in attribute) proto.setF(attribute.float);
  else if ('bool' in attribute) proto.setB(attribute.bool);
  else if ('string' in attribute) proto.setS(new TextEncoder().encode(attribute.string));
  else if ('shape' in attribute) proto.setShape(shapeProto(attribute.shape));
  else if ('tensor' in attribute) proto.setTensor(attribute.tensor);
  else {
    const list = new messages.AttrValue.ListValue();
    list.setIList([...attribute.ints]);
    proto.setList(list);
  }
  return proto;
}
