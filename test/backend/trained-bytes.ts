// Trains a small model on a backend and prints what it became: a program, so that a test can run it with so many threads.
import { createHash } from 'node:crypto';
import { getThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { cnn1 } from '../../models/cnn1.ts';
import { loadBackend } from '../../training/backend.ts';
import { backendNameOf } from '../../training/backend-name.ts';
import { chooseStep } from '../../training/choose-step.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';

const backend = await loadBackend(backendNameOf(process.argv[2] ?? 'wasm'));
const threads = backend.name === 'wasm' ? getThreadsCount() : backend.threads; // XNNPACK says itself how many it has
const optimizer = { name: 'adam', learningRate: 0.01 } as const;
const model = cnn1([36, 28, 3], 4, { filters: [9, 16], dense: 33, dropout: 0.5, l2: 0, optimizer }, 20);
const step = await chooseStep(model, makeOptimizer(optimizer), 'float32');
for (let i = 0; i < 3; i++) {
  const inputs = tf.randomUniform([7, 36, 28, 3], 0, 255, 'float32', i);
  const labels = tf.tensor1d([0, 1, 2, 3, 0, 1, 2], 'int32');
  step.train({ inputs, labels }, i);
}
await step.updateModel();
const hash = createHash('sha256');
for (const weight of model.getWeights()) hash.update(weight.dataSync());
console.log(JSON.stringify({ threads, bytes: hash.digest('hex') }));
// Nothing is closed here: the threads must not keep the process alive.
