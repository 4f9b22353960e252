// A training that goes on from a shorter one's checkpoint leaves the same bytes as one from scratch.
import { copyFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import type { CnnParams } from '../../params/models.ts';
import { type BackendName, loadBackend } from '../../training/backend.ts';
import { readCheckpoint, restoreCheckpoint, writeCheckpoint } from '../../training/checkpoint.ts';
import type { EpochRecord } from '../../training/fit.ts';
import { writeKerasModel } from '../../training/keras-h5/write.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import { trainModel } from '../../training/train-model.ts';
import { native } from '../support/native.ts';
import { runStage } from '../support/run-stage.ts';
import { classes, openExamples, type Study, writeStudy } from './pictures.ts';

const size = 12;
const seed = 3;
const plain = { filters: [3, 4], dense: 8, dropout: 0.4 };
/** All that has a state or draws random numbers. */
const rich = {
  schedule: { kind: 'exponential', rate: 0.5, epochs: 1.5 },
  l2: 0.001,
  labelSmoothing: 0.1,
  classWeights: 'balanced',
  earlyStopping: { patience: 20, monitor: 'valLoss' },
  augmentation: { flip: 'horizontal', shift: 0.1, zoom: 0.1, brightness: 0.2 },
} as const;
let directory: string;
let study: Study;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-resume-'));
  study = await writeStudy(directory, 60, size);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A training's outs: the bytes of model and checkpoint, and the history. */
interface Outs {
  readonly model: Buffer;
  readonly epochs: readonly EpochRecord[];
  readonly checkpoint: string;
}

interface Run {
  readonly build: typeof cnn1;
  readonly params: CnnParams;
}

/** Trains on the current backend, from another training's checkpoint where one is given. */
async function trained(name: string, { build, params }: Run, epochs: number, from?: Outs): Promise<Outs> {
  const examples = await openExamples(study);
  const model = build([size, size, 3], classes.length, params, seed);
  const [file, checkpoint] = [join(directory, `${name}.h5`), join(directory, `${name}.checkpoint.h5`)];
  const result = await trainModel({
    model,
    params,
    examples,
    split: { ...study, classes },
    batch: 16,
    epochs,
    seed,
    from: from === undefined ? null : await readCheckpoint(from.checkpoint),
    save: (state) => writeCheckpoint(checkpoint, model, state.optimizer, state.epochs, state.best),
  });
  await writeKerasModel(model, file);
  model.dispose();
  await examples.inputs.close();
  expect(result.times).toHaveLength(epochs - (from?.epochs.length ?? 0));
  return { model: await readFile(file), epochs: result.epochs, checkpoint };
}

const runs: Record<string, Run> = {
  'cnn1, nadam': { build: cnn1, params: { ...plain, optimizer: { name: 'nadam', learningRate: 0.005 } } },
  'cnn2, adam, all options': {
    build: cnn2,
    params: { ...plain, ...rich, optimizer: { name: 'adam', learningRate: 0.005 } },
  },
  'cnn1, plain gradient descent': {
    build: cnn1,
    params: { ...plain, optimizer: { name: 'sgd', learningRate: 0.01 } },
  },
};

describe.each<BackendName>(native ? ['cpu', 'tensorflow'] : ['cpu'])('on %s', (backend) => {
  beforeAll(async () => {
    await loadBackend(backend);
  });

  it.each(Object.keys(runs))('%s: 2 → 3 epochs are 3 epochs', async (name) => {
    const run = runs[name]!;
    const at = (which: string) => `${backend} ${name} ${which}`;
    const short = await trained(at('short'), run, 2);
    const whole = await trained(at('whole'), run, 3);
    const resumed = await trained(at('resumed'), run, 3, short);
    expect(resumed.epochs).toEqual(whole.epochs);
    expect(resumed.model.equals(whole.model)).toBe(true);
    expect((await readFile(resumed.checkpoint)).equals(await readFile(whole.checkpoint))).toBe(true);
    expect(short.model.equals(whole.model)).toBe(false);
  });
});

it('is what a stage does with the checkpoint that the engine offers', async () => {
  const stage = async (name: string, params: CnnParams, epochs: number, from?: Record<string, string>) => {
    const outs = Object.fromEntries(
      ['model.h5', 'history.json', 'timing.json', 'checkpoint.h5'].map((file) => [
        file.split('.')[0]!,
        join(directory, name, file),
      ]),
    );
    const result = await runStage('stages/train/cnn1.ts', {
      params: { models: { cnn1: params } },
      matrix: { run: { batch: 16, epochs }, seed },
      labels: { model: 'cnn1', run: 'small' },
      deps: { inputs: study.pictures, index: study.index, split: study.split },
      outs,
      env: { backend: 'cpu' },
      ...(from === undefined ? {} : { resume: { from: from.checkpoint!, by: 1, outs: from } }),
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const texts = await Promise.all(
      ['model', 'history', 'checkpoint'].map((out) => readFile(outs[out]!, 'latin1')),
    );
    const timing = JSON.parse(await readFile(outs.timing!, 'utf8')) as { epochSeconds: number[] };
    return { outs, texts, timing, stdout: result.stdout };
  };
  const { params } = runs['cnn1, nadam']!;
  const [short, whole] = await Promise.all([stage('short', params, 1), stage('whole', params, 2)]);
  const cosine: CnnParams = { ...params, schedule: { kind: 'cosine' } };
  const [resumed, other] = await Promise.all([
    stage('resumed', params, 2, short.outs),
    stage('other', cosine, 2, short.outs),
  ]);
  expect(resumed.texts).toEqual(whole.texts);
  expect(resumed.timing).toMatchObject({
    resumedFrom: 1,
    epochSeconds: [short.timing.epochSeconds[0], expect.any(Number)],
  });
  expect(other.stdout).toContain('depends on the number of epochs, so the training starts from scratch');
  expect(other.timing).not.toHaveProperty('resumedFrom');
});

it('refuses the checkpoint of another training, a damaged one, and what is none', async () => {
  await loadBackend('cpu');
  const outs = await trained('refused', runs['cnn1, nadam']!, 1);
  const checkpoint = await readCheckpoint(outs.checkpoint);
  expect(checkpoint.epochs).toHaveLength(1);
  expect(checkpoint.steps).toBe(Math.ceil(study.train.length / 16));
  const params: CnnParams = { ...plain, optimizer: { name: 'adam', learningRate: 0.1 } };
  const wider = cnn1([size, size, 3], 3, { ...params, dense: 9 }, seed);
  await expect(restoreCheckpoint(checkpoint, wider, makeOptimizer(params.optimizer))).rejects.toThrow(
    /is the checkpoint of another training: its dense\.kernel does not fit cnn1/,
  );
  const same = cnn1([size, size, 3], 3, params, seed);
  await expect(
    restoreCheckpoint(checkpoint, same, makeOptimizer({ name: 'rmsprop', learningRate: 0.1 })),
  ).rejects.toThrow(/another training: its block1_conv\.kernel\.velocity/);
  await expect(readCheckpoint(join(directory, 'refused.h5'))).rejects.toThrow(
    /is no checkpoint of a training/,
  );
  const damaged = join(directory, 'damaged.h5');
  await copyFile(outs.checkpoint, damaged);
  await truncate(damaged, 3000);
  await expect(readCheckpoint(damaged)).rejects.toThrow(/can't be read as HDF5/);
});
