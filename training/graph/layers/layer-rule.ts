// What the graph writer needs to know of a kind of layer: when it can be written, its forward nodes and its gradient's.
import type { layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { GraphBuilder, GraphNode, GraphVariable, Output } from '../graph-builder.ts';

export type Layer = InstanceType<typeof layers.Layer>;

/** Where a layer stands in the graph. */
export interface Place {
  readonly graph: GraphBuilder;
  /** `[batch, …]`, float32. */
  readonly input: Output;
  /** The variable of one of the layer's weights, by its last name: `kernel`. */
  weight(name: string): GraphVariable;
  /** Dropout on and batch statistics; null: as in inference. `step`: steps taken before this one, int32 scalar. */
  readonly training: { readonly step: Output } | null;
  /** The input is a ReLU's output, so its gradient counts only where it is above 0. */
  readonly afterRelu: boolean;
}

export interface Forward {
  readonly output: Output;
  /** The output is a ReLU's. */
  readonly endsInRelu?: boolean;
  /** What must also run in a training step: updates of moving statistics. */
  readonly updates?: readonly GraphNode[];
  /**
   * Writes the gradient. Throws where the layer was written as in inference and has no gradient then.
   *
   * @param gradient of the loss with respect to `output`
   * @param masked the gradient is 0 already where `output`, a ReLU's, is
   * @param sums `[…, channels]`, a smaller tensor whose sums by channel are those of the gradient, where there is one
   * @param wantInput whether the gradient with respect to the input is needed: some layer before this one trains
   */
  backward(gradient: Output, wantInput: boolean, masked: boolean, sums: Output | null): Gradients;
}

export interface Gradients {
  /** With respect to the layer's input; null where it was not wanted. */
  readonly input: Output | null;
  /** It is 0 where the input, a ReLU's output, is 0. */
  readonly masked?: boolean;
  /** A smaller tensor whose sums by channel are those of `input`. */
  readonly sums?: Output;
  /** With respect to the weights, by their last names. */
  readonly weights?: Readonly<Record<string, Output>>;
}

/** A kind of layer. */
export interface LayerRule {
  /** Why this layer can't be written, for training or for inference alone, as the end of a sentence on it; null if it can. */
  unsupported(layer: Layer, training: boolean): string | null;
  forward(layer: Layer, place: Place): Forward;
}

/** The first of a layer's settings that is not one of those allowed. */
export function otherSetting(
  layer: Layer,
  allowed: Readonly<Record<string, readonly unknown[]>>,
): string | null {
  const config = layer.getConfig();
  for (const [key, values] of Object.entries(allowed)) {
    const value = config[key] ?? null;
    if (!values.some((each) => JSON.stringify(each) === JSON.stringify(value))) {
      return `has ${key} ${JSON.stringify(value)}`;
    }
  }
  return null;
}

/** Layouts and extras that no rule writes; a layer without the setting passes. */
export const plain = {
  dataFormat: [null, 'channelsLast'],
  kernelConstraint: [null],
  biasConstraint: [null],
  biasRegularizer: [null],
  activityRegularizer: [null],
} as const;

/** The gradient of what is written for inference alone. */
export const noGradient = (what: string) => (): never => {
  throw new Error(`There is no gradient through ${what} as in inference.`);
};

/** Sizes of what the layer takes, without the batch. */
export function inputSizes(layer: Layer): number[] {
  const input = layer.input as SymbolicTensor;
  return input.shape.slice(1) as number[];
}
