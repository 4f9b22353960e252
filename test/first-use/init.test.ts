// `rodada init`: a project that runs at once, and nothing of the user's is overwritten.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { Project, pathWithRodada } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

/** What the user has before `init`. */
const create = (files: Record<string, string> = {}): Promise<Project> => Project.create(files);

const namesIn = (project: Project, folder = '.'): string[] =>
  readdirSync(project.path(folder))
    .filter((name) => name !== 'node_modules')
    .sort();

async function expectToRun(project: Project, folder = '.'): Promise<void> {
  const first = await project.cliIn(folder, 'repro', '--jobs', '1');
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toContain('✔ 2 executed, 0 restored, 0 fresh');
  expect(first.stdout).not.toContain('•'); // no warning, no note
  expect(await project.cliIn(folder, 'status')).toMatchObject({ exitCode: 0 });
}

it('makes a project that runs, is fresh, and runs again after an edit of its parameter', async () => {
  const project = await create();
  const { exitCode, stdout, stderr } = await project.cli('init');
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`✔ example/numbers.txt
✔ params.yaml
✔ .gitignore
✔ pipeline.yaml

Next:
  rodada repro   runs both stages
  rodada status  says that nothing is left to do
Then change \`least\` in params.yaml, and repeat \`rodada repro\`.
`);
  expect(namesIn(project)).toEqual(['.gitignore', 'example', 'params.yaml', 'pipeline.yaml']);
  await expectToRun(project);
  expect(JSON.parse(await project.read('example/summary.json'))).toEqual({ count: 4, sum: 90 });
  await project.edit('params.yaml', 'least: 10', 'least: 20');
  expect((await project.repro()).summary).toMatchObject({ executed: ['select', 'summary'], failed: [] });
  expect(JSON.parse(await project.read('example/summary.json'))).toEqual({ count: 2, sum: 61 });
  await project.edit('params.yaml', 'least: 20', 'least: 10');
  expect((await project.repro()).summary).toMatchObject({ restored: ['select', 'summary'] });
});

it('writes a pipeline.yaml that editors check against the schema, of the rodada in node_modules if there is one', async () => {
  const project = await create();
  await project.cli('init');
  const text = await project.read('pipeline.yaml');
  const [, schema] = /^# yaml-language-server: \$schema=(.*)\n/.exec(text)!;
  expect(JSON.parse(readFileSync(schema!, 'utf8'))).toHaveProperty('$schema');
  expect(parse(text)).toMatchObject({ shell: 'bash -euo pipefail' });
  await project.write('new/node_modules/rodada/schema/pipeline.schema.json', '{}');
  await project.cli('init', 'new');
  expect(await project.read('new/pipeline.yaml')).toMatch(
    /^# yaml-language-server: \$schema=node_modules\/rodada\/schema\/pipeline\.schema\.json\n/,
  );
});

it('chooses sh where there is no bash', async () => {
  const project = await create({ 'bin/x': '' });
  for (const program of ['sh', 'mkdir'])
    symlinkSync(
      execFileSync('which', [program], { encoding: 'utf8' }).trim(),
      project.path(`bin/${program}`),
    );
  const env = { PATH: project.path('bin') };
  expect(await project.cliWith(env, 'init')).toMatchObject({ exitCode: 0 });
  expect(await project.read('pipeline.yaml')).toContain('\nshell: sh -eu\n');
  expect(await project.cliWith(env, 'repro')).toMatchObject({ exitCode: 0 });
  expect(await project.cliWith(env, 'status')).toMatchObject({ exitCode: 0 });
});

it('makes the folder that is its argument, and says how to get there', async () => {
  const project = await create({ 'sub/x': '' });
  const { exitCode, stdout } = await project.cliIn('sub', 'init', '../a new/project');
  expect(exitCode).toBe(0);
  expect(stdout).toContain("Next:\n  cd '../a new/project'\n  rodada repro   runs both stages\n");
  const typed = `${/cd .*/.exec(stdout)![0]} && rodada repro && rodada status`;
  const env = { ...process.env, PATH: pathWithRodada };
  expect(spawnSync('sh', ['-c', typed], { cwd: project.path('sub'), env }).status).toBe(0);
  expect(namesIn(project, 'sub')).toEqual(['x']);
});

it('leaves a project as it is, with exit code 1', async () => {
  const project = await create({ 'pipeline.yaml': 'stages: {}\n' });
  const { exitCode, stdout, stderr } = await project.cli('init');
  expect([exitCode, stdout]).toEqual([1, '']);
  const path = join(realpathSync(project.root), 'pipeline.yaml');
  expect(stderr).toBe(
    `error: ${path} exists; this is a project already.\nNothing was changed. \`rodada status\` says what there is to do.\n`,
  );
  expect(namesIn(project)).toEqual(['pipeline.yaml']);
  expect(await project.read('pipeline.yaml')).toBe('stages: {}\n');
});

