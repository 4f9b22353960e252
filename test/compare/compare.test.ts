// What `npm run compare` tells, through the real command in real repositories.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params, replicated } from './project.ts';

const file = 'metrics/cnn1/batch32-epochs20.json';

async function changed(name?: string): Promise<{ project: Project; short: string }> {
  const project = await Project.repository(name);
  await project.write({ [file]: metrics(300), 'params.yaml': params(accuracyGate) });
  const short = (await project.commit()).slice(0, 8);
  await project.write({ [file]: metrics(320, 0.6), 'params.yaml': params(accuracyGate, 64) });
  return { project, short };
}

/** Path, key, old, new and verdict of all metrics that are not the same. */
async function changes(project: Project, ...args: string[]): Promise<unknown[]> {
  const { event } = await project.json('compare', '--all', ...args);
  return event.metrics
    .filter(({ verdict }: { verdict: string }) => verdict !== 'same')
    .map((row: { key: string; old: { value: number }; new: { value: number }; better: boolean }) => [
      row.key,
      row.old.value,
      row.new.value,
      row.better,
    ]);
}

const params64 = [{ reason: { what: 'param', name: 'resize.size', old: 32, new: 64 }, stages: [] }];

test('JSON has a row for each file, all metrics if asked for, and the parameters that differ', async () => {
  const { project } = await changed();
  const { exitCode, event } = await project.json('compare');
  expect(exitCode).toBe(0);
  expect(event).toMatchObject({
    type: 'comparison',
    rows: [{ path: file, key: 'accuracy', old: { value: 0.75, n: null }, new: { value: 0.8 }, better: true }],
    metrics: [],
    identity: { from: 'params.yaml', changes: params64 },
    compared: { files: 1, metrics: 4, differing: 1 },
  });
  expect(await changes(project)).toEqual([
    ['accuracy', 0.75, 0.8, true],
    ['loss', 0.5, 0.6, false],
    ['perClass.car.f1', 0.6, 0.64, true],
  ]);
});

test('a row for each file says what its accuracy did; one training is never called real', async () => {
  const { project, short } = await changed();
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toBe(
    `main (${short}) → the workspace: accuracy in 1 metrics file: 1 without a difference on these images.

accuracy
  file                      old     new  difference  verdict
  cnn1/batch32-epochs20  0.7500  0.8000     +0.0500  no difference on these images (p = 0.11)

parameters in params.yaml
  parameter    old  new
  resize.size  32   64

p is adjusted for the 1 comparison of accuracy (Holm); Fisher's exact test of the confusion matrices.

There is no pipeline.lock that can be compared in main (${short}) and the workspace: parameters are those of params.yaml, and code and data are not compared.

There is no pipeline in the workspace that tells whether its metrics belong to its code.`.replaceAll(
      '.\n\nThere',
      '.\nThere',
    ),
  );
  await project.write({ [file]: metrics(390, 0.6) });
  const worse = (await project.rodada(['compare', '--all'])).stdout;
  expect(worse).toContain('better, differs on these images (p < 0.001)');
  expect(worse).toMatch(/loss +0\.5000 +0\.6000 +\+0\.1000 +worse, not tested/);
  expect(worse).not.toMatch(/\breal/);
});

test('Markdown escapes what would be markup; CSV has a line for each metric', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/a.json': { 'a|b': 1, 'c*d': 0.5 } });
  const md = (await project.rodada(['compare', '--all', '--format', 'md'])).stdout;
  expect(md).toMatch(/\| a +\| a\\\|b +\| +– \| +1 \| +\| new +\|/);
  const csv = (await project.rodada(['compare', '--all', '--format', 'csv'])).stdout.split('\n');
  expect(csv[0]).toMatch(/^path,key,old,oldSd,oldSeeds,new,/);
  expect(csv).toContain('metrics/a.json,c*d,,,,0.5,,,,,,new,,,,');
  expect(csv).toHaveLength(1 + 6);
});

test('nothing that differs is said in a sentence; --all shows it', async () => {
  const { project, short } = await changed();
  await project.git('checkout', '-q', '.');
  expect((await project.rodada(['compare'])).stdout.split('\n')[0]).toBe(
    `Nothing differs between main (${short}) and the workspace: 1 metrics file with 4 metrics compared.`,
  );
  const { event } = await project.json('compare', '--all');
  expect(event.metrics).toHaveLength(4);
  expect(event.metrics[1]).toMatchObject({ path: file, key: 'loss', difference: 0, verdict: 'same' });
});

test('--only chooses files by a glob or a folder, and metrics by PATH:KEY; no verdict changes', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/cnn2/a.json': metrics(300) });
  await project.commit();
  await project.write({ 'metrics/cnn2/a.json': metrics(330), [file]: metrics(330) });
  const all = (await project.json('compare')).event.rows;
  expect(all).toHaveLength(2);
  expect(all[0].evidence.family).toBe(2);
  for (const only of ['cnn2', 'cnn2/*', 'metrics/cnn2/**', 'metrics/cnn2/a.json']) {
    const { rows } = (await project.json('compare', '--only', only)).event;
    expect(rows).toEqual(all.filter(({ path }: { path: string }) => path === 'metrics/cnn2/a.json'));
  }
  const keys = (await project.json('compare', '--only', '**:loss')).event.metrics;
  expect(keys.map(({ key }: { key: string }) => key)).toEqual(['loss', 'loss']);
  const none = await project.rodada(['compare', '--only', 'cnn3']);
  expect([none.exitCode, none.stdout]).toEqual([
    2,
    expect.stringContaining('--only cnn3 matches no metrics file.'),
  ]);
});

