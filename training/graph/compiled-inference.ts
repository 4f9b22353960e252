// Inference as one call into TensorFlow: layers compiled to a graph that keeps their weights inside.
import * as tf from '@tensorflow/tfjs-core';
import type { Inference } from '../inference.ts';
import type { InputType } from '../training-step.ts';
import { unsupportedLayer } from './forward-pass.ts';
import { inferenceGraph } from './inference-graph.ts';
import type { Layer } from './layers/layer-rule.ts';
import { GraphSession } from './saved-model.ts';

/** The inference, or why the layers can't be compiled, as the end of a sentence. */
export type CompiledInference = { readonly inference: Inference } | { readonly reason: string };

/**
 * Compiles layers that follow one another, as `eagerInference` runs them. The tensorflow backend must be the current one for the
 * inference to be made, and stay so. The weights' values are copied here.
 *
 * @param layers at least one
 * @param inputType what the batches will hold; bytes count as 0 … 255
 * @param ownKernels as in `GraphOptions`
 */
export function compiledInference(
  layers: readonly Layer[],
  inputType: InputType = 'float32',
  ownKernels?: boolean,
): CompiledInference {
  if (tf.getBackend() !== 'tensorflow') return { reason: `the ${tf.getBackend()} backend runs no graphs` };
  for (const layer of layers) {
    const reason = unsupportedLayer(layer, false);
    if (reason !== null) return { reason };
  }
  const { graph, signatures, weights } = inferenceGraph(layers, inputType, ownKernels);
  const session = new GraphSession(graph, signatures);
  const values = [...weights].map(([name, weight]) => [name, weight.read()] as const);
  tf.dispose(session.run('restore', Object.fromEntries(values)));
  return {
    inference: {
      inputType,
      run: (inputs) => session.run('infer', { inputs }).outputs!,
      dispose: () => session.dispose(),
    },
  };
}
