// The commands as processes: exit codes, what goes to which stream, help and wrong options.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params } from './project.ts';

const file = 'metrics/cnn1/a.json';

async function study(): Promise<Project> {
  const project = await Project.repository();
  await project.write({ [file]: metrics(300), 'params.yaml': params(accuracyGate) });
  await project.commit();
  return project;
}

test('compare is 0 whatever differs, check is 1 on a regression, both are 2 without a baseline', async () => {
  const project = await study();
  await project.write({ [file]: metrics(240) });
  const compare = await project.rodada(['compare', '--json']);
  expect([compare.exitCode, compare.stderr]).toEqual([0, '']);
  expect(JSON.parse(compare.stdout).rows).toHaveLength(1);
  const check = await project.rodada(['check']);
  expect([check.exitCode, check.stderr]).toEqual([1, '']);
  expect(check.stdout).toMatch(/^✖ Failed: 1 regressed/);
  expect(check.stdout, 'colours are for terminals, also on CI').not.toContain('\u001b[');
  const lost = await project.rodada(['check', '--baseline', 'nowhere']);
  expect([lost.exitCode, lost.stderr]).toEqual([2, '']);
  expect(lost.stdout).toContain('There is no revision or folder `nowhere`.');
  const json = await project.rodada(['check', '--json', '--baseline', 'nowhere']);
  expect([json.exitCode, json.stderr]).toEqual([2, '']);
  expect(JSON.parse(json.stdout)).toMatchObject({ type: 'failure', failure: { reason: 'usage' } });
});

test('help names the exit codes, what the verdicts mean and examples', async () => {
  const project = await study();
  const { exitCode, stdout } = await project.rodada(['check', '--help']);
  expect(exitCode).toBe(0);
  for (const said of ['Examples:', 'Exit code: 0', 'docs/statistics.md', '(default: "main")'])
    expect(stdout).toContain(said);
});

test('a format that there is not is exit code 2', async () => {
  const project = await study();
  const { exitCode, stderr } = await project.rodada(['compare', '--format', 'xml']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('Allowed choices are table, md, csv.');
});

test('without git a folder still serves as baseline', async () => {
  const project = await study();
  const revision = await project.rodada(['compare'], { PATH: project.folder });
  expect([revision.exitCode, revision.stdout]).toEqual([
    2,
    'error: There is no `git` on the PATH to look up a revision with.\n' +
      'Install git, or compare with a folder: `--baseline ../other-checkout`.',
  ]);
  const folder = await project.rodada(['compare', '--baseline', '.'], { PATH: project.folder });
  expect([folder.exitCode, folder.stderr]).toEqual([0, '']);
});
