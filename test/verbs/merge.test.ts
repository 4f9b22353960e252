// pipeline.lock in git: edits of different stages merge by themselves; a conflict is said, and healed without executing.
import { expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';

const names = ['a', 'b', 'c'];
const files = {
  'pipeline.yaml': `stages:\n${names
    .map(
      (name) =>
        `  ${name}: { cmd: 'echo run >> .git/ran-${name}; cp \${deps.in} \${outs.out}', deps: { in: in/${name}.txt }, outs: { out: out/${name}.txt } }\n`,
    )
    .join('')}`,
  'params.yaml': '',
  '.gitignore': 'cache/\nout/\nnode_modules\n',
  ...Object.fromEntries(names.map((name) => [`in/${name}.txt`, `${name} 1\n`])),
};

/** A project with a branch for each of `edits`, a stage's new input and what was made of it; all were made here. */
async function branched(
  edits: Readonly<Record<string, readonly [name: string, text: string]>>,
): Promise<Project> {
  const project = await Project.create(files);
  git(project, 'init', '-q', '-b', 'main'); // its folder also counts the runs: what is in there is no file of the project
  await project.repro();
  git(project, 'add', '-A');
  git(project, 'commit', '-q', '-m', 'one');
  for (const [branch, [name, text]] of Object.entries(edits)) {
    git(project, 'switch', '-q', '-c', branch, 'main');
    await project.write(`in/${name}.txt`, text);
    await project.repro();
    git(project, 'commit', '-q', '-a', '-m', branch);
  }
  return project;
}

it('edits of two stages merge by themselves', async () => {
  const project = await branched({ left: ['a', 'a 2\n'], right: ['b', 'b 2\n'] });
  git(project, 'merge', '-q', '-m', 'both', 'left');
  const status = await project.cli('status');
  expect(status.stdout).toBe('↺ a would be restored (out/a.txt is edited)\n1 would be restored, 2 fresh\n');
  expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['a'], fresh: ['b', 'c'] });
  expect([await project.read('out/a.txt'), await project.read('out/b.txt')]).toEqual(['a 2\n', 'b 2\n']);
  expect(git(project, 'status', '--porcelain')).toBe('');
});

it('of edits of one stage the conflict is said, and its block rebuilt without executing', async () => {
  const project = await branched({ left: ['b', 'b left\n'], right: ['b', 'b right\n'] });
  const lock = await project.read('pipeline.lock');
  expect(() => git(project, 'merge', 'left')).toThrow();
  git(project, 'checkout', '--ours', 'in/b.txt');
  const conflict = (await project.read('pipeline.lock')).split('\n');
  const line =
    conflict.lastIndexOf(
      '{',
      conflict.findIndex((text) => text.startsWith('<<<<<<<')),
    ) + 1;
  const damaged = `• pipeline.lock has a damaged block at line ${line}`;

  const status = await project.cli('status');
  expect(status.exitCode).toBe(1);
  expect(status.stdout).toBe(
    `${damaged}: as good as absent until the next repro.\n↺ b would be restored (not in pipeline.lock yet)\n1 would be restored, 2 fresh\n`,
  );
  for (const args of [
    ['why', 'b'],
    ['repro', '--dry'],
  ])
    expect((await project.cli(...args)).stdout.startsWith(damaged)).toBe(true);
  // What it needs can't be told from it.
  expect((await project.cli('gc')).exitCode).toBe(2);

  const { stdout, exitCode } = await project.cli('repro');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    `${damaged}, rebuilt by this run.\n↺ b restored (not in pipeline.lock yet)\n✔ 0 executed, 1 restored, 2 fresh`,
  );
  expect(await project.read('pipeline.lock')).toBe(lock);
  expect(await project.read('.git/ran-b')).toBe('run\n'.repeat(3)); // before the merge: main, left and right

  // The other side's result was made here, too.
  git(project, 'checkout', '--theirs', 'in/b.txt');
  expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['b'] });
  expect(await project.read('out/b.txt')).toBe('b left\n');
});
