// A training that is killed goes on after its last checkpoint, and ends in the same bytes as one that was left alone.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../engine/event.ts';
import { copyOf } from '../safety/pipeline.ts';
import { startRepro } from '../safety/processes.ts';
import type { Project } from '../support/project.ts';
import { copyStudy, hashesOf } from '../support/study.ts';
import { writeStudy } from '../training/pictures.ts';

const pipeline = `
environment: { backend: training/environment.ts }
stages:
  train:
    matrix: { model: [cnn1, cnn2], run: '\${iterations}', seed: [3] }
    cmd: node --import tsx stages/train/\${model}.ts
    params: ['models.\${model}']
    deps: { inputs: input/pictures.npy, index: input/pictures.jsonl, split: input/split.json }
    env: [backend]
    slots: all
    outs:
      model: data/\${model}/\${run}/model.h5
      history: data/\${model}/\${run}/history.json
      checkpoint: data/\${model}/\${run}/checkpoint.h5
    metrics: { timing: 'metrics/\${model}/\${run}.timing.json' }
    resume: { by: run.epochs, from: checkpoint, with: [timing] }
`;
/** cnn2 with all that has a state or draws random numbers. */
const params = `
iterations: [{ batch: 16, epochs: 30 }]
models:
  cnn1: { filters: [4, 6], dense: 16, dropout: 0.4, optimizer: { name: nadam, learningRate: 0.002 } }
  cnn2:
    filters: [4, 6]
    dense: 16
    dropout: 0.4
    optimizer: { name: adam, learningRate: 0.02 }
    schedule: { kind: exponential, rate: 0.5, epochs: 5.5 }
    l2: 0.001
    labelSmoothing: 0.1
    classWeights: balanced
    earlyStopping: { patience: 12, monitor: valAccuracy }
    augmentation: { flip: horizontal, shift: 0.1, zoom: 0.1, brightness: 0.2 }
`;
const steps = 24; // of an epoch
const everyEpoch = { RODADA_CHECKPOINTS: 'all' };

let start: Project;
let clean: Record<string, string>;
let project: Project;

beforeAll(async () => {
  start = await copyStudy();
  const { train } = await writeStudy(start.path('input'), 512, 24);
  expect(train).toHaveLength(16 * steps);
  await start.write('pipeline.yaml', pipeline);
  await start.write('params.yaml', params);
  const left = await copyOf(start);
  expect((await left.repro()).summary).toMatchObject({ failed: [], skipped: [] });
  clean = hashesOf(left, 'data');
  const { best, epochs } = JSON.parse(await left.read('data/cnn2/batch16-epochs30/history.json')) as {
    best: number;
    epochs: unknown[];
  };
  // It stops early, and what it goes back to lies before the kills.
  expect(best).toBeLessThanOrEqual(2);
  expect(epochs).toHaveLength(best + 12);
  await left.dispose();
}, 600_000);
afterAll(() => start.dispose());
beforeEach(async () => {
  project = await copyOf(start);
  return () => project.dispose();
});

const of = (model: string, run = 'batch16-epochs30'): string => `train:${model}:${run}:3`;

/** Hashes of one training's outs. */
const outsOf = (hashes: Record<string, string>, model: string, run = 'batch16-epochs30') =>
  Object.fromEntries(
    Object.entries(hashes).filter(([path]) => path.startsWith(join('data', model, run, '/'))),
  );

interface State {
  readonly folder: string;
  readonly checkpoint: string;
  readonly epoch: number;
  readonly times: readonly { seconds: number }[];
}

/** What the one training that was cut off has kept; undefined before its first checkpoint. */
function state(): State | undefined {
  try {
    const folder = project.path(join('cache/partial', readdirSync(project.path('cache/partial'))[0]!));
    const found = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as State;
    return { ...found, folder, epoch: Number(/\d+/.exec(found.checkpoint)![0]) };
  } catch {
    return undefined;
  }
}

/** The process group of the command that a run's engine has started. */
function commandOf(engine: number): number {
  const pairs = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
  return pairs.find(([pid, parent, group]) => parent === engine && pid === group)![0];
}

type Victim = 'engine' | 'training' | 'both';

/** Starts a training and kills whom it says as soon as a checkpoint of the epoch or a later one is kept. */
async function killedAfter(epoch: number, target: string, victim: Victim): Promise<void> {
  const run = startRepro(project, [target], everyEpoch);
  await run.event(({ type }) => type === 'progress');
  const command = commandOf(run.child.pid!);
  await run.event(() => (state()?.epoch ?? 0) >= epoch);
  if (victim !== 'training') run.child.kill('SIGKILL');
  if (victim !== 'engine') process.kill(-command, 'SIGKILL');
  // An engine's orphan keeps its pipes.
  if (victim === 'engine') await new Promise((resolve) => run.child.on('exit', resolve));
  else await run.ended;
}

interface Continued {
  readonly log: string;
  /** Steps done at the first sign of progress. */
  readonly done: number;
}

async function next(target: string, ...args: string[]): Promise<Continued> {
  const { events, summary } = await project.repro(target, ...args);
  expect(summary).toMatchObject({ failed: [], skipped: [] });
  expect(summary.executed).toContain(target);
  const own = events.filter(
    (event): event is Event & { stage: string } => 'stage' in event && event.stage === target,
  );
  const started = own.find((event) => event.type === 'started');
  const progress = own.find((event) => event.type === 'progress');
  return { log: await project.read(started!.log), done: progress!.done };
}

