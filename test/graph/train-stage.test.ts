// The training stage on native TensorFlow takes the compiled step, repeats itself to the byte, and learns as the eager step does.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cnn1 } from '../../models/cnn1.ts';
import { cnn2 } from '../../models/cnn2.ts';
import type { CnnParams } from '../../params/models.ts';
import { loadBackend } from '../../training/backend.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { type EpochRecord, fitModel } from '../../training/fit.ts';
import { makeOptimizer } from '../../training/optimizers/index.ts';
import { native } from '../support/native.ts';
import { runStage } from '../support/run-stage.ts';
import { classes, openExamples, type Study, writeStudy } from '../training/pictures.ts';

const size = 12;
const seed = 3;
const run = { batch: 16, epochs: 2 };
const params = {
  cnn1: { filters: [4, 8], dense: 16, dropout: 0.25, optimizer: { name: 'nadam', learningRate: 0.005 } },
  cnn2: { filters: [4, 8], dense: 16, dropout: 0.25, optimizer: { name: 'adam', learningRate: 0.005 } },
} satisfies Record<string, CnnParams>;
const builders = { cnn1, cnn2 };

describe.runIf(native)('training stage (needs native TensorFlow)', () => {
  let directory: string;
  let study: Study;

  beforeAll(async () => {
    await loadBackend('tensorflow');
    directory = await mkdtemp(join(tmpdir(), 'rodada-train-'));
    study = await writeStudy(directory, 88, size);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** Runs the stage and gives its outs. */
  async function stage(model: 'cnn1' | 'cnn2', name: string) {
    const outs = {
      model: join(directory, name, 'model.h5'),
      history: join(directory, name, 'history.json'),
      timing: join(directory, name, 'timing.json'),
    };
    const result = await runStage(`stages/train/${model}.ts`, {
      params: { models: { [model]: params[model] } },
      matrix: { run, seed },
      labels: { model, run: 'small' },
      deps: { inputs: study.pictures, index: study.index, split: study.split },
      outs,
      env: { backend: 'tensorflow' },
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const history = JSON.parse(await readFile(outs.history, 'utf8')) as { epochs: EpochRecord[] };
    return { stdout: result.stdout, model: await readFile(outs.model), epochs: history.epochs };
  }

  it.each([
    'cnn1',
    'cnn2',
  ] as const)('%s: the same bytes twice, the figures of the eager step', async (name) => {
    const first = await stage(name, `${name}-first`);
    expect(first.stdout, 'what it says if it does not compile').toBe('');
    const second = await stage(name, `${name}-second`);
    expect(second.model.equals(first.model)).toBe(true);
    expect(second.epochs).toEqual(first.epochs);

    const model = builders[name]([size, size, 3], classes.length, params[name], seed);
    const optimizer = makeOptimizer(params[name].optimizer);
    const step = eagerStep(model, optimizer);
    const examples = await openExamples(study);
    const eager = await fitModel({
      step,
      examples,
      train: study.train,
      validation: study.validation,
      ...run,
      seed,
      learningRate: params[name].optimizer.learningRate,
    });
    await examples.inputs.close();
    for (const [index, expected] of eager.epochs.entries()) {
      const actual = first.epochs[index]!;
      expect(actual.accuracy).toBeCloseTo(expected.accuracy, 6);
      expect(actual.valAccuracy).toBeCloseTo(expected.valAccuracy, 6);
      expect(actual.loss).toBeCloseTo(expected.loss, 4);
      expect(actual.valLoss).toBeCloseTo(expected.valLoss, 4);
    }
    step.dispose();
    optimizer.dispose();
    model.dispose();
  });
});
