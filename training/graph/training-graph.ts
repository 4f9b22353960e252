// Writes the graph of a model's whole training step: forward, loss, gradients and updates, and beside it evaluation and state.
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import type { Optimizer } from '../optimizers/index.ts';
import type { InputType } from '../training-step.ts';
import {
  type ElementType,
  GraphBuilder,
  type GraphNode,
  type GraphVariable,
  type Output,
} from './graph-builder.ts';
import { layerRules } from './layers/index.ts';
import type { Forward, Layer } from './layers/layer-rule.ts';
import { crossEntropy, hits, type LossOptions } from './loss.ts';
import { add, cast, identityAfter, unstack } from './ops.ts';
import { type UpdateRule, type UpdateVariables, updateRule } from './optimizers.ts';
import { l2Penalties, unsupportedPenalty, withPenalties } from './regularization.ts';
import type { Signature } from './saved-model.ts';

export interface GraphOptions extends LossOptions {
  /** What the batches hold: pictures as bytes, or anything as floats. */
  readonly inputType: InputType;
}

/** The signatures of a training graph, which share its variables. */
export interface TrainingSignatures extends Record<string, Signature> {
  /** inputs, labels, step (int32 scalar), numbers (as `numberNames`) → loss, correct. */
  readonly train: Signature;
  /** inputs, labels → loss, correct; as in inference. */
  readonly evaluate: Signature;
  /** A value for each weight and slot → done; scratch variables are cleared. Comes first. */
  readonly restore: Signature;
  /** → the value of each weight and slot. */
  readonly state: Signature;
}

/** A variable of the graph and what it stands for. */
export interface StateVariable {
  /** Name among the inputs of `restore` and the outputs of `state`. */
  readonly key: string;
  readonly weight: LayerVariable;
  /** Name of the optimizer's slot; null for the weight itself. */
  readonly slot: string | null;
}

export interface TrainingGraph {
  readonly graph: GraphBuilder;
  readonly signatures: TrainingSignatures;
  readonly state: readonly StateVariable[];
  readonly update: UpdateRule;
  /** The order of the numbers that a step feeds. */
  readonly numberNames: readonly string[];
}

/** Why a model can't be written as a graph; null if it can. */
export function unsupported(model: LayersModel, optimizer: Optimizer): string | null {
  const last = model.layers.at(-1)!;
  if (model.getClassName() !== 'Sequential' || last.getConfig().activation !== 'softmax') {
    return `${model.name} is not a sequence of layers that ends in a softmax`;
  }
  for (const layer of model.layers.slice(0, -1)) {
    const rule = layerRules[layer.getClassName()];
    const reason =
      rule === undefined ? 'is of an unknown kind' : (rule.unsupported(layer) ?? unsupportedPenalty(layer));
    if (reason !== null) return `layer ${layer.name} (${layer.getClassName()}) ${reason}`;
  }
  return updateRule(optimizer) === null ? `the optimizer ${optimizer.getClassName()} is unknown` : null;
}

