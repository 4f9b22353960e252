// Runs our study's training part: pictures packed once, VGG16's features once, and runs that go on from shorter ones.
import { join } from 'node:path';
import { cnn1 } from '../models/cnn1.ts';
import { cnn2 } from '../models/cnn2.ts';
import type { Shape3 } from '../models/layers.ts';
import { vgg16Backbone, vgg16Head } from '../models/vgg16.ts';
import type { IterationParams } from '../params/iteration.ts';
import type { OptimizerParams } from '../params/models.ts';
import { NpyFile } from '../pictures/npy.ts';
import { packPictures } from '../pictures/pack.ts';
import { readBackbone, writeBackbone } from '../training/backbone.ts';
import { loadBackend } from '../training/backend.ts';
import { openInputs } from '../training/batches.ts';
import { readCheckpoint, writeCheckpoint } from '../training/checkpoint.ts';
import { writeFeatures } from '../training/features.ts';
import { writeKerasModel } from '../training/keras-h5/write.ts';
import { trainModel } from '../training/train-model.ts';
import { type StudyPictures, studyClasses } from './study-pictures.ts';

const [folder = '', sizeText = '', runsText = '', picturesText = ''] = process.argv.slice(2);
const size = Number(sizeText);
const runs = JSON.parse(runsText) as readonly IterationParams[];
const { train, validation } = JSON.parse(picturesText) as StudyPictures;
const at = (name: string) => join(folder, name);
const seed = 20;
const adam: OptimizerParams = { name: 'adam', learningRate: 0.001 };
const nadam: OptimizerParams = { name: 'nadam', learningRate: 0.001 };
const cnn = { filters: [32, 64, 128], dense: 128, dropout: 0.5 };
const head = { pooling: 'flatten', dense: 128, dropout: 0.5, optimizer: adam } as const;

await loadBackend('tensorflow');
// The weights, which Keras draws too, are not part of what is measured.
const info = { weights: 'imagenet', width: 1, preprocess: 'caffe', size, label: 'random weights' } as const;
const start = { seed, start: 'heNormal', trainable: false } as const;
await writeBackbone(at('backbone'), info, vgg16Backbone([size, size, 3], { ...info, block: 5 }, start));

const started = performance.now();
const entries = [...train, ...validation].map((path) => ({ path }));
await packPictures({ root: folder, entries, size, fit: 'fill', file: at('pictures.npy') });
const pictures = await NpyFile.open(at('pictures.npy'), 'uint8');
await writeFeatures(pictures, await readBackbone(at('backbone')), 5, at('features.npy'));
const labels = Int32Array.from(entries, ({ path }) => studyClasses.indexOf(path.split('/')[1]!));
const rows = entries.map((_, row) => row);
const split = {
  classes: studyClasses,
  train: rows.slice(0, train.length),
  validation: rows.slice(train.length),
};
const models = {
  cnn1: {
    file: 'pictures.npy',
    params: { ...cnn, optimizer: nadam },
    build: (shape: Shape3) => cnn1(shape, studyClasses.length, { ...cnn, optimizer: nadam }, seed),
  },
  cnn2: {
    file: 'pictures.npy',
    params: { ...cnn, optimizer: adam },
    build: (shape: Shape3) => cnn2(shape, studyClasses.length, { ...cnn, optimizer: adam }, seed),
  },
  vgg16: {
    file: 'features.npy',
    params: head,
    build: (shape: Shape3) => vgg16Head(shape, studyClasses.length, head, seed),
  },
};
for (const [name, { file, params, build }] of Object.entries(models)) {
  const inputs = await openInputs(at(file));
  for (const { batch, epochs } of runs) {
    const shorter = runs.filter((run) => run.batch === batch && run.epochs < epochs).at(-1);
    const pathOf = (run: IterationParams) => at(`${name}-${run.batch}-${run.epochs}.checkpoint.h5`);
    const model = build(inputs.shape.slice(1) as unknown as Shape3);
    await trainModel({
      model,
      params,
      examples: { inputs, labels },
      split,
      batch,
      epochs,
      seed,
      from: shorter === undefined ? null : await readCheckpoint(pathOf(shorter)),
      save: ({ optimizer, epochs: done }) =>
        writeCheckpoint(pathOf({ batch, epochs }), model, optimizer, done),
    });
    await writeKerasModel(model, at(`${name}.h5`));
    model.dispose();
  }
  await inputs.close();
}
process.stdout.write(`${JSON.stringify({ value: (performance.now() - started) / 1000 })}\n`);
