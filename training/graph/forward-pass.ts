// Writes a sequence of layers by their rules, for training or for inference, and the gradients back through it.
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { ElementType, GraphBuilder, GraphNode, GraphVariable, Output } from './graph-builder.ts';
import { layerRules } from './layers/index.ts';
import type { Forward, Layer, LayerRule, Place } from './layers/layer-rule.ts';
import { ownLayers } from './layers/own-kernels.ts';
import { cast } from './ops.ts';

/** Why a layer can't be written, as the end of a sentence; null if it can. */
export function unsupportedLayer(layer: Layer, training: boolean): string | null {
  const rule = layerRules[layer.getClassName()];
  const reason = rule === undefined ? 'is of an unknown kind' : rule.unsupported(layer, training);
  return reason === null ? null : `layer ${layer.name} (${layer.getClassName()}) ${reason}`;
}

/** Adds a variable for each weight of the layers. */
export function weightVariables(
  graph: GraphBuilder,
  layers: readonly Layer[],
): Map<LayerVariable, GraphVariable> {
  return new Map(
    layers.flatMap((layer) =>
      layer.weights.map((weight) => [
        weight,
        graph.variable(`${layer.name}/${lastName(weight)}`, weight.shape as number[]),
      ]),
    ),
  );
}

/** A weight's gradient, and the nodes of the backward pass that read the weight. */
export interface WeightGradient {
  readonly gradient: Output;
  readonly readers: readonly GraphNode[];
}

/** Layers written into a graph. */
export interface Pass {
  /** What the last layer gives, float32. */
  readonly output: Output;
  /** What must also run in a training step: updates of moving statistics. */
  readonly updates: readonly GraphNode[];
  /** Gradients of the trainable weights, from the gradient with respect to `output`. */
  backward(gradient: Output): Map<LayerVariable, WeightGradient>;
}

/**
 * Writes layers, one after the other.
 *
 * @param layers `unsupportedLayer` gives null for each of them
 * @param variables of all their weights
 * @param inputs `[batch, …]`, of any type: a byte counts as 0 … 255
 * @param training as in a layer's `Place`
 * @param ownKernels whether our kernels compute the layers that they can
 */
export function forwardPass(
  graph: GraphBuilder,
  layers: readonly Layer[],
  variables: ReadonlyMap<LayerVariable, GraphVariable>,
  inputs: Output,
  training: Place['training'],
  ownKernels: boolean,
): Pass {
  let x = cast(graph, inputs, 'float32' satisfies ElementType);
  const steps = stepsOf(layers, ownKernels, training !== null);
  const done: { layer: Layer; forward: Forward }[] = [];
  let afterRelu = false;
  for (const { layer, write } of steps) {
    const weight = (name: string) => variables.get(layer.weights.find((each) => lastName(each) === name)!)!;
    const forward = graph.scoped(layer.name, () =>
      write(layer, { graph, input: x, weight, training, afterRelu }),
    );
    done.push({ layer, forward });
    x = forward.output;
    afterRelu = forward.endsInRelu ?? false;
  }
  const first = firstThatTrains(steps.map(({ layer }) => layer));
  return {
    output: x,
    updates: done.flatMap(({ forward }) => forward.updates ?? []),
    backward(gradient) {
      const gradients = new Map<LayerVariable, WeightGradient>();
      let dy = gradient;
      let masked = false;
      let sums: Output | null = null;
      for (let index = done.length - 1; index >= first && first !== -1; index--) {
        const { layer, forward } = done[index]!;
        const own = graph.scoped(`${layer.name}/gradient`, () =>
          forward.backward(dy, index > first, masked, sums),
        );
        const readers = own.input === null ? [] : [own.input];
        for (const weight of layer.trainableWeights) {
          gradients.set(weight, { gradient: own.weights![lastName(weight)]!, readers });
        }
        if (own.input === null) break;
        dy = own.input;
        masked = own.masked ?? false;
        sums = own.sums ?? null;
      }
      return gradients;
    },
  };
}

/** A layer, or several that are written as one, by the first of them. */
interface Step {
  readonly layer: Layer;
  readonly write: LayerRule['forward'];
}

function stepsOf(layers: readonly Layer[], ownKernels: boolean, training: boolean): Step[] {
  const first = firstThatTrains(layers);
  const steps: Step[] = [];
  for (let index = 0; index < layers.length; ) {
    const layer = layers[index]!;
    const wantInput = first !== -1 && index > first;
    const own = ownKernels ? ownLayers(layers.slice(index), wantInput, training) : null;
    steps.push({ layer, write: own?.write ?? layerRules[layer.getClassName()]!.forward });
    index += own?.count ?? 1;
  }
  return steps;
}

const firstThatTrains = (layers: readonly Layer[]) =>
  layers.findIndex((layer) => layer.trainableWeights.length > 0);

const lastName = (weight: LayerVariable) => weight.originalName.split('/').at(-1)!;
