// What made the metrics comes from pipeline.lock: parameters, code and data of the runs, not what params.yaml says now.
import { expect, test } from 'vitest';
import { measuredProject } from './pipelines.ts';
import type { Project } from './project.ts';

interface Changed {
  readonly reason: Record<string, unknown>;
  readonly stages: readonly string[];
}
const changes = async (project: Project, ...args: string[]): Promise<Changed[]> =>
  (await project.json('compare', ...args)).event.identity.changes;

const both = ['measure:one', 'measure:two'];

test('a parameter of --set is shown, and its runs', async () => {
  const project = await measuredProject();
  await project.repro('--set', 'nested.y.z=9');
  const { event } = await project.json('compare');
  expect(event.identity).toMatchObject({
    from: 'pipeline.lock',
    changes: [{ reason: { what: 'param', name: 'nested.y.z', old: 2, new: 9 }, stages: both }],
  });
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toMatch(/^Stale: /);
  expect(stdout).toMatch(/parameters\n +parameter +old +new +stages\n +nested\.y\.z +2 +9 +measure × 2/);
});

test('code and data that changed are named, and not what follows from them', async () => {
  const project = await measuredProject();
  await project.write({ 'bonus.mjs': 'export const bonus = 0.1;\n', 'pictures.txt': 'bus\ncar\ntram\n' });
  await project.repro();
  const found = await changes(project);
  expect(found).toContainEqual({
    reason: { what: 'code', file: 'bonus.mjs', change: 'changed' },
    stages: both,
  });
  expect(found).toContainEqual({
    reason: { what: 'dep', path: 'pictures.txt', change: 'changed' },
    stages: ['prepare'],
  });
  expect(JSON.stringify(found)).not.toContain('sorted.txt');
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toContain('code\n  bonus.mjs changed (measure × 2)');
  expect(stdout).toContain('data\n  pictures.txt changed (prepare)');
  // Of two revisions as well, and without the files of either.
  await project.commit();
  expect(await changes(project, '--baseline', 'HEAD~1', '--against', 'HEAD')).toEqual(found);
});

test('what only one file was made of is not told of the others', async () => {
  const project = await measuredProject();
  await project.write({
    'params.yaml': (await project.git('show', 'HEAD:params.yaml')).replace('two]', 'three]'),
  });
  await project.repro();
  const { event } = await project.json('compare');
  expect(event.identity).toMatchObject({ onlyOld: ['measure:two'], onlyNew: ['measure:three'], changes: [] });
  expect(event.rows.map(({ path, verdict }: Record<string, string>) => [path, verdict])).toEqual([
    ['metrics/two.json', 'gone'],
    ['metrics/three.json', 'new'],
    ['metrics/one.json', 'same'],
  ]);
});

test('without pipeline.lock in one version, params.yaml is compared, and that is said', async () => {
  const project = await measuredProject();
  await project.git('rm', '-q', '--cached', 'pipeline.lock');
  await project.git('commit', '-q', '-m', 'Without');
  await project.write({
    'params.yaml': (await project.git('show', 'HEAD:params.yaml')).replace('a: 3', 'a: 5'),
  });
  await project.repro();
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toMatch(/parameters in params\.yaml\n +parameter +old +new\n +a +3 +5/);
  expect(stdout).toContain('There is no pipeline.lock that can be compared in main');
});

test('metrics that are not those of their pipeline.lock are named', async () => {
  const project = await measuredProject();
  await project.write({ 'metrics/two.json': { accuracy: 0.1 } });
  await project.commit();
  const { stdout } = await project.rodada(['compare', '--baseline', 'HEAD~1', '--against', 'HEAD']);
  expect(stdout).toMatch(/^Stale: in HEAD /);
  expect(stdout).toContain('metrics/two.json is edited');
  expect(stdout).toContain('Nothing tells what made metrics/two.json in HEAD');
});
