// The optimizers' updates as nodes, with the formulas of `training/optimizers` in TensorFlow's fused kernels.
import type { Optimizer } from '../optimizers/index.ts';
import type { GraphBuilder, GraphNode, GraphVariable, Output } from './graph-builder.ts';

/** A weight's variables: itself, the optimizer's slots, and scratch that means nothing between steps. */
export type UpdateVariables = Readonly<Record<string, GraphVariable>> & { readonly weight: GraphVariable };

/** How one kind of optimizer moves a weight. */
export interface UpdateRule {
  /** Names of the variables that the kernels need beside weight and slots. */
  readonly scratch: readonly string[];
  /**
   * The numbers that a step feeds, from those of the formula.
   *
   * @param formula `optimizer.coefficients(step)`
   * @param step steps taken, this one included
   */
  numbers(formula: Readonly<Record<string, number>>, step: number): Record<string, number>;
  /**
   * @param numbers scalars, by name
   * @param after nodes that still read the weight: were it updated before, TensorFlow would first copy it
   */
  update(
    graph: GraphBuilder,
    variables: UpdateVariables,
    gradient: Output,
    numbers: Readonly<Record<string, Output>>,
    after: readonly GraphNode[],
  ): GraphNode;
}

/** The rule for an optimizer, or null if there is none. */
export function updateRule(optimizer: Optimizer): UpdateRule | null {
  switch (optimizer.getClassName()) {
    case 'SGD':
      return optimizer.slotNames.length === 0 ? gradientDescent : momentum;
    case 'RMSprop':
      return rmsprop;
    case 'Adam':
      return adam;
    case 'Nadam':
      return nadam;
    default:
      return null;
  }
}

const float = { T: { type: 'float32' } } as const;

/** `weight -= rate gradient` */
const gradientDescent: UpdateRule = {
  scratch: [],
  numbers: ({ rate }) => ({ rate: rate! }),
  update: (graph, { weight }, gradient, { rate }, after) =>
    graph.effect('ResourceApplyGradientDescent', [weight.handle, rate!, gradient], float, { after }),
};

/** `slot = momentum slot - rate gradient; weight += slot` (the kernel is named for Keras' way of it). */
const momentum: UpdateRule = {
  scratch: [],
  numbers: ({ rate, momentum }) => ({ rate: rate!, momentum: momentum! }),
  update: (graph, { weight, momentum: slot }, gradient, { rate, momentum: share }, after) =>
    graph.effect(
      'ResourceApplyKerasMomentum',
      [weight.handle, slot!.handle, rate!, gradient, share!],
      float,
      {
        after,
      },
    ),
};

/** `velocity += (1 - rho) (gradient² - velocity); weight -= rate gradient / √(velocity + epsilon)`; no momentum on top. */
const rmsprop: UpdateRule = {
  scratch: ['moved'],
  numbers: ({ rate, rho, epsilon }) => ({ rate: rate!, rho: rho!, momentum: 0, epsilon: epsilon! }),
  update: (graph, { weight, velocity, moved }, gradient, { rate, rho, momentum: none, epsilon }, after) =>
    graph.effect(
      'ResourceApplyRMSProp',
      [weight.handle, velocity!.handle, moved!.handle, rate!, rho!, none!, epsilon!, gradient],
      float,
      { after },
    ),
};

/**
 * `√(1 - beta2ᵗ)` for beta2 as a float32: Adam's kernel subtracts that from 1, which for 0.999 is off by 1.3e-5, so the bias is
 * corrected for the rate at which v really decays.
 */
const rootOfUnbias2 = (rest2: number, step: number) => Math.sqrt(1 - Math.fround(1 - rest2) ** step);

/** The kernel's bias correction is left out (its powers of beta are fed as 0), since it would run in float32: `rate` has it. */
const adam: UpdateRule = {
  scratch: [],
  numbers: ({ rate, rest1, rest2, epsilon }, step) => ({
    rate: (rate! / Math.sqrt(1 - (1 - rest2!) ** step)) * rootOfUnbias2(rest2!, step),
    beta1: 1 - rest1!,
    beta2: 1 - rest2!,
    epsilon: epsilon!,
    none: 0,
  }),
  update: (graph, { weight, m, v }, gradient, numbers, after) =>
    applyAdam(graph, [weight, m!, v!], gradient, numbers, after),
};

/**
 * Nadam has no kernel, but its step is the sum of two that Adam's and Adagrad's can take: with u = 1 - beta2ᵗ,
 * `rate (moment m + gradient g) / (√(v/u) + ε) = rate √u moment m / (√v + ε √u) + rate √u gradient g / (√v + ε √u)`.
 */
const nadam: UpdateRule = {
  scratch: [],
  numbers({ rate, rest1, rest2, moment, gradient, epsilon }, step) {
    const root = rootOfUnbias2(rest2!, step);
    return {
      rate: rate! * root * moment!,
      gradientRate: rate! * root * gradient!,
      beta1: 1 - rest1!,
      beta2: 1 - rest2!,
      epsilon: epsilon! * root,
      none: 0,
    };
  },
  update(graph, { weight, m, v }, gradient, numbers, after) {
    const first = applyAdam(graph, [weight, m!, v!], gradient, numbers, after);
    return graph.effect(
      'ResourceApplyAdagradV2',
      [weight.handle, v!.handle, numbers.gradientRate!, numbers.epsilon!, gradient],
      { ...float, update_slots: { bool: false } }, // `weight -= gradientRate gradient / (√v + epsilon)`
      { after: [first] },
    );
  },
};

/** `m += (1 - beta1) (gradient - m); v += (1 - beta2) (gradient² - v); weight -= rate m / (√v + epsilon)` */
function applyAdam(
  graph: GraphBuilder,
  variables: readonly GraphVariable[],
  gradient: Output,
  { rate, beta1, beta2, epsilon, none }: Readonly<Record<string, Output>>,
  after: readonly GraphNode[],
): GraphNode {
  return graph.effect(
    'ResourceApplyAdam',
    [
      ...variables.map(({ handle }) => handle),
      none!, // beta1 to the power of the step
      none!, // beta2
      rate!,
      beta1!,
      beta2!,
      epsilon!,
      gradient,
    ],
    float,
    { after },
  );
}
