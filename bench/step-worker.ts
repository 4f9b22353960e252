// Measures our training step, as the training stages run it: cnn1 with Adam, batches read from a .npy file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { cnn1 } from '../models/cnn1.ts';
import { backendNameOf, loadBackend } from '../training/backend.ts';
import { batches, openInputs } from '../training/batches.ts';
import { chooseStep } from '../training/choose-step.ts';
import { makeOptimizer } from '../training/optimizers/index.ts';
import { writePictures } from './pictures.ts';
import { serveMeasurements } from './worker.ts';

const [backend = '', what = '', ...numbers] = process.argv.slice(2);
const [size = 0, batch = 0, steps = 0] = numbers.map(Number);
await loadBackend(backendNameOf(backend));

const model = cnn1(
  [size, size, 3],
  4,
  { filters: [32, 64, 128], dense: 128, dropout: 0.5, optimizer: { name: 'adam', learningRate: 0.001 } },
  20,
);
const optimizer = makeOptimizer({ name: 'adam', learningRate: 0.001 });
const step = await chooseStep(model, optimizer, 'uint8', console.error);
const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
try {
  const file = join(folder, 'pictures.npy');
  const labels = await writePictures(file, batch, size);
  const inputs = await openInputs(file);
  // The same rows again and again, so that the file stays small; each step still reads and converts its batch.
  const rows = Array.from({ length: batch * (steps + 1) }, (_, i) => i % batch);
  let done = 0;

  /** Images a second over all steps but the first, which fills the pipeline; Keras is measured in the same way. */
  const measure = async (): Promise<number> => {
    let started = 0;
    let counted = -1;
    for await (const own of batches({ inputs, labels }, rows, batch, step.inputType)) {
      const { loss, correct } = what === 'train' ? step.train(own, done++) : step.evaluate(own);
      await loss.data(); // eager operations are done when their result is there
      tf.dispose([loss, correct]);
      if (++counted === 0) started = performance.now();
    }
    return (counted * batch) / ((performance.now() - started) / 1000);
  };
  await serveMeasurements(measure);
  await inputs.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