const timingOf = async (model: string, run = 'batch16-epochs30') =>
  JSON.parse(await project.read(`metrics/${model}/${run}.timing.json`)) as {
    epochSeconds: number[];
    resumedFrom?: number;
  };

const inMilliseconds = (seconds: number): number => Math.round(seconds * 1000) / 1000;

describe('a training that is killed', () => {
  it.each<[string, number, Victim]>([
    ['cnn1', 1, 'both'],
    ['cnn1', 2 + Math.floor(Math.random() * 20), 'both'],
    ['cnn1', 5, 'engine'],
    ['cnn2', 2, 'both'],
    ['cnn2', 4, 'training'],
  ])('%s after epoch %i, %s, goes on', async (model, epoch, victim) => {
    await killedAfter(epoch, of(model), victim);
    const left = state()!;
    const { log, done } = await next(of(model));
    const after = Number(/cut off and goes on after epoch (\d+)\./.exec(log)?.[1]);
    // Without its engine the training goes on until the next run ends it.
    if (victim === 'engine') expect(after).toBeGreaterThanOrEqual(left.epoch);
    else expect(after).toBe(left.epoch);
    expect(done).toBe(after * steps);
    expect(outsOf(hashesOf(project, 'data'), model)).toEqual(outsOf(clean, model));
    expect(readdirSync(project.path('cache/partial'))).toEqual([]);
    const { epochSeconds, resumedFrom } = await timingOf(model);
    const { epochs } = JSON.parse(await project.read(`data/${model}/batch16-epochs30/history.json`)) as {
      epochs: unknown[];
    };
    expect(epochSeconds).toHaveLength(epochs.length);
    expect(epochSeconds.slice(0, left.epoch)).toEqual(
      left.times.map(({ seconds }) => inMilliseconds(seconds)),
    );
    expect(resumedFrom).toBeUndefined();
  });

  it('goes on twice', async () => {
    await killedAfter(2, of('cnn1'), 'both');
    const first = state()!.epoch;
    await killedAfter(first + 3, of('cnn1'), 'both');
    const { epoch: second, times } = state()!;
    expect(times).toHaveLength(second);
    expect((await next(of('cnn1'))).log).toContain(`goes on after epoch ${second}.`);
    expect(outsOf(hashesOf(project, 'data'), 'cnn1')).toEqual(outsOf(clean, 'cnn1'));
    expect((await timingOf('cnn1')).epochSeconds).toHaveLength(30);
  });

  it('that had itself gone on from a shorter one counts the epochs of all three goes', async () => {
    await project.edit('params.yaml', 'epochs: 30', 'epochs: 8');
    await project.repro('train:cnn1');
    const shorter = await timingOf('cnn1', 'batch16-epochs8');
    await project.edit('params.yaml', 'epochs: 8', 'epochs: 30');
    await killedAfter(12, of('cnn1'), 'both');
    const left = state()!;
    expect(left.times).toHaveLength(left.epoch - 8);
    // Also where the shorter one's results have left the store meanwhile.
    await project.remove('cache/runs');
    const { done } = await next(of('cnn1'));
    expect(done).toBe(left.epoch * steps);
    const { epochSeconds, resumedFrom } = await timingOf('cnn1');
    expect(resumedFrom).toBe(8);
    expect(epochSeconds).toHaveLength(30);
    expect(epochSeconds.slice(0, 8)).toEqual(shorter.epochSeconds);
    expect(outsOf(hashesOf(project, 'data'), 'cnn1')).toEqual(outsOf(clean, 'cnn1'));
  });

  it.each<[string, (file: string) => void]>([
    ['cut short', (file) => truncateSync(file, readFileSync(file).length >> 1)],
    [
      'overwritten in the middle',
      (file) => {
        const handle = openSync(file, 'r+');
        writeSync(handle, 'xxxx', readFileSync(file).length >> 1);
        closeSync(handle);
      },
    ],
  ])('starts from scratch where its checkpoint is %s', async (_, damage) => {
    await killedAfter(3, of('cnn1'), 'both');
    damage(join(state()!.folder, state()!.checkpoint));
    const { log, done } = await next(of('cnn1'));
    expect(log).toMatch(
      /^The checkpoint that this training left when it was cut off is damaged \(.+\), so it starts from scratch\.\n/,
    );
    expect(done).toBe(1);
    expect(outsOf(hashesOf(project, 'data'), 'cnn1')).toEqual(outsOf(clean, 'cnn1'));
  });

  it('starts from scratch when a parameter is edited, and with --force', async () => {
    await killedAfter(3, of('cnn1'), 'both');
    await project.edit('params.yaml', 'dropout: 0.4', 'dropout: 0.3');
    const edited = await next(of('cnn1'));
    expect(edited).toEqual({ log: '', done: 1 });
    await project.edit('params.yaml', 'dropout: 0.3', 'dropout: 0.4');
    expect(state()!.epoch).toBeGreaterThanOrEqual(3); // undone, it could go on
    expect(await next(of('cnn1'), '--force')).toEqual({ log: '', done: 1 });
    expect(outsOf(hashesOf(project, 'data'), 'cnn1')).toEqual(outsOf(clean, 'cnn1'));
  });
});
