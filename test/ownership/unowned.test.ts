// What no run made at an output's path is never replaced without a word, and what was changed by hand is kept.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';

const files = {
  'pipeline.yaml': `
stages:
  make:
    cmd: echo \${word} > \${outs.text} && mkdir \${outs.tree} && echo \${word} > \${outs.tree}/1.txt
    outs: { text: out/text.txt, tree: out/tree }
  note:
    cmd: cat \${deps.text} > \${outs.note}
    deps: { text: out/text.txt }
    outs: { note: { path: note.txt, cache: false } }
`,
  'params.yaml': 'word: one\n',
};

/** Path → content of what was moved aside. */
function displaced(project: Project): Record<string, string> {
  const folder = project.path('cache/displaced');
  if (!existsSync(folder)) return {};
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    found.map((path) => [path.slice(folder.length + 1).replace(/^[^/]*\//, ''), readFileSync(path, 'utf8')]),
  );
}

describe('what no run made stops the stage', () => {
  it.each<[string, string, (project: Project) => Promise<void> | void]>([
    ['a file', 'out/text.txt', (project) => project.write('out/text.txt', 'mine\n')],
    ['an empty file', 'out/text.txt', (project) => project.write('out/text.txt', '')],
    ['a folder', 'out/tree', (project) => project.write('out/tree/in/mine.txt', 'mine\n')],
    [
      'a folder where a file is made',
      'out/text.txt',
      (project) => project.write('out/text.txt/mine.txt', 'mine\n'),
    ],
    ['a file where a folder is made', 'out/tree', (project) => project.write('out/tree', 'mine\n')],
    [
      'a symbolic link',
      'out/text.txt',
      (project) => symlinkSync('../params.yaml', project.path('out/text.txt')),
    ],
    [
      'a symbolic link that leads nowhere',
      'out/tree',
      (project) => symlinkSync('nowhere', project.path('out/tree')),
    ],
  ])('%s', async (_, path, put) => {
    const project = await Project.create(files);
    mkdirSync(project.path('out'));
    await put(project);
    const status = await project.cli('status');
    expect(status.exitCode).toBe(1);
    expect(status.stdout).toContain(`✖ make can't run: \`${path}\` exists, but no run made it.`);
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toBe(`✖ make failed. \`${path}\` exists, but no run made it; it was left as it is.
  Move it away. Or keep it as what \`make\` makes with \`rodada commit make\`, or replace it with \`rodada repro --force make\`, which moves it to cache/displaced.
  Skipped, because they need it: note
${stdout.split('\n').at(-2)}
`);
    expect(existsSync(project.path('cache/logs'))).toBe(false);
  });

  it('a file where the folder of an output belongs', async () => {
    const project = await Project.create({ ...files, out: 'mine\n' });
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✖ make failed. `out` exists, but no run made it');
    expect(await project.read('out')).toBe('mine\n');
  });

  it('also if the store has the result, and other stages go on with --keep-going', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': `${files['pipeline.yaml']}  other: { cmd: 'echo > \${outs.o}', outs: { o: o.txt } }\n`,
    });
    await project.repro();
    for (const path of ['pipeline.lock', 'cache/made.jsonl', 'o.txt']) await project.remove(path);
    await project.write('out/text.txt', 'mine\n');
    const { exitCode, summary, events } = await project.repro('--keep-going');
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({ failed: ['make'], skipped: ['note'], restored: ['other'] });
    expect(events).toContainEqual({
      type: 'failure',
      failure: { reason: 'unowned', stage: 'make', path: 'out/text.txt', skips: ['note'] },
    });
    expect(await project.read('out/text.txt')).toBe('mine\n');
  });

  it('also at the new path of an output, and under a new label', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.write('new.txt', 'mine\n');
    await project.edit('pipeline.yaml', 'note.txt', 'new.txt');
    expect((await project.cli('repro')).stdout).toContain(
      '✖ note failed. `new.txt` exists, but no run made it',
    );
    expect(await project.read('new.txt')).toBe('mine\n');
  });

  it('that was written while its command ran', async () => {
    const project = await Project.create(files);
    await project.edit('pipeline.yaml', 'cat ${deps.text}', 'echo mine > note.txt && cat ${deps.text}');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✖ note failed. `note.txt` exists, but no run made it');
    expect(await project.read('note.txt')).toBe('mine\n');
  });

  it('until it is moved, accepted or replaced', async () => {
    const one = await Project.create({ ...files, 'out/text.txt': 'mine\n' });
    expect((await one.repro()).exitCode).toBe(1);
    await one.remove('out/text.txt');
    expect((await one.repro()).summary.executed).toEqual(['make', 'note']);

    const other = await Project.create({ ...files, 'out/text.txt': 'mine\n', 'out/tree/1.txt': 'mine\n' });
    expect((await other.cli('commit', 'make')).exitCode).toBe(0);
    expect((await other.repro()).summary).toMatchObject({ executed: ['note'], fresh: ['make'] });
    expect(await other.read('note.txt')).toBe('mine\n');

    const third = await Project.create({
      ...files,
      'out/text.txt': 'mine\n',
      'out/tree/x/y.txt': 'mine, too\n',
    });
    const { exitCode, stdout } = await third.cli('repro', '--force', 'make');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /• make: `out\/text.txt` was there, but no run made it; it is now cache\/displaced\/\S+\/out\/text.txt\./,
    );
    expect(await third.read('out/text.txt')).toBe('one\n');
    expect(displaced(third)).toEqual({ 'out/text.txt': 'mine\n', 'out/tree/x/y.txt': 'mine, too\n' });
  });
});

