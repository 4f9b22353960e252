// The study on the smoke profile, through the command line: everything runs once, and an edit reruns what depends on it.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Summary } from '../../engine/event.ts';
import { git } from '../support/git.ts';
import type { Project } from '../support/project.ts';
import { copyStudy, hashesOf } from '../support/study.ts';

const models = ['cnn1', 'cnn2', 'vgg16'];
const runs = ['batch32-epochs20', 'batch64-epochs20', 'batch64-epochs30'];
const instances = (stage: string, of: readonly string[] = models): string[] =>
  of.flatMap((model) => runs.map((run) => `${stage}:${model}:${run}`));
/** The smoke profile trains one seed. */
const trainings = (of: readonly string[] = models): string[] =>
  instances('train', of).map((name) => `${name}:20`);
const everything = [
  'download',
  'filter',
  'explore',
  'resize',
  'split',
  'backbone',
  'features',
  ...trainings(),
  ...instances('evaluate'),
  'compare',
  'timing',
];
const results = ['data', 'metrics', 'plots'];

let study: Project;
let first: Summary;

const repro = async (...args: string[]): Promise<Summary> =>
  (await study.repro('--profile', 'smoke', ...args)).summary;
const json = (path: string): unknown => JSON.parse(readFileSync(study.path(path), 'utf8'));

beforeAll(async () => {
  study = await copyStudy();
  first = await repro();
}, 900_000);

afterAll(() => study.dispose());

