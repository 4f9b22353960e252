// What `npm run compare` tells, through the real command in real repositories.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params } from './project.ts';

const file = 'metrics/cnn1/batch32-epochs20.json';

async function changed(name?: string): Promise<{ project: Project; short: string }> {
  const project = await Project.repository(name);
  await project.write({ [file]: metrics(300), 'params.yaml': params(accuracyGate) });
  const short = (await project.commit()).slice(0, 8);
  await project.write({ [file]: metrics(320, 0.6), 'params.yaml': params(accuracyGate, 64) });
  return { project, short };
}

test('JSON lists the metrics and params that differ, and no others', async () => {
  const { project } = await changed();
  const { exitCode, stdout, stderr } = await project.rodada(['compare', '--format', 'json']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    metrics: [
      { path: file, key: 'accuracy', old: 0.75, new: 0.8, delta: 0.8 - 0.75, better: true },
      { path: file, key: 'loss', old: 0.5, new: 0.6, delta: 0.6 - 0.5, better: false },
      { path: file, key: 'perClass.car.f1', old: 0.6, new: 0.64, delta: 0.64 - 0.6, better: true },
    ],
    params: [{ key: 'resize.size', old: 32, new: 64 }],
  });
});

test('a table says what is better, what is worse, and whether it is more than noise', async () => {
  const { project, short } = await changed();
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toBe(`main (${short}) → the working tree: 4 metrics and 4 parameters compared.

${file}
  metric              old     new    delta          real?
  accuracy         0.7500  0.8000  +0.0500  better  within noise (p = 0.11, n = 400)
  loss             0.5000  0.6000  +0.1000  worse
  perClass.car.f1  0.6000  0.6400  +0.0400  better

params.yaml
  parameter    old  new
  resize.size  32   64`);
});

test('Markdown escapes what would be markup', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/a.json': { 'a|b': 1, 'c*d': 0.5 } });
  const { stdout } = await project.rodada(['compare', '--format', 'md']);
  expect(stdout).toContain('**metrics/a.json**\n\n| metric | old |    new | delta |     |\n');
  expect(stdout).toContain(
    '| a\\|b   |   – |      1 |     – | new |\n| c\\*d   |   – | 0.5000 |     – | new |',
  );
});

test('nothing that differs is said in a sentence; --all shows it', async () => {
  const { project, short } = await changed();
  await project.git('checkout', '-q', '.');
  expect((await project.rodada(['compare'])).stdout).toBe(
    `Nothing differs between main (${short}) and the working tree: 4 metrics and 4 parameters compared.`,
  );
  const json = await project.rodada(['compare', '--format', 'json']);
  expect(JSON.parse(json.stdout)).toEqual({ metrics: [], params: [] });
  const all = JSON.parse((await project.rodada(['compare', '--all', '--format', 'json'])).stdout);
  expect(all.metrics).toContainEqual({ path: file, key: 'loss', old: 0.5, new: 0.5, delta: 0, better: null });
  expect(all.params.map(({ key }: { key: string }) => key)).toEqual([
    'seed',
    'resize.size',
    'resize.fit',
    'gates',
  ]);
});

test('a baseline is a branch, a tag, a commit, an earlier commit or a folder', async () => {
  const { project } = await changed();
  const first = await project.git('rev-parse', 'HEAD');
  await project.git('tag', 'v1');
  await project.git('branch', 'feature/one');
  await project.commit();
  await project.git('worktree', 'add', '-q', '../other checkout', first);
  const wanted = (await project.rodada(['compare', '--baseline', first, '--format', 'json'])).stdout;
  expect(JSON.parse(wanted).metrics).toHaveLength(3);
  for (const baseline of ['v1', 'feature/one', 'HEAD~1', first.slice(0, 9), '../other checkout']) {
    const { stdout, stderr } = await project.rodada(['compare', '--baseline', baseline, '--format', 'json']);
    expect(stdout, `${baseline}: ${stderr}`).toBe(wanted);
  }
});

test('a revision wins over a folder of its name, unless that is written as a path', async () => {
  const { project } = await changed();
  await project.write({ [`main/${file}`]: metrics(320, 0.1), [`old/${file}`]: metrics(320, 0.2) });
  const loss = async (baseline: string) => {
    const { stdout } = await project.rodada(['compare', '--baseline', baseline, '--format', 'json']);
    return JSON.parse(stdout).metrics.find(({ key }: { key: string }) => key === 'loss').old;
  };
  expect(await loss('main')).toBe(0.5);
  expect(await loss('./main')).toBe(0.1);
  expect(await loss('old')).toBe(0.2);
  const bare = await project.rodada(['compare', '--baseline', 'old']);
  expect(bare.stderr).toBe('There is no params.yaml in old: parameters are not compared.');
});

test('a project in a sub-folder is compared with its own sub-folder, whatever its name', async () => {
  const outer = await Project.repository('répo of ours');
  await outer.write({ [file]: metrics(200), 'params.yaml': 'seed: 1\n' });
  const project = await outer.below('étude "1" ↗ x');
  await project.write({ 'metrics/naïve model/a b.json': { loss: 1 }, 'params.yaml': params(accuracyGate) });
  await outer.commit();
  await project.write({ 'metrics/naïve model/a b.json': { loss: 2 } });
  const { stdout } = await project.rodada(['compare', '--format', 'json']);
  expect(JSON.parse(stdout)).toEqual({
    metrics: [{ path: 'metrics/naïve model/a b.json', key: 'loss', old: 1, new: 2, delta: 1, better: false }],
    params: [],
  });
});

test('timing counts only when asked for', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/cnn1/a.timing.json': { trainSeconds: 4, imagesPerSecond: 900 } });
  await project.commit();
  await project.write({ 'metrics/cnn1/a.timing.json': { trainSeconds: 5, imagesPerSecond: 700 } });
  const ask = async (...more: string[]) =>
    JSON.parse((await project.rodada(['compare', '--format', 'json', ...more])).stdout).metrics;
  expect(await ask()).toEqual([]);
  expect(await ask('--timing')).toEqual([
    { path: 'metrics/cnn1/a.timing.json', key: 'trainSeconds', old: 4, new: 5, delta: 1, better: false },
    {
      path: 'metrics/cnn1/a.timing.json',
      key: 'imagesPerSecond',
      old: 900,
      new: 700,
      delta: -200,
      better: false,
    },
  ]);
});

test('a gate says which way is better where the name does not', async () => {
  const { project } = await changed();
  await project.write({ 'metrics/a.json': { size: 5, count: 1 } });
  await project.commit();
  const gate = '  - { metric: "metrics/a.json:size", better: lower, tolerance: 0 }';
  await project.write({ 'metrics/a.json': { size: 6, count: 2 }, 'params.yaml': params(gate, 64) });
  const { stdout } = await project.rodada(['compare', '--format', 'json']);
  expect(
    JSON.parse(stdout).metrics.map(({ key, better }: { key: string; better: unknown }) => [key, better]),
  ).toEqual([
    ['size', false],
    ['count', null],
  ]);
});

test('a profile is laid over the params of both sides', async () => {
  const { project } = await changed();
  await project.write({ 'profiles/big.yaml': 'resize: { size: 224 }\n' });
  await project.commit();
  await project.write({ 'profiles/big.yaml': 'resize: { size: 299 }\n' });
  const { stdout } = await project.rodada(['compare', '--profile', 'big', '--format', 'json']);
  expect(JSON.parse(stdout).params).toEqual([{ key: 'resize.size', old: 224, new: 299 }]);
});
