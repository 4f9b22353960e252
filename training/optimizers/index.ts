// Makes the optimizer that the parameters name.
import type { OptimizerParams } from '../../params/models.ts';
import { Adam } from './adam.ts';
import type { KerasOptimizer } from './keras-optimizer.ts';
import { Nadam } from './nadam.ts';
import { RMSprop } from './rmsprop.ts';
import { SGD } from './sgd.ts';

/** Any of the optimizers, whatever state it keeps. */
export type Optimizer = KerasOptimizer<string, string>;

/** A fresh optimizer with Keras' defaults for all but what the parameters give. The caller disposes of it. */
export function makeOptimizer(params: OptimizerParams): Optimizer {
  switch (params.name) {
    case 'sgd':
      return new SGD(params.learningRate, params.momentum);
    case 'rmsprop':
      return new RMSprop(params.learningRate);
    case 'adam':
      return new Adam(params.learningRate);
    case 'nadam':
      return new Nadam(params.learningRate);
  }
}
