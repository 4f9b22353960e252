// Writes the graph of a model's whole training step: forward, loss, gradients and updates, and beside it evaluation and state.
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { hasNativeKernels } from '../kernels/native-kernels.ts';
import type { Optimizer } from '../optimizers/index.ts';
import type { InputType } from '../training-step.ts';
import { forwardPass, unsupportedLayer, weightVariables } from './forward-pass.ts';
import { GraphBuilder, type GraphVariable } from './graph-builder.ts';
import type { Place } from './layers/layer-rule.ts';
import { crossEntropy, hits, type LossOptions } from './loss.ts';
import { add, identityAfter, unstack } from './ops.ts';
import { type UpdateRule, type UpdateVariables, updateRule } from './optimizers.ts';
import { l2Penalties, unsupportedPenalty, withPenalties } from './regularization.ts';
import { restoreSignature } from './restore.ts';
import type { Signature } from './saved-model.ts';

export interface GraphOptions extends LossOptions {
  /** What the batches hold: pictures as bytes, or anything as floats. */
  readonly inputType: InputType;
  /** Whether our kernels compute the layers that they can; by default where they are loaded. */
  readonly ownKernels?: boolean;
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
  const softmax = last.getClassName() === 'Activation' && last.getConfig().activation === 'softmax';
  if (model.getClassName() !== 'Sequential' || !softmax) {
    return `${model.name} is not a sequence of layers that ends in a softmax`;
  }
  for (const layer of model.layers.slice(0, -1)) {
    const reason = unsupportedLayer(layer, true) ?? unsupportedPenalty(layer);
    if (reason !== null) return reason;
  }
  return updateRule(optimizer) === null ? `the optimizer ${optimizer.getClassName()} is unknown` : null;
}

/** Writes the graph of a model for which `unsupported` gives null. */
export function trainingGraph(
  model: LayersModel,
  optimizer: Optimizer,
  options: GraphOptions,
): TrainingGraph {
  const { ownKernels = hasNativeKernels() } = options;
  const update = updateRule(optimizer)!;
  const graph = new GraphBuilder();
  const inputs = graph.placeholder('inputs', options.inputType, model.inputs[0]!.shape);
  const labels = graph.placeholder('labels', 'int32', [null]);
  const step = graph.placeholder('step', 'int32', []);
  const numberNames = Object.keys(update.numbers(optimizer.coefficients(1), 1));
  const numbers = graph.placeholder('numbers', 'float32', [numberNames.length]);

  const layers = model.layers.slice(0, -1);
  const variables = weightVariables(graph, layers);
  const pass = (training: Place['training']) =>
    forwardPass(graph, layers, variables, inputs, training, ownKernels);
  const classes = model.outputs[0]!.shape.at(-1)!;

  const evaluate = graph.scoped('evaluate', () => {
    const logits = pass(null).output;
    return { loss: crossEntropy(graph, logits, labels, classes).value, correct: hits(graph, logits, labels) };
  });

  const trained = model.trainableWeights.map((weight) => ({
    weight,
    variables: updateVariables(graph, variables.get(weight)!, [...optimizer.slotNames, ...update.scratch]),
  }));
  const train = graph.scoped('train', () => {
    const forward = pass({ step });
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
      restore: restoreSignature(
        graph,
        state.map(({ variable }) => variable),
        scratch,
      ),
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

const updateVariables = (
  graph: GraphBuilder,
  weight: GraphVariable,
  names: readonly string[],
): UpdateVariables => ({
  weight,
  ...Object.fromEntries(names.map((name) => [name, graph.variable(`${weight.name}/${name}`, weight.shape)])),
});
