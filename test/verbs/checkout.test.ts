// `checkout` and `commit`: outs from the store without running anything, and outs made by hand into it.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';
import { all, jsonLines, textProject } from './text-project.ts';

/** A repository with a tag `one` for the first text and a second commit for another. */
async function repository(): Promise<Project> {
  const project = await Project.create(textProject);
  git(project, 'init', '-q', '-b', 'main');
  await project.repro();
  git(project, 'add', '-A');
  git(project, 'commit', '-q', '-m', 'one');
  git(project, 'tag', 'one');
  await project.write('text.txt', 'c d e\n');
  await project.repro();
  git(project, 'commit', '-q', '-a', '-m', 'two');
  return project;
}

describe('checkout', () => {
  it('brings back what pipeline.lock says, and nothing else runs', async () => {
    const project = await repository();
    for (const path of ['out', 'total']) await project.remove(path);
    const { exitCode, stdout } = await project.cli('checkout');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`↺ out/count-c count:c
↺ out/count-w count:w
↺ out/side.txt side
↺ total total
↺ out/upper.txt upper
↺ out/words.txt words
✔ 6 outs checked out, 0 as they were
`);
    expect(await project.read('out/words.txt')).toBe('C\nD\nE\n');
    expect((await project.cli('status')).exitCode).toBe(0);
    expect((await project.cli('checkout')).stdout).toBe('✔ 0 outs checked out, 6 as they were\n');
  });

  it('follows a change of branch', async () => {
    const project = await repository();
    git(project, 'switch', '-q', '--detach', 'one');
    const last = jsonLines((await project.cli('checkout', '--json')).stdout).at(-1);
    // words of `a b a` and of `c d e` are other files; the counts, of two and three words, too.
    expect(last).toEqual({ type: 'checkout', checkedOut: 5, kept: 1, failures: 0 });
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [], fresh: all });
  });

  it('takes the outs of another revision, so that the lock says what the workspace holds', async () => {
    const project = await repository();
    const { exitCode, stdout } = await project.cli('checkout', '--rev', 'one', 'words', 'upper');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('✔ 2 outs checked out, 0 as they were');
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    // The text is the second one: repro knows that upper is of another text, and restores.
    expect((await project.cli('why', 'upper')).stdout).toContain('text.txt changed');
    expect((await project.repro()).summary.restored).toEqual(['upper', 'words']);
    expect(await project.read('out/words.txt')).toBe('C\nD\nE\n');
    await project.cli('checkout', '--rev', 'one');
    await project.cli('checkout', '--rev', 'HEAD');
    expect(git(project, 'status', '--porcelain')).toBe('');
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('never overwrites what was changed by hand, but with --force', async () => {
    const project = await repository();
    await project.write('out/words.txt', 'by hand\n');
    await project.remove('out/upper.txt');
    const { exitCode, stdout } = await project.cli('checkout');
    expect(exitCode).toBe(1);
    expect(stdout).toBe(`↺ out/upper.txt upper
error: \`out/words.txt\` of words holds what neither the store nor pipeline.lock knows; it was left as it is.
Keep it with \`rodada commit words\` or a copy, or overwrite it with \`--force\`.
✖ 1 out checked out, 4 as they were, 1 left
`);
    expect(await project.read('out/words.txt')).toBe('by hand\n');
    expect((await project.cli('checkout', '--force', 'words')).exitCode).toBe(0);
    expect(await project.read('out/words.txt')).toBe('C\nD\nE\n');
  });

  it('puts back into the store what only the workspace had left', async () => {
    const project = await repository();
    await project.cli('checkout', '--rev', 'one');
    // The store loses the object of the words that stand there.
    const { hash } = await lockedOut(project, 'out/words.txt');
    const object = project.path(`cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`);
    rmSync(object);
    await project.cli('checkout', '--rev', 'HEAD');
    expect(await project.read('out/words.txt')).toBe('C\nD\nE\n');
    expect(existsSync(object)).toBe(true);
    expect((await project.cli('checkout', '--rev', 'one')).exitCode).toBe(0);
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
  });

  it('names what the store does not have, and what is damaged, and brings the rest', async () => {
    const project = await repository();
    const { hash: sideHash } = await lockedOut(project, 'out/side.txt');
    await project.write(`cache/objects/${sideHash.slice(0, 2)}/${sideHash.slice(2)}`, 'SIDE\n');
    const { hash: words } = await lockedOut(project, 'out/words.txt');
    await project.remove(`cache/objects/${words.slice(0, 2)}/${words.slice(2)}`);
    await project.remove('out');
    const { exitCode, stdout } = await project.cli('checkout');
    expect(exitCode).toBe(1);
    expect(
      stdout,
    ).toContain(`error: \`out/side.txt\` of side is damaged in the store; the object was moved to cache/quarantine.
Make it with \`rodada repro side\`, or copy the store (cache/) from where it was made.
`);
    expect(stdout).toContain('error: `out/words.txt` of words is not in the store.\n');
    expect(stdout).toContain('✖ 3 outs checked out, 1 as they were, 2 left');
    expect(readdirSync(project.path('cache/quarantine'))).toEqual([sideHash]);
    expect(readdirSync(project.path('out')).sort()).toEqual(['count-c', 'count-w', 'upper.txt']);
  });

  it('refuses a lock that leads out of the project', async () => {
    const project = await repository();
    await project.edit('pipeline.lock', '{ "out/side.txt": ', '{ "../side.txt": ');
    await project.remove('out/side.txt');
    const { exitCode, stdout } = await project.cli('checkout', 'side');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('The out `../side.txt` lies outside the project.');
    expect(existsSync(join(project.root, '..', 'side.txt'))).toBe(false);
  });

  it('says what there is instead of an unknown stage or revision', async () => {
    const project = await repository();
    expect(await project.cli('checkout', 'wrds')).toMatchObject({
      exitCode: 2,
      stdout: 'error: pipeline.lock has no stage `wrds`.\nDid you mean `words`?\n',
    });
    expect(await project.cli('checkout', '--rev', 'mian')).toMatchObject({
      exitCode: 2,
      stdout: 'error: There is no revision `mian`.\nDid you mean `main`?\n',
    });
    git(project, 'rm', '-q', '--cached', 'pipeline.lock');
    git(project, 'commit', '-q', '-m', 'without lock');
    expect((await project.cli('checkout', '--rev', 'HEAD')).stdout).toBe(
      'error: There is no pipeline.lock at `HEAD`.\nName a revision that was committed after a repro.\n',
    );
  });
});