test('a baseline is a branch, a tag, a commit, an earlier commit or a folder', async () => {
  const { project } = await changed();
  const first = await project.git('rev-parse', 'HEAD');
  await project.git('tag', 'v1');
  await project.git('branch', 'feature/one');
  await project.commit();
  await project.git('worktree', 'add', '-q', '../other checkout', first);
  const wanted = await changes(project, '--baseline', first);
  expect(wanted).toHaveLength(3);
  for (const baseline of ['v1', 'feature/one', 'HEAD~1', first.slice(0, 9), '../other checkout'])
    expect(await changes(project, '--baseline', baseline), baseline).toEqual(wanted);
  for (const against of ['main', 'workspace', '.'])
    expect(await changes(project, '--baseline', 'v1', '--against', against), against).toEqual(wanted);
  expect(await changes(project, '--baseline', 'workspace', '--against', 'v1')).toHaveLength(3);
});

test('a revision wins over a folder of its name, unless that is written as a path', async () => {
  const { project } = await changed();
  await project.write({ [`main/${file}`]: metrics(320, 0.1), [`old/${file}`]: metrics(320, 0.2) });
  const loss = async (baseline: string) =>
    (await project.json('compare', '--only', 'cnn1:loss', '--baseline', baseline)).event.metrics[0].old.value;
  expect(await loss('main')).toBe(0.5);
  expect(await loss('./main')).toBe(0.1);
  expect(await loss('old')).toBe(0.2);
});

test('a project in a sub-folder is compared with its own sub-folder, whatever its name', async () => {
  const outer = await Project.repository('répo of ours');
  await outer.write({ [file]: metrics(200), 'params.yaml': 'seed: 1\n' });
  const project = await outer.below('étude "1" ↗ x');
  await project.write({ 'metrics/naïve model/a b.json': { loss: 1 }, 'params.yaml': params(accuracyGate) });
  await outer.commit();
  await project.write({ 'metrics/naïve model/a b.json': { loss: 2 } });
  const { event } = await project.json('compare');
  expect(event.rows).toMatchObject([
    { path: 'metrics/naïve model/a b.json', old: { value: 1 }, new: { value: 2 } },
  ]);
  expect(event.compared.files).toBe(1);
});

test('timing counts only when asked for', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/cnn1/a.timing.json': { trainSeconds: 4, imagesPerSecond: 900 } });
  await project.commit();
  await project.write({ 'metrics/cnn1/a.timing.json': { trainSeconds: 5, imagesPerSecond: 700 } });
  expect(await changes(project)).toEqual([]);
  expect(await changes(project, '--timing')).toEqual([
    ['trainSeconds', 4, 5, false],
    ['imagesPerSecond', 900, 700, false],
  ]);
});

test('a gate says which way is better where the name does not', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/a.json': { size: 5, count: 1 } });
  await project.commit();
  const gate = '  - { metric: "metrics/a.json:size", better: lower, tolerance: 0 }';
  await project.write({ 'metrics/a.json': { size: 6, count: 2 }, 'params.yaml': params(gate, 64) });
  expect(await changes(project)).toEqual([
    ['size', 5, 6, false],
    ['count', 1, 2, null],
  ]);
});

test('a profile is laid over the params of both sides', async () => {
  const { project } = await changed();
  await project.write({ 'profiles/big.yaml': 'resize: { size: 224 }\n' });
  await project.commit();
  await project.write({ 'profiles/big.yaml': 'resize: { size: 299 }\n' });
  const { event } = await project.json('compare', '--profile', 'big');
  expect(event.identity.changes).toEqual([
    { reason: { what: 'param', name: 'resize.size', old: 224, new: 299 }, stages: [] },
  ]);
});

test('10,000 metrics files make a page, what changed first, and what is left out is counted', async () => {
  const project = await Project.repository();
  const name = (i: number) => `metrics/${String(i).padStart(5, '0')}.json`;
  const write = (values: Record<number, object>) =>
    project.write(Object.fromEntries(Object.entries(values).map(([i, value]) => [name(Number(i)), value])));
  await write(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [i, { accuracy: 0.5, loss: 1 }])));
  await project.write({ 'params.yaml': params(accuracyGate) });
  await project.commit();
  await write({ 9999: { accuracy: 0.9, loss: 1 }, 7: replicatedFile(0.8) });
  const { stdout } = await project.rodada(['compare']);
  const lines = stdout.split('\n');
  expect(lines.length).toBeLessThan(60);
  expect(lines[4]).toMatch(/^ {2}00007 /);
  expect(lines[5]).toMatch(/^ {2}09999 /);
  expect(stdout).toContain('… and 9,960 more: `--all` shows them');
  const md = (await project.rodada(['compare', '--all', '--format', 'md'])).stdout;
  expect(Buffer.byteLength(md)).toBeLessThanOrEqual(65_536);
  expect(md).toMatch(/… and [\d,]+ more/);
});

const replicatedFile = (mean: number): object => ({ accuracy: replicated([mean, mean, mean]), loss: 1 });
