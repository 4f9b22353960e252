// A run that goes on from a shorter one: found through labels and paths, and the same bytes as from scratch.
import { describe, expect, it } from 'vitest';
import type { Event } from '../../engine/event.ts';
import { Project } from '../support/project.ts';

/** "Trains" by hashing its state once an epoch, so that the result depends on every epoch and on the seed. */
const count = `
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const { params, matrix, deps, outs, resume } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
const epochs = matrix.run?.epochs ?? params.train.epochs;
let { epoch, state } = resume === undefined
  ? { epoch: 0, state: readFileSync(deps.data, 'utf8') + params.seed }
  : JSON.parse(readFileSync(resume.from + '/state.json', 'utf8'));
if (resume !== undefined && epoch !== resume.by) throw new Error('not the state that was announced');
if (resume?.outs.model !== undefined && readFileSync(resume.outs.model, 'utf8') !== state + '\\n') throw new Error('not its model');
for (; epoch < epochs; epoch++) {
  state = createHash('sha256').update(state).digest('hex');
  console.log('epoch ' + (epoch + 1));
}
mkdirSync(outs.checkpoint);
writeFileSync(outs.checkpoint + '/state.json', JSON.stringify({ epoch, state }));
writeFileSync(outs.model, state + '\\n');
`;

const files = {
  'pipeline.yaml': `
stages:
  data:
    cmd: cp \${deps.source} \${outs.data}
    deps: { source: source.txt }
    outs: { data: data/data.txt }
  train:
    matrix: { model: [a, b], run: '\${runs}' }
    cmd: node train.mjs \${run}
    params: [seed]
    deps: { data: data/data.txt }
    outs: { model: 'out/\${model}/\${run}.txt', checkpoint: 'checkpoints/\${model}/\${run}' }
    resume: { by: run.epochs, from: checkpoint, with: [model] }
`,
  'params.yaml': 'seed: 1\nruns:\n  - { batch: 8, epochs: 2 }\n  - { batch: 16, epochs: 2 }\n',
  'source.txt': 'pictures',
  'train.mjs': count,
};

const startedOf = (events: readonly Event[], stage: string): Extract<Event, { type: 'started' }> =>
  events.find(
    (event): event is Extract<Event, { type: 'started' }> =>
      event.type === 'started' && event.stage === stage,
  )!;

const epochsIn = async (project: Project, events: readonly Event[], stage: string): Promise<number> =>
  (await project.read(startedOf(events, stage).log)).split('\n').filter((line) => line.startsWith('epoch '))
    .length;

const longer = 'train:a:batch8-epochs5';
const add = (project: Project, run: string): Promise<void> =>
  project.write('params.yaml', `${files['params.yaml']}  - ${run}\n`);

/** What a project that never ran anything shorter makes. */
async function cleanBuild(params: string): Promise<string> {
  const project = await Project.create({ ...files, 'params.yaml': params });
  const { events } = await project.repro(longer);
  expect(startedOf(events, longer).resumes).toBeUndefined();
  expect(await epochsIn(project, events, longer)).toBe(5);
  return await project.read('out/a/batch8-epochs5.txt');
}

