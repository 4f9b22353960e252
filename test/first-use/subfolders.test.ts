// The verbs in a subfolder of a project: they work on the nearest project, and paths that the user types are relative to the folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const files = {
  'pipeline.yaml': `stages:
  make:
    cmd: cat \${deps.in} > \${outs.o}
    deps: { in: data/raw/in.txt }
    outs: { o: data/out.txt }
  count:
    cmd: printf '{ "bytes":%d }' "$(wc -c < \${deps.in})" > \${outs.m}
    deps: { in: data/out.txt }
    metrics: { m: metrics/count.json }
`,
  'data/raw/in.txt': 'one\n',
};

const create = (more: Record<string, string> = {}): Promise<Project> => Project.create({ ...files, ...more });

it('repro, status, why, dag, log and verify work on the project, and put nothing into the subfolder', async () => {
  const project = await create();
  const run = await project.cliIn('data/raw', 'repro');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await project.read('data/out.txt')).toBe('one\n');
  expect(execFileSync('ls', ['-A', project.path('data/raw')], { encoding: 'utf8' })).toBe('in.txt\n');
  for (const args of [['status'], ['why', 'make'], ['dag'], ['log', 'make'], ['verify'], ['gc', '--dry']]) {
    const [below, above] = [await project.cliIn('data', ...args), await project.cli(...args)];
    expect([args, below.exitCode, below.stderr]).toEqual([args, 0, '']);
    expect(below.stdout).toBe(above.stdout);
  }
});

it('freeze, checkout, commit and clean work there, too', async () => {
  const project = await create();
  await project.repro();
  await project.remove('data/out.txt');
  expect(await project.cliIn('data/raw', 'checkout')).toMatchObject({ exitCode: 0 });
  expect(await project.read('data/out.txt')).toBe('one\n');
  expect(await project.cliIn('data/raw', 'freeze', 'make')).toMatchObject({ exitCode: 0 });
  expect(await project.read('pipeline.yaml')).toContain('frozen: true');
  expect(await project.cliIn('data/raw', 'unfreeze', 'make')).toMatchObject({ exitCode: 0 });
  await project.write('data/out.txt', 'by hand\n');
  expect(await project.cliIn('data/raw', 'commit', 'make')).toMatchObject({ exitCode: 0 });
  expect(await project.cliIn('data/raw', 'clean')).toMatchObject({ exitCode: 0 });
});

it('the nearest project wins, whether another is above or below', async () => {
  const inner = 'stages: { inner: { cmd: "echo i > ${outs.o}", outs: { o: i.txt } } }\n';
  const project = await create({ 'sub/pipeline.yaml': inner, 'sub/deep/er/x': '', 'data/raw/deep/y': '' });
  expect((await project.cliIn('sub/deep/er', 'dag')).stdout).toBe('inner\n');
  expect((await project.cliIn('sub', 'dag')).stdout).toBe('inner\n');
  expect((await project.cliIn('data/raw/deep', 'dag')).stdout).toContain('make');
  expect(await project.cliIn('sub/deep', 'repro')).toMatchObject({ exitCode: 0 });
  expect(await project.read('sub/i.txt')).toBe('i\n');
});

it('a broken pipeline.yaml stops the search, and the message says what its path is relative to', async () => {
  const project = await create({ 'sub/pipeline.yaml': 'stages: { a: { cdm: x } }\n', 'sub/deep/x': '' });
  const { exitCode, stdout } = await project.cliIn('sub/deep', 'status');
  expect(exitCode).toBe(2);
  expect(stdout).toContain('pipeline.yaml:1:');
  const root = realpathSync(project.path('sub'));
  expect(stdout).toMatch(new RegExp(`• Paths are relative to the project's folder, ${root}\\.\n$`));
  expect((await project.cliIn('sub', 'status')).stdout).not.toContain('relative to');
  const json = await project.cliIn('sub/deep', 'status', '--json');
  expect(
    json.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).type),
  ).not.toContain('note');
});

it('says which folders it searched if there is no project, and how to start one', async () => {
  const project = await Project.create({ 'a/b/x': '' });
  const root = realpathSync(project.path('.'));
  const { exitCode, stdout } = await project.cliIn('a/b', 'repro');
  expect(exitCode).toBe(2);
  expect(stdout).toContain(
    `error: There is no pipeline.yaml in ${root}/a/b or a folder above it (${root}/a, ${root}, `,
  );
  expect(stdout).toContain(
    "/).\nChange to a project's folder, or run `rodada init` to start a project here.\n",
  );
  const json = await project.cliIn('a/b', 'status', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ type: 'failure', failure: { reason: 'usage' } });
  expect(execFileSync('ls', ['-A', project.path('a/b')], { encoding: 'utf8' })).toBe('x\n');
});

it('names a pipeline.yml that was meant to be pipeline.yaml', async () => {
  const project = await Project.create({ 'pipeline.yml': 'stages: {}\n', 'a/x': '' });
  const { stdout } = await project.cliIn('a', 'status');
  expect(stdout).toContain(`Rename ${realpathSync(project.path('.'))}/pipeline.yml to pipeline.yaml.\n`);
});

it('help and version need no project', async () => {
  const project = await Project.create({ 'a/x': '' });
  for (const args of [['--help'], ['--version'], ['repro', '--help'], ['init', '--help']])
    expect(await project.cliIn('a', ...args)).toMatchObject({ exitCode: 0, stderr: '' });
});

