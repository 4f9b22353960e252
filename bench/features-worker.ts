// Measures the features stage: pictures read from a .npy file, through VGG16's convolutions, into a .npy file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vgg16Backbone } from '../models/vgg16.ts';
import { NpyFile } from '../pictures/npy.ts';
import { readBackbone, writeBackbone } from '../training/backbone.ts';
import { loadBackend } from '../training/backend.ts';
import { writeFeatures } from '../training/features.ts';
import { writePictures } from './pictures.ts';
import { serveMeasurements } from './worker.ts';

const [size = 0, count = 0] = process.argv.slice(2).map(Number);
await loadBackend('tensorflow');
const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
try {
  const file = join(folder, 'pictures.npy');
  await writePictures(file, count, size);
  const info = { weights: 'imagenet', width: 1, preprocess: 'caffe', size, label: 'random weights' } as const;
  const start = { seed: 20, start: 'glorotUniform', trainable: false } as const;
  const model = vgg16Backbone([size, size, 3], { ...info, block: 5 }, start);
  await writeBackbone(join(folder, 'backbone'), info, model);
  model.dispose();
  const backbone = await readBackbone(join(folder, 'backbone'));
  const pictures = await NpyFile.open(file, 'uint8');
  await serveMeasurements(async () => {
    const features = join(folder, 'features.npy');
    await rm(features, { force: true });
    const started = performance.now();
    await writeFeatures(pictures, backbone, 5, features);
    return count / ((performance.now() - started) / 1000);
  });
  await pictures.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
