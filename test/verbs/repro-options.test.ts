// The options of repro that choose what runs, and the plan that --dry prints.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { all, jsonLines, textProject } from './text-project.ts';

describe('repro --dry', () => {
  it('knows what never ran, changes nothing, and says what is not known yet', async () => {
    const project = await Project.create(textProject);
    const { exitCode, stdout } = await project.cli('repro', '--dry');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`▶ upper would run (not in pipeline.lock yet)
? words may run, its inputs are not known yet (not in pipeline.lock yet; after upper)
? count:c may run, its inputs are not known yet (not in pipeline.lock yet; after words)
? count:w may run, its inputs are not known yet (not in pipeline.lock yet; after words)
? total may run, its inputs are not known yet (not in pipeline.lock yet; after count:c, count:w)
▶ side would run (not in pipeline.lock yet)
2 would run, 4 may run, 0 fresh
`);
    expect(existsSync(project.path('out'))).toBe(false);
    expect(existsSync(project.path('pipeline.lock'))).toBe(false);
  });

  it('says that nothing is to be done', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    expect((await project.cli('repro', '--dry')).stdout).toBe('✔ Nothing to do: all 6 stages are fresh\n');
    expect((await project.cli('repro', '--dry', 'upper')).stdout).toBe(
      '✔ Nothing to do: the stage is fresh\n',
    );
  });

  it('foretells exactly what repro then does, through outs that will be restored', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.write('text.txt', 'c d e\n');
    await project.repro();
    await project.write('text.txt', 'a b a\n');
    await project.edit('params.yaml', 'w: 1', 'w: 3');
    await project.remove('out');
    const lines = jsonLines((await project.cli('repro', '--dry', '--json')).stdout);
    const outlook = lines.at(-1);
    // upper, words and count:c come out of the store, so that the inputs of count:w are known though they stand nowhere.
    expect(outlook).toEqual({
      type: 'outlook',
      run: ['count:w'],
      restore: ['upper', 'words', 'count:c', 'side'],
      mayRun: ['total'],
      blocked: [],
      fresh: [],
    });
    expect(lines).toContainEqual({
      type: 'forecast',
      stage: 'count:w',
      action: 'run',
      reasons: [
        { what: 'param', name: 'by.w', old: 1, new: 3 },
        { what: 'dep', path: 'out/words.txt', change: 'changed' },
        { what: 'out', path: 'out/count-w', state: 'missing' },
      ],
    });
    const { summary } = await project.repro();
    expect(summary.restored).toEqual(['upper', 'words', 'count:c', 'side']);
    expect(summary.executed).toEqual(['count:w', 'total']);
  });

  it('takes a part of a directory that will be restored from its manifest', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:
  make: { cmd: 'mkdir -p \${outs.d}/in && cp \${deps.a} \${outs.d}/in/a && echo b > \${outs.d}/b', deps: { a: a.txt }, outs: { d: dir } }
  part: { cmd: 'cat \${deps.b} > \${outs.o}', deps: { b: dir/b }, outs: { o: part.txt } }
  folder: { cmd: 'cat \${deps.in}/a > \${outs.o}', deps: { in: dir/in }, outs: { o: folder.txt } }
`,
      'params.yaml': '',
      'a.txt': 'one\n',
    });
    await project.repro();
    await project.write('a.txt', 'two\n');
    await project.repro();
    await project.write('a.txt', 'one\n');
    await project.remove('dir');
    const outlook = jsonLines((await project.cli('repro', '--dry', '--json')).stdout).at(-1);
    expect(outlook).toMatchObject({ restore: ['make', 'folder'], fresh: ['part'], run: [], mayRun: [] });
    expect((await project.repro()).summary).toMatchObject({ restored: ['make', 'folder'], fresh: ['part'] });
  });

  it('says what blocks a stage', async () => {
    const project = await Project.create(textProject);
    const { stdout } = await project.cli('repro', '--dry', '--single-item', 'words');
    expect(stdout).toBe(
      "✖ words can't run: Its dependency `out/upper.txt` does not exist.\n1 can't run, 0 fresh\n",
    );
  });

  it('goes with --force, --downstream and --no-restore', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    expect((await project.cli('repro', '--dry', '--force', '--downstream', 'count:w')).stdout).toBe(
      '▶ count:w would run (forced)\n▶ total would run (forced)\n2 would run, 0 fresh\n',
    );
    await project.remove('out/side.txt');
    expect((await project.cli('repro', '--dry', 'side')).stdout).toContain('↺ side would be restored');
    expect((await project.cli('repro', '--dry', '--no-restore', 'side')).stdout).toBe(
      '▶ side would run (out/side.txt is missing)\n1 would run, 0 fresh\n',
    );
  });
});

describe('repro', () => {
  it('runs only the targets with --single-item', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.write('text.txt', 'x\n');
    await project.edit('params.yaml', 'w: 1', 'w: 3');
    const { summary } = await project.repro('--single-item', 'count:w');
    expect(summary).toMatchObject({ executed: ['count:w'], restored: [], fresh: [] });
    expect(await project.read('out/count-w')).toBe('12\n'); // of the words that stood there
    expect((await project.repro()).summary.executed).toEqual([
      'upper',
      'words',
      'count:c',
      'count:w',
      'total',
    ]);
    expect(await project.read('total/total.txt')).toBe('4\n6\n');
  });

  it('runs the targets and what depends on them with --downstream', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.write('text.txt', 'x\n');
    await project.edit('params.yaml', 'w: 1', 'w: 3');
    const { summary } = await project.repro('--downstream', 'count:w');
    expect(summary).toMatchObject({ executed: ['count:w', 'total'], restored: [], fresh: [] });
  });

  it('does not take --single-item and --downstream together', async () => {
    const project = await Project.create(textProject);
    const { exitCode, stderr } = await project.cli('repro', '--single-item', '--downstream', 'words');
    expect(exitCode).toBe(2);
    expect(stderr).toContain("option '--single-item' cannot be used with option '--downstream'");
  });

  it('runs what the store has with --no-restore', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    await project.remove('out/words.txt');
    const { summary } = await project.repro('--no-restore');
    expect(summary).toMatchObject({
      executed: ['words'],
      restored: [],
      fresh: all.filter((name) => name !== 'words'),
    });
  });
});
