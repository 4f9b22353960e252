// Trains a small model on WASM and prints what it became: a program, so that a test can run it with so many threads.
import { createHash } from 'node:crypto';
import { getThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { cnn1 } from '../../models/cnn1.ts';
import { loadBackend } from '../../training/backend.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';

await loadBackend('wasm');
const threads = getThreadsCount(); // of XNNPACK, as it says itself
const optimizer = { name: 'adam', learningRate: 0.01 } as const;
const model = cnn1([36, 28, 3], 4, { filters: [9, 16], dense: 33, dropout: 0.5, l2: 0, optimizer }, 20);
const step = eagerStep(model, makeOptimizer(optimizer));
for (let i = 0; i < 3; i++) {
  const inputs = tf.randomUniform([7, 36, 28, 3], 0, 255, 'float32', i);
  const labels = tf.tensor1d([0, 1, 2, 3, 0, 1, 2], 'int32');
  step.train({ inputs, labels }, i);
}
const hash = createHash('sha256');
for (const weight of model.getWeights()) hash.update(weight.dataSync());
console.log(JSON.stringify({ threads, bytes: hash.digest('hex') }));
// Nothing is closed here: the threads must not keep the process alive.
