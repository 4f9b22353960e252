// Measures which share of the training's time the next batch is waited for: cnn1 with Adam, rows in random order from a .npy file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { cnn1 } from '../models/cnn1.ts';
import { seededRandom, shuffle } from '../pictures/random.ts';
import { loadBackend } from '../training/backend.ts';
import { batches, openInputs } from '../training/batches.ts';
import { chooseStep } from '../training/choose-step.ts';
import { makeOptimizer } from '../training/optimizers/index.ts';
import { writePictures } from './pictures.ts';
import { serveMeasurements } from './worker.ts';

const [size = 0, batch = 0, pictures = 0, steps = 0] = process.argv.slice(2).map(Number);
await loadBackend('tensorflow');

const adam = { name: 'adam', learningRate: 0.001 } as const;
const model = cnn1(
  [size, size, 3],
  4,
  { filters: [32, 64, 128], dense: 128, dropout: 0.5, optimizer: adam },
  20,
);
const step = await chooseStep(model, makeOptimizer(adam), 'uint8', console.error);
const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
try {
  const file = join(folder, 'pictures.npy');
  const labels = await writePictures(file, pictures, size);
  const inputs = await openInputs(file);
  let done = 0;
  let epoch = 0;

  /** Per cent of all steps' time but the first's, for which nothing can be read ahead. */
  const measure = async (): Promise<number> => {
    const order = shuffle([...labels.keys()], seededRandom(20, 'epoch', ++epoch));
    let [waited, worked] = [0, 0];
    let from = performance.now();
    const rows = order.slice(0, batch * (steps + 1));
    for await (const own of batches({ inputs, labels }, rows, batch, step.inputType)) {
      const got = performance.now();
      const { loss, correct } = step.train(own, done);
      await loss.data();
      tf.dispose([loss, correct]);
      const ended = performance.now();
      if (done++ % (steps + 1) > 0) {
        waited += got - from;
        worked += ended - got;
      }
      from = ended;
    }
    return (100 * waited) / (waited + worked);
  };
  await serveMeasurements(measure);
  await inputs.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
