// The graph's plain operations, each with the attributes that its inputs tell.
import type { ElementType, GraphBuilder, GraphNode, Output } from './graph-builder.ts';

const float = { type: 'float32' } as const;
const int = { type: 'int32' } as const;

const binary =
  (operation: string, result?: ElementType) =>
  (graph: GraphBuilder, a: Output, b: Output): Output =>
    graph.output(operation, [a, b], { T: { type: a.type } }, result ?? a.type);

const unary =
  (operation: string) =>
  (graph: GraphBuilder, x: Output): Output =>
    graph.output(operation, [x], { T: { type: x.type } }, x.type);

export const add = binary('AddV2');
export const subtract = binary('Sub');
export const multiply = binary('Mul');
export const divide = binary('RealDiv');
export const equal = binary('Equal', 'bool');
export const greaterEqual = binary('GreaterEqual', 'bool');
export const relu = unary('Relu');
/** Along the last dimension. */
export const softmax = unary('Softmax');

/** `gradient` where ReLU's output is above 0, else 0. */
export const reluGrad = (graph: GraphBuilder, gradient: Output, output: Output): Output =>
  graph.output('ReluGrad', [gradient, output], { T: float });

export function cast(graph: GraphBuilder, x: Output, type: ElementType): Output {
  return x.type === type ? x : graph.output('Cast', [x], { SrcT: { type: x.type }, DstT: { type } }, type);
}

/** The shape as `int32 [rank]`. */
export const shapeOf = (graph: GraphBuilder, x: Output): Output =>
  graph.output('Shape', [x], { T: { type: x.type }, out_type: int }, 'int32');

/** The number of elements, as a float. */
export const sizeOf = (graph: GraphBuilder, x: Output): Output =>
  cast(graph, graph.output('Size', [x], { T: { type: x.type }, out_type: int }, 'int32'), 'float32');

/** @param shape one dimension may be -1: what is left */
export const reshape = (graph: GraphBuilder, x: Output, shape: readonly number[]): Output =>
  graph.output(
    'Reshape',
    [x, graph.constant(shape, [shape.length], 'int32')],
    { T: { type: x.type }, Tshape: int },
    x.type,
  );

export const broadcastTo = (graph: GraphBuilder, x: Output, shape: Output): Output =>
  graph.output('BroadcastTo', [x, shape], { T: { type: x.type }, Tidx: int }, x.type);

const reduction = (operation: string) => (graph: GraphBuilder, x: Output, axes: readonly number[]) =>
  graph.output(operation, [x, graph.constant(axes, [axes.length], 'int32')], {
    T: { type: x.type },
    Tidx: int,
    keep_dims: { bool: false },
  });

export const sum = reduction('Sum');
export const mean = reduction('Mean');

export const matMul = (
  graph: GraphBuilder,
  a: Output,
  b: Output,
  { transposeA = false, transposeB = false } = {},
): Output =>
  graph.output('MatMul', [a, b], {
    T: float,
    transpose_a: { bool: transposeA },
    transpose_b: { bool: transposeB },
  });

/** Adds `bias [channels]` along the last dimension. */
export const biasAdd = (graph: GraphBuilder, x: Output, bias: Output): Output =>
  graph.output('BiasAdd', [x, bias], { T: float, data_format: { string: 'NHWC' } });

export const biasAddGrad = (graph: GraphBuilder, gradient: Output): Output =>
  graph.output('BiasAddGrad', [gradient], { T: float, data_format: { string: 'NHWC' } });

/** The same value, given once `after` has run. */
export const identityAfter = (
  graph: GraphBuilder,
  name: string,
  x: Output,
  after: readonly GraphNode[],
): Output => graph.output('Identity', [x], { T: { type: x.type } }, x.type, { name, after });

/** Parts a vector into its `count` scalars. */
export const unstack = (graph: GraphBuilder, x: Output, count: number): Output[] =>
  count === 0
    ? []
    : graph.node(
        'Unpack',
        [x],
        { T: { type: x.type }, num: { int: count }, axis: { int: 0 } },
        Array.from({ length: count }, () => x.type),
      );

/** Joins scalars to a vector. */
export const stack = (graph: GraphBuilder, scalars: readonly Output[]): Output =>
  graph.output(
    'Pack',
    scalars,
    { T: { type: scalars[0]!.type }, N: { int: scalars.length }, axis: { int: 0 } },
    scalars[0]!.type,
  );
