// What compare and check say when there is nothing to compare: exit code 2 and the next step.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params } from './project.ts';

const file = 'metrics/cnn1/a.json';

const study = async (): Promise<Project> =>
  (await Project.repository()).write({ [file]: metrics(300), 'params.yaml': params(accuracyGate) });

/** Both commands fail alike; gives what they say. */
async function refused(project: Project, ...args: string[]): Promise<string> {
  const compare = await project.rodada(['compare', ...args]);
  const check = await project.rodada(['check', ...args]);
  expect([compare.exitCode, check.exitCode]).toEqual([2, 2]);
  expect(check.stdout).toBe(compare.stdout);
  expect([compare.stderr, check.stderr]).toEqual(['', '']);
  return compare.stdout;
}

test('an unknown revision names the nearest that exists', async () => {
  const project = await study();
  await project.commit();
  expect(await refused(project, '--baseline', 'mian')).toBe(
    'error: There is no revision or folder `mian`.\nDid you mean `main`?',
  );
  expect(await refused(project, '--baseline', 'something-else')).toBe(
    'error: There is no revision or folder `something-else`.\nName a branch, tag, commit or folder with --baseline.',
  );
  expect(await refused(project, '--baseline', '--upload-pack=x')).toContain('There is no revision or folder');
});

test('a folder that does not exist', async () => {
  const project = await study();
  await project.commit();
  expect(await refused(project, '--baseline', './nowhere')).toBe(
    'error: There is no folder `./nowhere` to compare with.\nGive the path of another checkout, or of a folder with `metrics/` in it.',
  );
});

test('an empty name, as of an unset variable, is not taken for this folder', async () => {
  const project = await study();
  await project.commit();
  expect(await refused(project, '--baseline', '')).toBe(
    'error: --baseline is empty.\nName a branch, tag, commit or folder.',
  );
});

test('a folder that is in no git repository', async () => {
  const project = await Project.folder();
  await project.write({ [file]: metrics(300), 'params.yaml': params(accuracyGate) });
  expect(await refused(project)).toMatch(
    /^error: There is no git repository to take a revision from: not a git repository .*\nRun `git init` and commit, or compare with a folder: `--baseline \.\.\/other-checkout`\.$/,
  );
});

test('a repository without a commit', async () => {
  const project = await study();
  expect(await refused(project)).toBe(
    'error: There is no revision or folder `main`: this repository has no commit yet.\nCommit first, or compare with a folder: `--baseline ../other-checkout`.',
  );
});

test('a baseline without metrics, and a workspace without', async () => {
  const project = await Project.repository();
  await project.write({ 'params.yaml': params(accuracyGate) });
  const hash = await project.commit();
  await project.write({ [file]: metrics(300) });
  expect(await refused(project)).toMatch(
    new RegExp(
      `^error: There is no metrics file \\(metrics/\\*\\*/\\*\\.json\\) in main \\(${hash.slice(0, 8)}\\)\\.\nRun \`.* repro\` there and commit metrics/, or name another version with --baseline\\.$`,
    ),
  );
  await project.commit();
  await project.remove('metrics');
  expect(await refused(project)).toMatch(
    /^error: There is no metrics file \(metrics\/\*\*\/\*\.json\) in the workspace\.\nRun `.* repro` to make them\.$/,
  );
});

test('a gate that is none is shown in its line', async () => {
  const project = await study();
  await project.commit();
  await project.write({
    'params.yaml': 'gates:\n  - { metric: accuracy, better: higher, tolerance: 0.1 }\n',
  });
  const said = await refused(project);
  expect(said).toContain('params.yaml:2:15');
  expect(said).toContain('a pattern PATH:KEY such as **:accuracy');
});

test('check without gates', async () => {
  const project = await study();
  await project.write({ 'params.yaml': 'seed: 20\n' });
  await project.commit();
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(2);
  expect(stdout).toContain('params.yaml has no gates to check by.');
});

test('a shallow clone of another branch says how to fetch main; then origin/main is used, and said', async () => {
  const upstream = await study();
  const hash = await upstream.commit();
  await upstream.git('checkout', '-q', '-b', 'topic');
  await upstream.write({ [file]: metrics(310) });
  await upstream.commit();
  const clone = await Project.folder('clone');
  await clone.git('clone', '-q', '--depth=1', '--branch', 'topic', `file://${upstream.folder}`, '.');
  const said = await refused(clone);
  expect(said).toBe(
    'error: There is no revision or folder `main` in this shallow clone.\nRun `git fetch --depth=1 origin main:refs/remotes/origin/main`.',
  );
  const [, command] = /`git (fetch [^`]*)`/.exec(said)!;
  await clone.git(...command!.split(' '));
  const { exitCode, stdout } = await clone.rodada(['check']);
  expect(stdout.split('\n')[0]).toBe(
    `✔ Passed (1 gate, 1 metric of the workspace against origin/main (${hash.slice(0, 8)}), as there is no local main).`,
  );
  expect(exitCode).toBe(0);
});

test('a shallow clone of one commit names the command that fetches the commit before', async () => {
  const upstream = await study();
  await upstream.commit();
  await upstream.write({ [file]: metrics(310) });
  await upstream.commit();
  const clone = await Project.folder('clone');
  await clone.git('clone', '-q', '--depth=1', `file://${upstream.folder}`, '.');
  const said = await refused(clone, '--baseline', 'HEAD~1');
  const [, command] = /`git (fetch [^`]*)`/.exec(said)!;
  await clone.git(...command!.split(' '));
  expect((await clone.rodada(['check', '--baseline', 'HEAD~1'])).exitCode).toBe(0);
});
