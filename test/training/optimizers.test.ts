// The optimizers move weights as Keras 2.15's do, with the fixture that test/fixtures/optimizers.py makes.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../../training/backend.ts';
import { makeOptimizer, type Optimizer } from '../../training/optimizers/index.ts';
import { Nadam } from '../../training/optimizers/nadam.ts';

const oracle = JSON.parse(readFileSync(new URL('../fixtures/optimizers.json', import.meta.url), 'utf8')) as {
  steps: number;
  shapes: number[][];
  starts: number[][];
  scales: number[][];
  weights: Record<string, number[][]>;
};

const optimizers: Record<string, () => Optimizer> = {
  sgd: () => makeOptimizer({ name: 'sgd', learningRate: 0.01 }),
  'sgd with momentum': () => makeOptimizer({ name: 'sgd', learningRate: 0.01, momentum: 0.9 }),
  rmsprop: () => makeOptimizer({ name: 'rmsprop', learningRate: 0.001 }),
  adam: () => makeOptimizer({ name: 'adam', learningRate: 0.001 }),
  nadam: () => makeOptimizer({ name: 'nadam', learningRate: 0.001 }),
  'nadam after Dozat': () => new Nadam(0.001, 0.004),
};

beforeAll(async () => {
  await loadBackend('cpu');
});

const weightsOf = () =>
  oracle.starts.map((values, i) => tf.variable(tf.tensor(values, oracle.shapes[i]!, 'float32')));

/** Steps `from` … `to` - 1 of the fixture's problem. */
function descend(optimizer: Optimizer, weights: tf.Variable[], from: number, to: number): void {
  for (let step = from; step < to; step++) {
    tf.tidy(() => {
      const gradients = weights.map((weight, i) => ({
        name: weight.name,
        tensor: tf.mul(
          tf.mul(weight, tf.tensor(oracle.scales[i]!, oracle.shapes[i]!)),
          1 + 0.5 * Math.sin(step),
        ),
      }));
      optimizer.applyGradients(gradients);
    });
  }
}

const values = (weights: tf.Variable[]) => weights.map((weight) => [...weight.dataSync()]);

describe.each(Object.keys(oracle.weights))('%s', (name) => {
  it('gives the weights that Keras gives', () => {
    const optimizer = optimizers[name]!();
    const weights = weightsOf();
    descend(optimizer, weights, 0, oracle.steps);
    values(weights).forEach((own, i) => {
      own.forEach((value, j) => {
        const expected = oracle.weights[name]![i]![j]!;
        // Keras' powers of the decay rates are float32, ours float64: some 1e-5 of a weight after 60 steps.
        expect(Math.abs(value - expected)).toBeLessThan(5e-5 * Math.max(Math.abs(expected), 0.01));
      });
    });
  });

  it('goes on from saved state as if it had never stopped', async () => {
    const straight = optimizers[name]!();
    const weights = weightsOf();
    descend(straight, weights, 0, 20);

    const first = optimizers[name]!();
    const resumed = weightsOf();
    descend(first, resumed, 0, 10);
    const state = (await first.getWeights()).map(({ name, tensor }) => ({ name, tensor: tf.clone(tensor) }));
    first.dispose();
    const second = optimizers[name]!();
    await second.setWeights(state);
    descend(second, resumed, 10, 20);

    expect(values(resumed)).toEqual(values(weights));
  });

  it('frees its state when disposed of', () => {
    const weights = weightsOf();
    const before = tf.memory().numTensors;
    const optimizer = optimizers[name]!();
    descend(optimizer, weights, 0, 3);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('refuses a learning rate that is not above 0', () => {
  expect(() => makeOptimizer({ name: 'adam', learningRate: 0 })).toThrow(RangeError);
});
