// Metrics that were not measured with the code, data and parameters beside them do not pass.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { measuredProject, pipelineFiles } from './pipelines.ts';
import { Project } from './project.ts';

const edit = async (project: Project, path: string, from: string, to: string): Promise<void> => {
  const text = await readFile(join(project.folder, path), 'utf8');
  expect(text).toContain(from);
  await project.write({ [path]: text.replace(from, to) });
};

const edits: readonly [what: string, path: string, from: string, to: string, stage: string][] = [
  ['a parameter', 'params.yaml', 'a: 3', 'a: 4', 'measure:one'],
  ['code', 'bonus.mjs', 'bonus = 0', 'bonus = 0.1', 'measure:two'],
  ['data', 'pictures.txt', 'bus', 'tram', 'prepare'],
  ['the command', 'pipeline.yaml', 'sort pictures', 'sort -r pictures', 'prepare'],
  ['a metrics file by hand', 'metrics/one.json', '"model":"one"', '"model":"ONE"', 'measure:one'],
];

test.each(edits)('%s that was edited and not run is stale', async (_, path, from, to, stage) => {
  const project = await measuredProject();
  expect((await project.rodada(['check'])).exitCode).toBe(0);
  await edit(project, path, from, to);
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(1);
  expect(event.ok).toBe(false);
  expect(event.freshness.stale.map((each: { stage: string }) => each.stage)).toContain(stage);
  const { stdout } = await project.rodada(['check']);
  expect(stdout).toMatch(/^✖ Failed: \d stale/);
  expect(stdout).toContain(stage);
  expect((await project.rodada(['compare'])).stdout).toMatch(/^Stale: in the workspace /);
  expect((await project.rodada(['check', '--allow-stale'])).exitCode).toBe(0);
  await project.repro();
  expect((await project.json('check')).event.freshness.stale).toEqual([]);
});

test('metrics of a run that no longer exists, or that nothing makes, are stale and named', async () => {
  const project = await measuredProject();
  await edit(project, 'params.yaml', '[one, two]', '[one]');
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('metrics/two.json: no stage makes it');
  await project.git('checkout', '-q', '.');
  await project.write({ 'metrics/own.json': { accuracy: 0.99 } });
  const own = await project.rodada(['check']);
  expect(own.exitCode).toBe(1);
  expect(own.stdout).toContain('metrics/own.json: no stage makes it');
});

test('a clone of one commit without data and cache is compared and checked, and an edit in it is stale', async () => {
  const upstream = await measuredProject();
  const clone = await Project.folder('clone');
  await clone.git('clone', '-q', '--depth=1', `file://${upstream.folder}`, '.');
  const passed = await clone.rodada(['check']);
  expect([passed.exitCode, passed.stdout.split('\n')[0]]).toEqual([0, expect.stringContaining('✔ Passed')]);
  expect((await clone.rodada(['compare'])).stdout).toMatch(/^Nothing differs between main/);
  await edit(clone, 'params.yaml', 'a: 3', 'a: 4');
  expect((await clone.rodada(['check'])).exitCode).toBe(1);
});

test.each(
  edits,
)('%s that was committed and not run is stale in a revision, too', async (_, path, from, to, stage) => {
  const project = await measuredProject();
  await edit(project, path, from, to);
  await project.commit();
  const { exitCode, event } = await project.json('check', '--baseline', 'HEAD~1', '--against', 'HEAD');
  expect(exitCode).toBe(1);
  expect(event.freshness.stale.map((each: { stage: string }) => each.stage)).toContain(stage);
  const back = await project.json('check', '--baseline', 'HEAD', '--against', 'HEAD~1');
  expect(back.event.freshness.stale).toEqual([]);
});

test('a fact of another machine is said, but is not stale, also of what follows from it', async () => {
  const project = await measuredProject();
  const pipeline = pipelineFiles['pipeline.yaml']
    .replace('stages:\n', 'environment: { chip: chip.mjs }\nstages:\n')
    .replace('deps: [pictures.txt]', 'deps: [pictures.txt]\n    env: [chip]');
  await project.write({
    'pipeline.yaml': pipeline,
    'chip.mjs': "export default () => process.env.CHIP ?? 'avx2';\n",
  });
  await project.repro();
  await project.commit();
  const { exitCode, stdout } = await project.rodada(['check', '--json'], { CHIP: 'avx512' });
  const event = JSON.parse(stdout.split('\n').at(-1)!);
  expect(exitCode).toBe(0);
  expect(event.freshness).toEqual({
    stale: [],
    machine: [{ what: 'environment', name: 'chip', old: 'avx2', new: 'avx512' }],
  });
  const said = (await project.rodada(['check'], { CHIP: 'avx512' })).stdout;
  expect(said).toContain('This machine differs from the one that measured: chip avx2 → avx512.');
});