it('says that the current folder is gone', async () => {
  const project = await create({ 'gone/x': '' });
  const engine = join(projectRoot, 'engine/rodada.mjs');
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', `rm -r "$PWD" && exec "${process.execPath}" "${engine}" status`],
    { cwd: project.path('gone'), encoding: 'utf8', timeout: 30_000 },
  );
  expect([status, stderr]).toEqual([
    2,
    'error: The current folder no longer exists. Change to another one.\n',
  ]);
});

it('compare and check take a baseline folder relative to where the user is', async () => {
  const project = await create({ 'data/old/metrics/count.json': '{ "bytes": 3 }\n' });
  await project.repro();
  const { exitCode, stdout, stderr } = await project.cliIn('data/raw', 'compare', '--baseline', '../old');
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^\.\.\/old → the workspace: /);
  expect(stdout).toMatch(/^ +count +3 +\d+ /m);
  const wrong = await project.cliIn('data/raw', 'compare', '--baseline', './old');
  expect([wrong.exitCode, wrong.stdout]).toEqual([
    2,
    expect.stringContaining('There is no folder `./old` to compare with.'),
  ]);
});

it('compare still works in a folder with metrics and no pipeline.yaml anywhere', async () => {
  const project = await Project.create({ 'metrics/a.json': '{"n":1}', 'old/metrics/a.json': '{"n":2}' });
  const { exitCode, stdout } = await project.cli('compare', '--baseline', './old');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^ +a +2 +1 /m);
});

it.each([
  ['relative to the folder', 'data', 'out.txt'],
  ['with a dot', 'data', './out.txt'],
  ['with dots', 'data/raw', '../out.txt'],
  ['relative to the project, as status names it', 'data/raw', 'data/out.txt'],
])('clean --keep takes a path %s', async (_, folder, path) => {
  const project = await create();
  await project.repro();
  await project.write('pipeline.yaml', 'stages: { other: { cmd: "true" } }\n');
  const { exitCode, stdout } = await project.cliIn(folder, 'clean', '--keep', path);
  expect([exitCode, stdout]).toEqual([0, '✔ data/out.txt is a file of your own now\n']);
});

it('gc --forget takes a path relative to the folder', async () => {
  const store = mkdtempSync(join(tmpdir(), 'rodada-store-'));
  onTestFinished(() => rmSync(store, { recursive: true, force: true }));
  const shared = { 'pipeline.yaml': `cache: { store: ${store} }\n${files['pipeline.yaml']}` };
  const [project, other] = [await create(shared), await create(shared)];
  await project.repro();
  await other.repro();
  const path = `../../../${basename(other.root)}`;
  const forget = (folder: string) => project.cliIn(folder, 'gc', '--forget', path);
  const wrong = await forget('data');
  expect([wrong.exitCode, wrong.stdout]).toEqual([
    2,
    expect.stringContaining(`No other workspace at \`${path}\` shares the store.`),
  ]);
  expect(await forget('data/raw')).toMatchObject({ exitCode: 0 });
  expect(await forget('data/raw')).toMatchObject({ exitCode: 2 });
});

it('a stage sees the same PWD from a subfolder', async () => {
  const pipeline = 'stages: { pwd: { cmd: "printenv PWD > ${outs.o}", outs: { o: pwd.txt } } }\n';
  const project = await Project.create({ 'pipeline.yaml': pipeline, 'a/x': '' });
  expect(await project.cliIn('a', 'repro')).toMatchObject({ exitCode: 0 });
  expect(await project.read('pwd.txt')).toBe(`${realpathSync(project.root)}\n`);
});

/** A checkout whose package.json has scripts for rodada. */
function withScripts(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rodada-scripts-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const engine = join(projectRoot, 'engine/rodada.mjs');
  const scripts = Object.fromEntries(
    ['status', 'dag', 'compare'].map((verb) => [verb, `node ${engine} ${verb}`]),
  );
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', scripts }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const npm = (cwd: string, ...args: string[]) =>
  spawnSync('npm', args, { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

it('under npm, which changes to the folder of package.json, paths are still relative to where the user is', () => {
  const root = withScripts();
  for (const folder of ['metrics', 'data/old/metrics']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'metrics/count.json'), '{"bytes":4}');
  writeFileSync(join(root, 'data/old/metrics/count.json'), '{"bytes":3}');
  const compared = npm(join(root, 'data/raw'), 'run', '-s', 'compare', '--', '--baseline', '../old');
  expect([compared.status, compared.stdout]).toEqual([0, expect.stringMatching(/^ +count +3 +4 /m)]);
  cpSync(join(root, 'data'), join(root, 'inner/data'), { recursive: true });
  writeFileSync(join(root, 'inner/pipeline.yaml'), 'stages: { inner: { cmd: "true" } }\n');
  expect(npm(join(root, 'inner/data'), 'run', '-s', 'dag').stdout).toBe('inner\n');
});

it('npm --prefix means that folder, not the one in which the user is', () => {
  const [root, other] = [withScripts(), withScripts()];
  writeFileSync(join(other, 'pipeline.yaml'), 'stages: { other: { cmd: "true" } }\n');
  expect(npm(other, '--prefix', root, 'run', '-s', 'dag').stdout).toContain('make');
});
