// A project without params.yaml: it has no parameters, and works unless something asks for one.
import { symlink } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';

const pipeline = `stages:
  hello:
    cmd: echo '{"n":1}' > \${outs.m}
    metrics: { m: metrics.json }
`;

it('runs, and is up to date afterwards', async () => {
  const project = await Project.create({ 'pipeline.yaml': pipeline });
  expect((await project.repro()).summary).toMatchObject({ executed: ['hello'], failed: [] });
  expect((await project.repro()).summary).toMatchObject({ fresh: ['hello'], failed: [] });
  expect(await project.cli('status')).toMatchObject({ exitCode: 0 });
});

it('runs again once params.yaml has what a stage then names', async () => {
  const project = await Project.create({ 'pipeline.yaml': pipeline });
  await project.repro();
  await project.write('params.yaml', 'seed: 1\n');
  await project.edit('pipeline.yaml', '    metrics:', '    params: [seed]\n    metrics:');
  expect((await project.repro()).summary).toMatchObject({ executed: ['hello'], failed: [] });
  await project.remove('params.yaml');
  const { exitCode, stdout } = await project.cli('status');
  expect(stdout).toContain('There is no parameter `seed`: the project has no params.yaml.');
  expect(exitCode).toBe(2);
});

it.each([
  ['--set', 'seed=1'],
  ['--profile', 'small'],
])('says that %s has no parameters to change', async (option, value) => {
  const project = await Project.create({ 'pipeline.yaml': pipeline, 'profiles/small.yaml': 'seed: 1\n' });
  const { exitCode, stdout } = await project.cli('repro', option, value);
  expect(stdout).toBe(
    `error: \`${option}\` changes parameters, and this project has none: there is no params.yaml.
Write the parameters and their usual values to params.yaml.
`,
  );
  expect(exitCode).toBe(2);
});

it('says that a schema asks for parameters', async () => {
  const schema = "import { z } from 'zod';\nexport default z.object({ seed: z.number() });\n";
  const project = await Project.create({
    'pipeline.yaml': `params: schema.ts\n${pipeline}`,
    'schema.ts': schema,
  });
  const { exitCode, stdout } = await project.cli('repro');
  expect(stdout).toContain('error: params.yaml: There is no such file.\nThe schema that pipeline.yaml names');
  expect(exitCode).toBe(2);
});

it('still reports a params.yaml that leads nowhere', async () => {
  const project = await Project.create({ 'pipeline.yaml': pipeline });
  await symlink('elsewhere.yaml', project.path('params.yaml'));
  const { exitCode, stdout } = await project.cli('repro');
  expect(stdout).toContain('params.yaml: There is no such file.');
  expect(exitCode).toBe(2);
});

it('compares metrics without parameters and gates', async () => {
  const project = await Project.create({ 'pipeline.yaml': pipeline, '.gitignore': 'cache/\nnode_modules\n' });
  await project.repro();
  git(project, 'init', '-q', '-b', 'main');
  git(project, 'add', '.');
  git(project, 'commit', '-q', '-m', 'first');
  await project.edit('pipeline.yaml', '"n":1', '"n":2');
  await project.repro();
  const { exitCode, stdout, stderr } = await project.cli('compare');
  expect(`${stdout}${stderr}`).toContain('metrics');
  expect(exitCode).toBe(0);
});
