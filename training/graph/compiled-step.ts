// The training step as one call into TensorFlow: the model compiled to a graph that keeps weights and optimizer state inside.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Optimizer } from '../optimizers/index.ts';
import type { Batch, BatchResult, TrainingStep } from '../training-step.ts';
import { GraphSession } from './saved-model.ts';
import { type GraphOptions, trainingGraph, unsupported } from './training-graph.ts';

/** The step, or why the model can't be compiled. */
export type Compiled = { readonly step: TrainingStep } | { readonly reason: string };

/**
 * Compiles the training step of a sequential classifier, as `eagerStep` runs it. The tensorflow backend must be the current one
 * for the step to be made, and stay so.
 *
 * Weights and optimizer state are taken over here; `updateModel` brings the model's and the optimizer's own up to date.
 *
 * @param optimizer its learning rate may be changed between steps; the caller disposes of it
 */
export async function compiledStep(
  model: LayersModel,
  optimizer: Optimizer,
  options: GraphOptions = { inputType: 'float32' },
): Promise<Compiled> {
  if (tf.getBackend() !== 'tensorflow') return { reason: `the ${tf.getBackend()} backend runs no graphs` };
  const reason = unsupported(model, optimizer);
  if (reason !== null) return { reason };
  const { graph, signatures, state, update, numberNames } = trainingGraph(model, optimizer, options);
  const session = new GraphSession(graph, signatures);
  let taken = optimizer.iterations;
  await restore();

  /** Gives the session the model's weights and the optimizer's slots, zeros where it has none yet. */
  async function restore(): Promise<void> {
    const [count, ...slots] = await optimizer.getWeights();
    count!.tensor.dispose();
    const known = new Map(slots.map(({ name, tensor }) => [name, tensor]));
    tf.tidy(() => {
      const values = state.map(({ key, weight, slot }) => [
        key,
        slot === null
          ? weight.read()
          : (known.get(`${weight.name}/${slot}`) ?? tf.zeros(weight.shape as number[])),
      ]);
      session.run('restore', Object.fromEntries(values));
    });
  }

  const result = ({ loss, correct }: Record<string, tf.Tensor>): BatchResult => ({
    loss: loss as tf.Scalar,
    correct: correct as tf.Scalar,
  });

  const step: TrainingStep = {
    inputType: options.inputType,
    train({ inputs, labels }: Batch, done: number): BatchResult {
      taken++;
      const numbers = update.numbers(optimizer.coefficients(taken), taken);
      const own = {
        step: tf.scalar(done, 'int32'),
        numbers: tf.tensor1d(
          numberNames.map((name) => numbers[name]!),
          'float32',
        ),
      };
      try {
        return result(session.run('train', { inputs, labels, ...own }));
      } finally {
        tf.dispose(own);
      }
    },
    evaluate: ({ inputs, labels }: Batch) => result(session.run('evaluate', { inputs, labels })),
    async updateModel() {
      const values = session.run('state', {});
      const slots = [];
      for (const { key, weight, slot } of state) {
        if (slot === null) weight.write(values[key]!);
        else slots.push({ name: `${weight.name}/${slot}`, tensor: values[key]! });
      }
      const count = tf.scalar(taken, 'int32');
      await optimizer.setWeights([{ name: 'iter', tensor: count }, ...slots]);
      tf.dispose([count, values]);
    },
    dispose: () => session.dispose(),
  };
  return { step };
}