describe('resume', () => {
  it('goes on from the longest shorter run, though labels, paths and command name the number', async () => {
    const project = await Project.create(files);
    await project.repro();
    await add(project, '{ batch: 8, epochs: 3 }');
    await project.repro();
    await add(project, '{ batch: 8, epochs: 5 }');
    const { events, summary } = await project.repro();
    expect(summary.executed).toEqual([longer, 'train:b:batch8-epochs5']);
    expect(startedOf(events, longer).resumes).toEqual({
      stage: 'train:a:batch8-epochs3',
      by: 'run.epochs',
      value: 3,
    });
    expect(await epochsIn(project, events, longer)).toBe(2);
    expect(await project.read('out/a/batch8-epochs5.txt')).toBe(
      await cleanBuild(await project.read('params.yaml')),
    );
    expect(await project.read('checkpoints/a/batch8-epochs5/state.json')).toContain('"epoch":5');
  });

  it('costs nothing to go back to a shorter run', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.edit('params.yaml', 'batch: 8, epochs: 2', 'batch: 8, epochs: 5');
    await project.repro();
    await project.edit('params.yaml', 'batch: 8, epochs: 5', 'batch: 8, epochs: 2');
    expect((await project.repro()).summary).toMatchObject({ executed: [], failed: [] });
  });

  it.each([
    ['a parameter', 'params.yaml', 'seed: 1', 'seed: 2'],
    ['a dependency', 'source.txt', 'pictures', 'other pictures'],
    ['the code', 'train.mjs', "'epoch '", "'epoch  '"],
    ['another field of the matrix', 'params.yaml', 'batch: 8, epochs: 2', 'batch: 4, epochs: 2'],
  ])('starts from scratch where %s differs too', async (_, file, from, to) => {
    const project = await Project.create({
      ...files,
      [file]: files[file as keyof typeof files].replace(from, to),
    });
    await project.repro();
    await project.edit(file, to, from);
    await add(project, '{ batch: 8, epochs: 5 }');
    const { events } = await project.repro(longer);
    // In another field: the run with batch 16 is there, that with batch 8 is not.
    expect(startedOf(events, longer).resumes).toBeUndefined();
    expect(await epochsIn(project, events, longer)).toBe(5);
  });

  it('starts from scratch when it is forced, and where the checkpoint is damaged', async () => {
    const project = await Project.create(files);
    await project.repro();
    await add(project, '{ batch: 8, epochs: 5 }');
    await project.repro(longer);
    const made = await project.read('out/a/batch8-epochs5.txt');
    const forced = await project.repro('--force', longer);
    expect(await epochsIn(project, forced.events, longer)).toBe(5);
    expect(await project.read('out/a/batch8-epochs5.txt')).toBe(made);

    await project.edit('params.yaml', 'batch: 8, epochs: 5', 'batch: 8, epochs: 6');
    // Of all that is in the store, the records alone are left whole.
    const { readdirSync, writeFileSync } = await import('node:fs');
    for (const folder of readdirSync(project.path('cache/objects')))
      for (const object of readdirSync(project.path(`cache/objects/${folder}`))) {
        const path = project.path(`cache/objects/${folder}/${object}`);
        const { size } = (await import('node:fs')).statSync(path);
        writeFileSync(path, 'x'.repeat(size));
      }
    const damaged = await project.repro('train:a:batch8-epochs6');
    expect(damaged.summary.executed).toEqual(['train:a:batch8-epochs6']);
    expect(await epochsIn(project, damaged.events, 'train:a:batch8-epochs6')).toBe(6);
  });

  it('grows by a parameter too, and gives a shell command the path', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  train:
    cmd: cat \${resume.from} /dev/null > \${outs.list} || true; wc -l < \${outs.list} >> \${outs.list}; echo \${train.epochs} >> \${outs.list}
    params: [train]
    outs: { list: list.txt }
    resume: { by: train.epochs, from: list }
`,
      'params.yaml': 'train: { epochs: 1 }\n',
    });
    await project.repro();
    expect(await project.read('list.txt')).toMatch(/^\s*0\n1\n$/);
    await project.edit('params.yaml', 'epochs: 1', 'epochs: 4');
    const { events } = await project.repro();
    expect(startedOf(events, 'train').resumes).toEqual({ stage: 'train', by: 'train.epochs', value: 1 });
    expect(await project.read('list.txt')).toMatch(/^\s*0\n1\n\s*2\n4\n$/);
  });

  it('says what is wrong with it before anything runs', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace(
        'by: run.epochs, from: checkpoint, with: [model]',
        'by: run.epoch, from: checkpont',
      ),
    });
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(
      stdout,
    ).toBe(`pipeline.yaml:13:19 error: \`run.epoch\` is neither in the matrix of \`train\` nor a parameter that it names.
  13 │     resume: { by: run.epoch, from: checkpont }
     │                   ^^^^^^^^^
Did you mean \`run.epochs\`?
pipeline.yaml:13:36 error: \`train\` has no out \`checkpont\`.
  13 │     resume: { by: run.epoch, from: checkpont }
     │                                    ^^^^^^^^^
Did you mean \`checkpoint\`?
`);
  });
});
