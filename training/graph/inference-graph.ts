// Writes the graph of layers as in inference, whose weights are variables.
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { hasNativeKernels } from '../kernels/native-kernels.ts';
import type { InputType } from '../training-step.ts';
import { forwardPass, weightVariables } from './forward-pass.ts';
import { GraphBuilder } from './graph-builder.ts';
import { inputSizes, type Layer } from './layers/layer-rule.ts';
import { restoreSignature } from './restore.ts';
import type { Signature } from './saved-model.ts';

/** The signatures of an inference graph, which share its variables. */
export interface InferenceSignatures extends Record<string, Signature> {
  /** A value for each weight → done. Comes first. */
  readonly restore: Signature;
  /** inputs → outputs. */
  readonly infer: Signature;
}

export interface InferenceGraph {
  readonly graph: GraphBuilder;
  readonly signatures: InferenceSignatures;
  /** The layers' weights, by their names among the inputs of `restore`. */
  readonly weights: ReadonlyMap<string, LayerVariable>;
}

/**
 * Writes layers, one after the other. TensorFlow joins each convolution or product, its bias and its ReLU to one operation when
 * it loads the graph.
 *
 * @param layers at least one; `unsupportedLayer` gives null for each of them
 * @param inputType what the batches hold: pictures as bytes, or anything as floats
 * @param ownKernels as in `GraphOptions`
 */
export function inferenceGraph(
  layers: readonly Layer[],
  inputType: InputType,
  ownKernels = hasNativeKernels(),
): InferenceGraph {
  const graph = new GraphBuilder();
  const inputs = graph.placeholder('inputs', inputType, [null, ...inputSizes(layers[0]!)]);
  const variables = weightVariables(graph, layers);
  const { output } = forwardPass(graph, layers, variables, inputs, null, ownKernels);
  return {
    graph,
    signatures: {
      restore: restoreSignature(graph, [...variables.values()]),
      infer: { inputs: { inputs }, outputs: { outputs: output } },
    },
    weights: new Map([...variables].map(([weight, { name }]) => [name, weight])),
  };
}
