// A longer run waits for the shorter one that it can go on from, in whatever order they are listed, and records are read once.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../engine/event.ts';
import { RunRecords } from '../../engine/store/run-records.ts';
import { Project } from '../support/project.ts';

/** Appends a line for each epoch; the text of the shorter run is taken over, and the number of epochs run here printed. */
const train = `
import { readFileSync, writeFileSync } from 'node:fs';
const { matrix, outs, resume } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
const { epochs } = matrix.run;
let state = resume === undefined ? '' : readFileSync(resume.from, 'utf8');
const start = state.length;
for (let epoch = start; epoch < epochs; epoch++) state += 'x';
writeFileSync(outs.state, state);
`;

const files = {
  'pipeline.yaml': `
stages:
  train:
    matrix: { model: [a, b], run: '\${runs}' }
    cmd: node train.mjs
    outs: { state: 'out/\${model}/\${run}.txt' }
    resume: { by: run.epochs, from: state }
`,
  'params.yaml': 'runs: [{ epochs: 30 }, { epochs: 10 }, { epochs: 20 }]\n',
  'train.mjs': train,
};

/** Stage → the number that its run went on from; null if it started from scratch. */
function resumed(events: readonly Event[]): Record<string, number | null> {
  const started = events.filter((event) => event.type === 'started');
  return Object.fromEntries(started.map(({ stage, resumes }) => [stage, resumes?.value ?? null]));
}

it.each([
  '1',
  '2',
  '6',
])('of 30, 10 and 20 epochs each goes on from the one before, with --jobs %s', async (jobs) => {
  const project = await Project.create(files);
  const { events, summary } = await project.repro('--jobs', jobs);
  expect(summary.executed).toHaveLength(6);
  const chain = (model: string) => ({
    [`train:${model}:epochs10`]: null,
    [`train:${model}:epochs20`]: 10,
    [`train:${model}:epochs30`]: 20,
  });
  expect(resumed(events)).toEqual({ ...chain('a'), ...chain('b') });
  expect(await project.read('out/b/epochs30.txt')).toBe('x'.repeat(30));
});

it('starts from scratch if the shorter one is no target, or if all are to', async () => {
  const project = await Project.create(files);
  const alone = await project.repro('train:a:epochs30');
  expect(resumed(alone.events)).toEqual({ 'train:a:epochs30': null });
  const forced = await project.repro('--force', '--jobs', '1', 'train:a');
  expect(resumed(forced.events)).toEqual({
    'train:a:epochs30': null,
    'train:a:epochs10': null,
    'train:a:epochs20': null,
  });
});

it('goes on from the next shorter one if the one before fails', async () => {
  const project = await Project.create(files);
  await project.edit('train.mjs', 'let state', 'if (epochs === 20) process.exit(1);\nlet state');
  const { events, summary } = await project.repro('--keep-going', '--jobs', '3', 'train:a');
  expect(summary).toMatchObject({ failed: ['train:a:epochs20'], skipped: [] });
  expect(resumed(events)).toMatchObject({ 'train:a:epochs10': null, 'train:a:epochs30': 10 });
});

it('does not wait for a shorter one that needs it', async () => {
  const project = await Project.create({
    ...files,
    'pipeline.yaml': `
stages:
  train:
    matrix: { run: '\${runs}' }
    cmd: node train.mjs
    deps: ['in/\${run}.txt']
    outs: { state: 'out/\${run}.txt' }
    resume: { by: run.epochs, from: state }
  feed:
    cmd: 'cp \${deps.from} \${outs.to}'
    deps: { from: out/epochs20.txt }
    outs: { to: in/epochs10.txt }
`,
    'params.yaml': 'runs: [{ epochs: 20 }, { epochs: 10 }]\n',
    'in/epochs20.txt': 'in\n',
  });
  const { events, summary } = await project.repro();
  expect(summary.executed).toEqual(['train:epochs20', 'feed', 'train:epochs10']);
  expect(resumed(events)).toMatchObject({ 'train:epochs20': null, 'train:epochs10': null });
});

it('reads each record once, however many runs look for a shorter one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rodada-records-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const records = new RunRecords(folder);
  const record = (key: string, stage: string): Parameters<RunRecords['put']>[0] => ({
    key,
    stage,
    fingerprint: {
      format: 2,
      cmd: '',
      code: {},
      packages: {},
      params: {},
      matrix: {},
      deps: {},
      outs: {},
      environment: {},
    },
    outs: {},
    seconds: 0,
    ended: '',
  });
  await records.put(record('k1', 'train:a'));
  await records.put(record('k2', 'train:b'));
  await records.put(record('k3', 'trainer'));
  const keys = (): string[] =>
    records
      .ofStage('train')
      .map(({ key }) => key)
      .sort();
  expect(keys()).toEqual(['k1', 'k2']);
  await rm(join(folder, 'runs'), { recursive: true });
  expect(keys()).toEqual(['k1', 'k2']);
  await records.put(record('k4', 'train:c'));
  expect(keys()).toEqual(['k1', 'k2', 'k4']);
});
