// Parameters of the study that do not fit together, and wrong variables: found before anything is downloaded.
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '../support/project.ts';
import { copyStudy } from '../support/study.ts';

let study: Project;

beforeAll(async () => {
  study = await copyStudy();
});
afterAll(() => study.dispose());
afterEach(() => vi.unstubAllEnvs());

async function refused(...args: string[]): Promise<string> {
  const status = await study.cli('status', ...args);
  const repro = await study.cli('repro', ...args);
  expect(repro).toEqual(status);
  expect(repro).toMatchObject({ exitCode: 2, stderr: '' });
  expect(existsSync(study.path('data'))).toBe(false);
  return repro.stdout;
}

describe('parameters', () => {
  it.each<[string, string]>([
    [
      'filter: { classes: { car: null, bus: null, truck: null } }',
      '`filter.classes` is {"motorcycle":["motorcycle"]}: a classifier tells classes apart, so it needs two or more, not 1.',
    ],
    [
      'resize: { size: 16 }',
      "`resize.size` is 16: vgg16's backbone has 5 blocks that halve the images, so it must be 32 or more.",
    ],
    [
      'models: { cnn1: { filters: [8, 8, 8, 8, 8, 8] } }',
      '`resize.size` is 32: models.cnn1.filters has 6 blocks that halve the images, so it must be 64 or more.',
    ],
    [
      'filter: { classes: { coche: [coche], moto: [motorcycle] } }',
      '`filter.classes.coche.0` is "coche": neither source.icons.classes nor source.icons.aside.classes has it, so no icon would be found.',
    ],
    [
      'filter: { classes: { big: [bus, truck], all: [car, bus] } }',
      '`filter.classes.all.1` is "bus": it is a part of big too, and an image has one class.',
    ],
    [
      'source: { kind: folder }',
      '`source.folder.root` is null: with source.kind folder it must be the path of your images, <root>/<class>/*.',
    ],
    [
      'models: { vgg16: { fineTune: true } }\nbackbone: { block: 1 }',
      '`models.vgg16.fineTune` is true: with backbone.block 1 the last block is the first, and none would be left frozen.',
    ],
  ])('that do not fit together are shown in their line: %s', async (profile, message) => {
    await study.write('profiles/own.yaml', `${profile}\n`);
    const shown = await refused('--profile', 'own');
    expect(shown).toMatch(/^(profiles\/own|params)\.yaml:\d+:\d+ error: /);
    expect(shown).toContain(` error: ${message}\n`);
  });

  it('with an unknown name among several are told which there are', async () => {
    expect(await refused('--set', 'models.cnn1.optimizer.name=adamw')).toBe(
      'error: `models.cnn1.optimizer.name` is "adamw"; it must be "sgd", "rmsprop", "adam" or "nadam".\nDid you mean `adam`?\n',
    );
    expect(await refused('--set', 'models.cnn2.schedule={ rate: 1 }')).toContain(
      'Missing parameter `models.cnn2.schedule.kind`: "constant", "cosine" or "exponential".',
    );
  });
});

describe('a variable with a wrong value', () => {
  it.each([
    ['RODADA_INSTRUCTIONS', 'avx1024'],
    ['RODADA_NATIVE', 'gpu'],
    ['RODADA_BACKEND', 'cuda'],
    ['RODADA_CHECKPOINTS', 'every'],
    ['TF_NUM_INTRAOP_THREADS', 'many'],
  ])('is shown by status and repro: %s', async (name, value) => {
    vi.stubEnv(name, value);
    expect(await refused()).toContain(
      `error: The environment fact \`backend\` can't be found: ${name} is "${value}"; `,
    );
  });
});
