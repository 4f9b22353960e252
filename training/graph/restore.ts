// The signature that gives a graph's variables their values.
import type { GraphBuilder, GraphVariable, Output } from './graph-builder.ts';
import { identityAfter } from './ops.ts';
import type { Signature } from './saved-model.ts';

/**
 * Writes a signature that takes a value for each variable, by the variable's name, and gives `done`. It must run first.
 *
 * @param cleared variables that become zeros then
 */
export function restoreSignature(
  graph: GraphBuilder,
  variables: readonly GraphVariable[],
  cleared: readonly GraphVariable[] = [],
): Signature {
  return graph.scoped('restore', () => {
    const inputs = Object.fromEntries(
      variables.map(({ name, shape }) => [name, graph.placeholder(name, 'float32', shape)]),
    );
    const assigned = [
      ...variables.map((variable) => graph.assign(variable, copied(graph, inputs[variable.name]!))),
      ...cleared.map((variable) => graph.assign(variable, zeros(graph, variable.shape))),
    ];
    return { inputs, outputs: { done: identityAfter(graph, 'done', graph.constant([1]), assigned) } };
  });
}

/**
 * A copy in TensorFlow's own memory. A fed tensor may lie in memory of Node's, which tfjs-node gives back from whichever thread
 * lets go of it last. A variable that took such a tensor over would let go of it in one of TensorFlow's threads, and Node, which
 * allows that in its own thread alone, crashes now and then.
 */
const copied = (graph: GraphBuilder, fed: Output) =>
  graph.output('DeepCopy', [fed], { T: { type: 'float32' } });

const zeros = (graph: GraphBuilder, shape: readonly number[]) =>
  graph.output('Fill', [graph.constant(shape, [shape.length], 'int32'), graph.constant([0])], {
    T: { type: 'float32' },
    index_type: { type: 'int32' },
  });