it('checks out nothing where there is no lock', async () => {
  const project = await Project.create({ 'pipeline.yaml': 'stages: {}\n' });
  expect(await project.cli('checkout')).toMatchObject({
    exitCode: 2,
    stdout:
      'error: pipeline.lock: There is no such file: nothing says what to check out.\nRun `rodada repro`, or name a revision that has one with `--rev`.\n',
  });
  expect(existsSync(project.path('cache'))).toBe(false);
});

describe('commit', () => {
  it('accepts an out made by hand, which is then restored wherever the inputs are the same', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.write('out/words.txt', 'by hand\n');
    const { exitCode, stdout } = await project.cli('commit', 'words');
    expect(exitCode).toBe(0);
    expect(stdout).toBe('✔ words accepted\n✔ 1 stage accepted, 0 fresh\n');
    expect((await project.repro()).summary).toMatchObject({ executed: ['count:c', 'count:w', 'total'] });
    expect(await project.read('out/count-c')).toBe('16\n');
    await project.remove('out/words.txt');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['words'] });
    expect(await project.read('out/words.txt')).toBe('by hand\n');
    expect((await project.cli('why', 'words')).stdout).toMatch(/, outs accepted \d{4}-\S+Z\n$/);
    await project.repro('--force', '--single-item', 'words');
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
  });

  it('accepts all that a change of code would run again', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.edit('lib/scale.mjs', 'n * by', 'by * n');
    expect((await project.cli('commit')).stdout).toBe(
      '✔ count:c accepted\n✔ count:w accepted\n✔ 2 stages accepted, 4 fresh\n',
    );
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [], fresh: all });
  });

  it('needs something to accept', async () => {
    const project = await Project.create(textProject);
    await project.write('out/upper.txt', 'X\n');
    const { exitCode, stdout } = await project.cli('commit', 'upper', 'words', 'count:c');
    expect(exitCode).toBe(1);
    expect(stdout).toBe(`✔ upper accepted
✖ words failed. There is nothing to accept at \`out/words.txt\`.
✖ count:c failed. Its dependency \`out/words.txt\` does not exist.
✖ 1 stage accepted, 0 fresh, 2 failed
`);
    expect((await project.repro('upper')).summary).toMatchObject({ fresh: ['upper'] });
  });
});