/** Writes the graph of a model for which `unsupported` gives null. */
export function trainingGraph(
  model: LayersModel,
  optimizer: Optimizer,
  options: GraphOptions,
): TrainingGraph {
  const update = updateRule(optimizer)!;
  const graph = new GraphBuilder();
  const inputs = graph.placeholder('inputs', options.inputType, model.inputs[0]!.shape);
  const labels = graph.placeholder('labels', 'int32', [null]);
  const step = graph.placeholder('step', 'int32', []);
  const numberNames = Object.keys(update.numbers(optimizer.coefficients(1), 1));
  const numbers = graph.placeholder('numbers', 'float32', [numberNames.length]);

  const layers = model.layers.slice(0, -1);
  const variables = new Map(
    layers.flatMap((layer) => layer.weights.map((each) => [each, weightVariable(graph, layer, each)])),
  );
  const pass = (training: boolean) => forwardPass(graph, layers, variables, { inputs, step, training });
  const classes = model.outputs[0]!.shape.at(-1)!;

  const evaluate = graph.scoped('evaluate', () => {
    const logits = pass(false).output;
    return { loss: crossEntropy(graph, logits, labels, classes).value, correct: hits(graph, logits, labels) };
  });

  const trained = model.trainableWeights.map((weight) => ({
    weight,
    variables: updateVariables(graph, variables.get(weight)!, [...optimizer.slotNames, ...update.scratch]),
  }));
  const train = graph.scoped('train', () => {
    const forward = pass(true);
    const loss = crossEntropy(graph, forward.output, labels, classes, options);
    const gradients = forward.backward(loss.gradient);
    const penalties = l2Penalties(graph, layers, variables);
    const scalars = unstack(graph, numbers, numberNames.length);
    const byName = Object.fromEntries(numberNames.map((name, index) => [name, scalars[index]!]));
    const updates = trained.map(({ weight, variables: own }) => {
      const { gradient, readers } = gradients.get(weight)!;
      const penalty = penalties.gradients.get(weight);
      return graph.scoped('update', () => {
        const whole = penalty === undefined ? gradient : add(graph, gradient, penalty);
        return update.update(graph, own, whole, byName, [...readers, ...penalties.values]);
      });
    });
    const done = [...forward.updates, ...updates];
    return {
      loss: identityAfter(graph, 'loss', withPenalties(graph, loss.value, penalties.values), done),
      correct: identityAfter(graph, 'correct', hits(graph, forward.output, labels), done),
    };
  });

  const state = [
    ...[...variables].map(([weight, variable]) => ({ key: variable.name, weight, slot: null, variable })),
    ...trained.flatMap(({ weight, variables: own }) =>
      optimizer.slotNames.map((slot) => ({ key: own[slot]!.name, weight, slot, variable: own[slot]! })),
    ),
  ];
  const scratch = trained.flatMap(({ variables: own }) => update.scratch.map((name) => own[name]!));
  return {
    graph,
    signatures: {
      train: { inputs: { inputs, labels, step, numbers }, outputs: train },
      evaluate: { inputs: { inputs, labels }, outputs: evaluate },
      restore: restoreSignature(graph, state, scratch),
      state: {
        inputs: {},
        outputs: Object.fromEntries(state.map(({ key, variable }) => [key, variable.value])),
      },
    },
    state,
    update,
    numberNames,
  };
}

const lastName = (weight: LayerVariable) => weight.originalName.split('/').at(-1)!;

const weightVariable = (graph: GraphBuilder, layer: Layer, weight: LayerVariable) =>
  graph.variable(`${layer.name}/${lastName(weight)}`, weight.shape as number[]);

const updateVariables = (
  graph: GraphBuilder,
  weight: GraphVariable,
  names: readonly string[],
): UpdateVariables => ({
  weight,
  ...Object.fromEntries(names.map((name) => [name, graph.variable(`${weight.name}/${name}`, weight.shape)])),
});

/** A weight's gradient, and the nodes of the backward pass that read the weight. */
interface WeightGradient {
  readonly gradient: Output;
  readonly readers: readonly GraphNode[];
}

interface Pass {
  /** The logits. */
  readonly output: Output;
  readonly updates: readonly GraphNode[];
  /** Gradients of the trainable weights, from the gradient with respect to the logits. */
  backward(gradient: Output): Map<LayerVariable, WeightGradient>;
}

function forwardPass(
  graph: GraphBuilder,
  layers: readonly Layer[],
  variables: ReadonlyMap<LayerVariable, GraphVariable>,
  { inputs, step, training }: { inputs: Output; step: Output; training: boolean },
): Pass {
  let x = cast(graph, inputs, 'float32' satisfies ElementType);
  const done: { layer: Layer; forward: Forward }[] = [];
  let afterRelu = false;
  for (const layer of layers) {
    const weight = (name: string) => variables.get(layer.weights.find((each) => lastName(each) === name)!)!;
    const forward = graph.scoped(layer.name, () =>
      layerRules[layer.getClassName()]!.forward(layer, {
        graph,
        input: x,
        weight,
        training,
        afterRelu,
        step,
      }),
    );
    done.push({ layer, forward });
    x = forward.output;
    afterRelu = forward.endsInRelu ?? false;
  }
  const first = layers.findIndex((layer) => layer.trainableWeights.length > 0);
  return {
    output: x,
    updates: done.flatMap(({ forward }) => forward.updates ?? []),
    backward(gradient) {
      const gradients = new Map<LayerVariable, WeightGradient>();
      let dy = gradient;
      let masked = false;
      let sums: Output | null = null;
      for (let index = layers.length - 1; index >= first && first !== -1; index--) {
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

function restoreSignature(
  graph: GraphBuilder,
  state: readonly { key: string; variable: GraphVariable }[],
  scratch: readonly GraphVariable[],
): Signature {
  return graph.scoped('restore', () => {
    const inputs = Object.fromEntries(
      state.map(({ key, variable }) => [key, graph.placeholder(key, 'float32', variable.shape)]),
    );
    const assigned = [
      ...state.map(({ key, variable }) => graph.assign(variable, copied(graph, inputs[key]!))),
      ...scratch.map((variable) => graph.assign(variable, zeros(graph, variable.shape))),
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