describe('what a run made is replaced without a word', () => {
  it('after edits, renames, a lost lock or a lost store', async () => {
    const project = await Project.create(files);
    const next = async (...executed: string[]) => {
      const { summary } = await project.repro();
      expect(summary).toMatchObject({ executed, failed: [] });
    };
    await next('make', 'note');
    await project.write('params.yaml', 'word: two\n');
    await next('make', 'note');
    await project.edit('pipeline.yaml', '  make:', '  produce:');
    await project.write('params.yaml', 'word: three\n');
    await next('produce', 'note');
    await project.remove('pipeline.lock');
    await project.write('params.yaml', 'word: four\n');
    await next('produce', 'note');
    await project.remove('cache');
    await project.write('params.yaml', 'word: five\n');
    await next('produce', 'note');
    await project.remove('pipeline.lock');
    await project.remove('cache/made.jsonl'); // the records still tell, of what is not cached, too
    await project.write('params.yaml', 'word: six\n');
    await next('produce', 'note');
    expect(displaced(project)).toEqual({});
  });

  it('or what is empty', async () => {
    const project = await Project.create(files);
    mkdirSync(project.path('out/tree/nothing'), { recursive: true });
    expect((await project.repro()).exitCode).toBe(0);
  });

  it('in a clone that has the outputs and the lock, but no store', async () => {
    const project = await Project.create({ ...files, '.gitignore': '/cache\nnode_modules\n' });
    git(project, 'init', '-q', '-b', 'main');
    await project.repro();
    git(project, 'add', '-A');
    git(project, 'commit', '-q', '-m', 'Make');
    await project.remove('cache');
    await project.edit('pipeline.yaml', '  make:', '  produce:');
    await project.write('params.yaml', 'word: two\n');
    expect((await project.repro()).exitCode).toBe(0);
    expect(displaced(project)).toEqual({});
  });
});

describe('an output that was changed by hand', () => {
  it('is put right, and the version by hand is in cache/displaced', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.write('out/text.txt', 'by hand\n');
    await project.write('out/tree/2.txt', 'by hand, too\n');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /• make: `out\/text.txt` was changed by hand; that version is now cache\/displaced\/\S+\/out\/text.txt\.\n/,
    );
    expect(await project.read('out/text.txt')).toBe('one\n');
    expect(displaced(project)).toEqual({
      'out/text.txt': 'by hand\n',
      'out/tree/1.txt': 'one\n',
      'out/tree/2.txt': 'by hand, too\n',
    });
  });

  it('also if it is not cached, is a link now, or changed while its command ran', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.write('note.txt', 'by hand\n');
    await project.remove('out/text.txt');
    symlinkSync('../params.yaml', project.path('out/text.txt'));
    await project.edit('pipeline.yaml', 'cat ${deps.text}', 'echo at work > note.txt && cat ${deps.text}');
    expect((await project.repro()).exitCode).toBe(0);
    expect(displaced(project)).toEqual({ 'note.txt': 'at work\n' });
    expect(readFileSync(project.path('out/text.txt'), 'utf8')).toBe('one\n');
    expect(await project.read('params.yaml')).toBe('word: one\n');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
  });

  it('is not lost with checkout --force', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.write('out/text.txt', 'by hand\n');
    expect((await project.cli('checkout')).exitCode).toBe(1);
    const { stdout } = await project.cli('checkout', '--force', 'make');
    expect(stdout).toContain('make: `out/text.txt` was changed by hand');
    expect(displaced(project)).toEqual({ 'out/text.txt': 'by hand\n' });
  });
});