it('does not replace a pipeline.yaml that is a link leading nowhere', async () => {
  const project = await create();
  symlinkSync('elsewhere.yaml', project.path('pipeline.yaml'));
  expect(await project.cli('init')).toMatchObject({ exitCode: 1 });
  expect(namesIn(project)).toEqual(['pipeline.yaml']);
});

it('works beside files of the user, and keeps them', async () => {
  const mine = {
    'params.yaml': 'rate: 0.1\n',
    'example/numbers.txt': 'not a number\n',
    'example-2': 'a file\n',
    'data/selected.txt': 'mine\n',
  };
  const project = await create(mine);
  const { exitCode, stdout } = await project.cli('init');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('• params.yaml exists and stays as it is\n');
  expect(stdout).toContain('Then change `least` in pipeline.yaml');
  for (const [path, text] of Object.entries(mine)) expect(await project.read(path)).toBe(text);
  const { summary } = await project.repro();
  expect(summary).toMatchObject({ executed: ['select', 'summary'], failed: [] });
  expect(await project.cli('status')).toMatchObject({ exitCode: 0 });
  await project.edit('pipeline.yaml', 'least: 10', 'least: 20');
  expect((await project.repro()).summary).toMatchObject({ executed: ['select', 'summary'] });
  for (const [path, text] of Object.entries(mine)) expect(await project.read(path)).toBe(text);
});

it.each([
  ['a .gitignore without a last line end', '*.log', '*.log\n/cache/\n'],
  ['one with the line', '# mine\ncache/\n', '# mine\ncache/\n'],
  ['one that is written on Windows', '*.log\r\n', '*.log\r\n/cache/\r\n'],
  ['an empty one', '', '/cache/\n'],
])('adds to %s what is missing', async (_, before, after) => {
  const project = await create({ 'work/.gitignore': before });
  const { stdout } = await project.cli('init', 'work');
  expect(await project.read('work/.gitignore')).toBe(after);
  expect(stdout.includes('✔ .gitignore')).toBe(before !== after);
});

it('ignores node_modules in a project with packages', async () => {
  const project = await create({ 'package.json': '{}', '.gitignore': 'dist/\n' });
  expect((await project.cli('init')).stdout).toContain('✔ .gitignore: added node_modules/ /cache/\n');
  expect(await project.read('.gitignore')).toBe('dist/\nnode_modules/\n/cache/\n');
});

it('in a git repository, leaves nothing to commit after a repro that changes nothing', async () => {
  const project = await create({ '.gitignore': 'node_modules\n' });
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: project.root,
      encoding: 'utf8',
    });
  git('init', '-q', '-b', 'main');
  await project.cli('init');
  await expectToRun(project);
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  await expect(project.repro('--force')).resolves.toMatchObject({ exitCode: 0 });
  expect(git('status', '--porcelain')).toBe('');
  await project.edit('params.yaml', 'least: 10', 'least: 20');
  await project.repro();
  const { exitCode, stdout } = await project.cli('compare');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('select.least');
  const { stdout: all } = await project.cli('compare', '--all');
  expect(all).toMatch(/ sum +90 +61 /);
});

it('says that a new project lies inside another', async () => {
  const project = await create({ 'pipeline.yaml': 'stages: { outer: { cmd: "true" } }\n', 'sub/x': '' });
  const { exitCode, stdout } = await project.cliIn('sub', 'init');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`• This folder is inside the project ${realpathSync(project.root)}. Here,`);
  await expectToRun(project, 'sub');
});

it.each([
  ['a file', 'file'],
  ['below a file', 'file/new'],
])('says that its folder is %s', async (_, folder) => {
  const project = await create({ file: 'mine\n' });
  const { exitCode, stderr } = await project.cli('init', folder);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error: .*is a file, but must be a folder\..*\n$/);
  expect(await project.read('file')).toBe('mine\n');
});

const isRoot = process.getuid?.() === 0;

it.skipIf(!isRoot)('says that a user may not write there, and leaves no half of a project', async () => {
  const project = await create({ 'locked/x': '' });
  chmodSync(project.root, 0o755);
  const engine = join(projectRoot, 'engine/rodada.mjs');
  const { status, stderr } = spawnSync(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, engine, 'init'],
    {
      cwd: project.path('locked'),
      encoding: 'utf8',
      env: {
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        HOME: project.path('home'),
      },
    },
  );
  expect(stderr).toMatch(/^error: .*permission denied\.\n$/);
  expect(status).toBe(1);
  expect(existsSync(project.path('locked/pipeline.yaml'))).toBe(false);
});

it('shows an example in its help', async () => {
  const project = await create();
  const { exitCode, stdout } = await project.cli('init', '--help');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Usage: rodada init [options] [folder]\n');
  expect(stdout).toContain('\nExamples:\n  $ rodada init        in the current folder\n');
});
