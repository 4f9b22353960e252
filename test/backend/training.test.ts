// Training the study's CNNs on each backend gives the weights that the cpu backend's plain loops give, and native runs repeat.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import type { CnnParams } from '../../params/models.ts';
import { type BackendName, loadBackend } from '../../training/backend.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import { native } from '../support/native.ts';

const optimizer = { name: 'nadam', learningRate: 0.001 } as const;
const params: CnnParams = { filters: [4, 8], dense: 16, dropout: 0.3, optimizer };
const builders = { cnn1, cnn2 };
const steps = 4;

/** All weights, moving statistics among them, and the losses of each step; dropout is on. */
async function train(
  backend: BackendName,
  name: keyof typeof builders,
): Promise<{ weights: Float32Array[]; losses: number[] }> {
  await loadBackend(backend);
  const before = tf.memory().numTensors;
  const model: LayersModel = builders[name]([12, 12, 3], 3, params, 20);
  const own = makeOptimizer(optimizer);
  const step = eagerStep(model, own);
  const losses: number[] = [];
  for (let done = 0; done < steps; done++) {
    const inputs = tf.randomUniform([6, 12, 12, 3], 0, 255, 'float32', 100 + done);
    const labels = tf.tensor1d([0, 1, 2, 2, 1, 0], 'int32');
    const result = step.train({ inputs, labels }, done);
    losses.push((await result.loss.data())[0]!);
    tf.dispose([inputs, labels, result.loss, result.correct]);
  }
  const weights = await Promise.all(
    model.getWeights().map(async (weight) => Float32Array.from(await weight.data())),
  );
  step.dispose();
  own.dispose();
  model.dispose();
  expect(tf.memory().numTensors - before, 'tensors left behind').toBe(0);
  return { weights, losses };
}

const fast: BackendName[] = native ? ['tensorflow', 'wasm'] : ['wasm'];
it.each(
  fast.flatMap((backend) => [
    { backend, name: 'cnn1' as const },
    { backend, name: 'cnn2' as const },
  ]),
)('$name on $backend trains as on cpu', async ({ backend, name }) => {
  const expected = await train('cpu', name);
  const actual = await train(backend, name);
  for (const [i, loss] of actual.losses.entries()) expect(loss).toBeCloseTo(expected.losses[i]!, 4);
  expect(actual.weights.length).toBe(expected.weights.length);
  for (const [i, weight] of actual.weights.entries()) {
    // Nadam moves a weight by about the learning rate a step whatever its gradient's size, so where a gradient is as good as
    // zero rounding decides the direction: nearly all weights agree closely, and none is farther off than the steps reach.
    const off = weight.map((value, j) => Math.abs(value - expected.weights[i]![j]!));
    expect(Math.max(...off)).toBeLessThan(2 * steps * optimizer.learningRate);
    expect(off.filter((each) => each < 2e-5).length / off.length).toBeGreaterThan(0.97);
  }
});

it.runIf(native)('repeats to the byte on native TensorFlow (needs native TensorFlow)', async () => {
  for (const name of ['cnn1', 'cnn2'] as const) {
    expect(await train('tensorflow', name)).toEqual(await train('tensorflow', name));
  }
});