describe('the first repro', () => {
  it('executes every stage', () => {
    expect([...first.executed].sort()).toEqual([...everything].sort());
    expect(first).toMatchObject({ restored: [], fresh: [], failed: [], skipped: [] });
  });

  it('leaves the metrics of every model and run, as other tools expect them', () => {
    for (const model of models) {
      for (const run of runs) {
        const metrics = json(`metrics/${model}/${run}.json`) as {
          accuracy: { mean: number; n: number };
          confusion: { labels: string[]; matrix: number[][] };
          perClass: Record<string, { support: number }>;
        };
        expect(metrics).toMatchObject({ model, run });
        for (const score of ['accuracy', 'loss', 'precision', 'recall', 'f1'])
          expect(metrics).toHaveProperty(`${score}.mean`, expect.any(Number));
        const { labels, matrix } = metrics.confusion;
        expect(labels).toEqual(['bus', 'car', 'motorcycle', 'truck']);
        const total = matrix.flat().reduce((a, b) => a + b);
        const right = matrix.reduce((sum, row, i) => sum + row[i]!, 0);
        expect(metrics.accuracy.mean).toBeCloseTo(right / total, 12);
        for (const [i, label] of labels.entries()) {
          const support = matrix[i]!.reduce((a, b) => a + b);
          expect(metrics.perClass[label]!.support).toBe(support);
        }
        const timing = json(`metrics/${model}/${run}.20.timing.json`) as { epochSeconds: number[] };
        expect(timing.epochSeconds).toHaveLength(run.endsWith('30') ? 30 : 20);
        for (const field of ['trainSeconds', 'imagesPerSecond', 'backend', 'threads'])
          expect(timing).toHaveProperty(field);
      }
    }
  });

  it('leaves a plot of everything, as a specification and as a picture', () => {
    for (const model of models) {
      for (const run of runs) {
        const folder = `plots/${model}/${run}`;
        for (const name of ['accuracy', 'loss', 'confusion']) {
          expect(json(`${folder}/${name}.vl.json`)).toHaveProperty(
            '$schema',
            expect.stringContaining('vega-lite'),
          );
          expect(readFileSync(study.path(`${folder}/${name}.svg`), 'utf8')).toMatch(
            /^<svg[\s\S]*<\/svg>\s*$/,
          );
        }
        expect(existsSync(study.path(`${folder}/architecture.svg`))).toBe(true);
        expect(existsSync(study.path(`${folder}/samples.png`))).toBe(true);
      }
    }
    for (const path of [
      'explore/class-frequency.svg',
      'explore/samples.png',
      'comparison/accuracy.svg',
      'comparison/curves.svg',
    ])
      expect(existsSync(study.path(`plots/${path}`))).toBe(true);
  });

  it('keeps whole groups on one side of the split, and no picture on both', () => {
    const { train, validation } = json('data/split.json') as { train: number[]; validation: number[] };
    const index = readFileSync(study.path('data/pictures.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { group: string });
    const groupsOf = (rows: number[]): Set<string> => new Set(rows.map((row) => index[row]!.group));
    const trained = groupsOf(train);
    expect([...groupsOf(validation)].filter((group) => trained.has(group))).toEqual([]);
  });

  it('knows bits of the machine only where it must: no path of the project stands in an out', () => {
    for (const folder of results)
      for (const entry of readdirSync(study.path(folder), { recursive: true, withFileTypes: true }))
        if (entry.isFile() && /\.(jsonl?|csv|md|svg)$/.test(entry.name))
          expect(readFileSync(join(entry.parentPath, entry.name), 'utf8')).not.toContain(study.root);
  });
});

describe('another repro', () => {
  it('executes nothing', async () => {
    expect(await repro()).toMatchObject({ executed: [], restored: [], failed: [], skipped: [] });
  });

  it("executes vgg16's trainings, evaluations and comparisons when its head changes, and restores them when it changes back", async () => {
    const before = hashesOf(study, ...results);
    await study.edit('profiles/smoke.yaml', 'vgg16: { dense: 32 }', 'vgg16: { dense: 24 }');
    const edited = await repro();
    expect([...edited.executed].sort()).toEqual(
      [...trainings(['vgg16']), ...instances('evaluate', ['vgg16']), 'compare', 'timing'].sort(),
    );
    expect(edited.restored).toEqual([]);
    await study.edit('profiles/smoke.yaml', 'vgg16: { dense: 24 }', 'vgg16: { dense: 32 }');
    expect((await repro()).executed).toEqual([]);
    expect(hashesOf(study, ...results)).toEqual(before);
  });

  it('executes nothing after an edit of comments, formatting and types in the code of every stage', async () => {
    const folders = ['stages', 'models', 'training', 'sources', 'pictures', 'report', 'params'];
    const files = folders.flatMap((folder) =>
      readdirSync(study.path(folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    );
    for (const file of [...files, 'engine/stage.ts']) {
      const code = readFileSync(study.path(file), 'utf8');
      await study.write(
        file,
        `// A comment.\n\n${code}\n\n/* Another. */\ninterface Unused { readonly field: string }\n`,
      );
    }
    expect(await repro()).toMatchObject({ executed: [], restored: [] });
  });

  it('restores metrics and plots without training when they are deleted', async () => {
    const before = hashesOf(study, ...results);
    await study.remove('metrics');
    await study.remove('plots');
    const summary = await repro();
    expect(summary.executed).toEqual([]);
    expect(summary.restored.length).toBeGreaterThan(0);
    expect(hashesOf(study, ...results)).toEqual(before);
  });

  it('gives the same bytes again from nothing, but for timing, and the same pipeline.lock', async () => {
    const again = await copyStudy();
    onTestFinished(() => again.dispose());
    const { summary } = await again.repro('--profile', 'smoke');
    expect(summary.failed).toEqual([]);
    const timed = ([path]: [string, string]): boolean => !/timing\.json$|training-time\//.test(path);
    const bytes = (project: Project): Record<string, string> =>
      Object.fromEntries(Object.entries(hashesOf(project, ...results)).filter(timed));
    expect(bytes(again)).toEqual(bytes(study));
    expect(readFileSync(again.path('pipeline.lock'), 'utf8')).toBe(
      readFileSync(study.path('pipeline.lock'), 'utf8'),
    );
  }, 900_000);
});

describe('more seeds', () => {
  it('train what is new only, and none if they are taken away again; the first seed has the bytes of a single one', async () => {
    const model = (seed: number) =>
      readFileSync(study.path(`data/trained/cnn1/batch64-epochs30/${seed}/model.h5`));
    const alone = model(20);
    const more = await repro('--set', 'train.seeds=2');
    const trained = more.executed.filter((name) => name.startsWith('train:'));
    expect(trained.sort()).toEqual(
      instances('train')
        .map((name) => `${name}:21`)
        .sort(),
    );
    expect(more.executed.filter((name) => !name.startsWith('train:')).sort()).toEqual(
      [...instances('evaluate'), 'compare', 'timing'].sort(),
    );
    expect(model(20).equals(alone)).toBe(true);
    expect(model(21).equals(alone)).toBe(false);
    expect(json('metrics/cnn1/batch64-epochs30.json')).toMatchObject({ seeds: [20, 21], accuracy: { n: 2 } });
    expect((await repro()).executed).toEqual([]);
    expect(existsSync(study.path('data/trained/cnn1/batch64-epochs30/21'))).toBe(false);
  }, 900_000);
});

describe('git', () => {
  it('is clean after trainings are repeated, though they take another time', async () => {
    git(study, 'init', '-q');
    git(study, 'add', '-A');
    git(study, 'commit', '-qm', 'Results');
    const timing = 'metrics/cnn1/batch32-epochs20.20.timing.json';
    const before = readFileSync(study.path(timing), 'utf8');
    expect((await repro('--force', '--single-item', 'train:cnn1:batch32-epochs20:20')).executed).toHaveLength(
      1,
    );
    expect(readFileSync(study.path(timing), 'utf8')).not.toBe(before);
    expect(await repro()).toMatchObject({ executed: ['timing'], restored: [] });
    expect(git(study, 'status', '--porcelain')).toBe('');
  });
});

describe('a picture that is not one', () => {
  it('is counted and listed, and nothing fails', async () => {
    const folder = study.path('own');
    for (const entry of readdirSync(study.path('data/raw/pictures'), { withFileTypes: true }))
      if (entry.isDirectory() && ['bus', 'car', 'motorcycle', 'truck'].includes(entry.name))
        cpSync(join(entry.parentPath, entry.name), join(folder, entry.name), { recursive: true });
    await study.write('own/car/broken.jpg', 'this is no picture');
    const target = ['--set', 'source.kind=folder', '--set', 'source.folder.root=own', 'resize'];
    const { summary, exitCode } = await study.repro('--profile', 'smoke', ...target);
    expect(exitCode).toBe(0);
    expect(summary.executed).toEqual(['download', 'filter', 'resize']);
    const { dropped } = json('metrics/filter.json') as { dropped: { path: string; reason: string }[] };
    const { corrupt } = json('metrics/resize.json') as { corrupt: { path: string; reason: string }[] };
    expect([...dropped, ...corrupt].map(({ path }) => path)).toEqual([
      expect.stringMatching(/car\/broken\.jpg$/),
    ]);
  });

  it('is fatal, in words, where it was the last of its class', async () => {
    await study.remove('own/bus');
    await study.write('own/bus/broken.jpg', 'this is no picture');
    const run = await study.cli(
      'repro',
      '--profile',
      'smoke',
      '--set',
      'source.kind=folder',
      '--set',
      'source.folder.root=own',
      'resize',
    );
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(/failed\. Its command ended with exit code 1\.\n.*bus/);
  });
});
