// The L2 penalties on the layers' kernels, as the layers' configuration has them, and their gradients.
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { GraphBuilder, GraphVariable, Output } from './graph-builder.ts';
import type { Layer } from './layers/layer-rule.ts';
import { add, multiply } from './ops.ts';

/** A layer's `kernelRegularizer` as `getConfig` gives it. */
interface RegularizerConfig {
  readonly className: string;
  readonly config: { readonly l1?: number; readonly l2?: number };
}

const regularizerOf = (layer: Layer) =>
  (layer.getConfig().kernelRegularizer ?? null) as RegularizerConfig | null;

/** Why a layer's penalty on its kernel can't be written, as the end of a sentence; null if it can, or there is none. */
export function unsupportedPenalty(layer: Layer): string | null {
  const regularizer = regularizerOf(layer);
  const isL2 = regularizer?.className === 'L1L2' && (regularizer.config.l1 ?? 0) === 0;
  return regularizer === null || isL2
    ? null
    : `layer ${layer.name} (${layer.getClassName()}) has kernelRegularizer ${JSON.stringify(regularizer)}`;
}

/** `l2 Σ w²` of each kernel that has such a penalty, and the gradient `2 l2 w`. */
export function l2Penalties(
  graph: GraphBuilder,
  layers: readonly Layer[],
  variables: ReadonlyMap<LayerVariable, GraphVariable>,
): { readonly values: readonly Output[]; readonly gradients: ReadonlyMap<LayerVariable, Output> } {
  const values: Output[] = [];
  const gradients = new Map<LayerVariable, Output>();
  for (const layer of layers) {
    const l2 = regularizerOf(layer)?.config.l2 ?? 0;
    if (l2 === 0) continue;
    const kernel = layer.weights.find((weight) => weight.originalName.endsWith('/kernel'))!;
    const { value } = variables.get(kernel)!;
    graph.scoped(`${layer.name}/l2`, () => {
      const factor = graph.constant([2 * l2]);
      const half = graph.output('L2Loss', [value], { T: { type: 'float32' } }); // Σ w² / 2
      values.push(multiply(graph, half, factor));
      gradients.set(kernel, multiply(graph, value, factor));
    });
  }
  return { values, gradients };
}

/** The sum of a loss and its penalties. */
export const withPenalties = (graph: GraphBuilder, loss: Output, penalties: readonly Output[]): Output =>
  penalties.reduce((sum, penalty) => add(graph, sum, penalty), loss);
