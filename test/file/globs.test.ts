// Dependencies by pattern: files on disk and outs of the plan, in one order everywhere.
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const files = {
  'pipeline.yaml': `
stages:
  make:
    matrix: { n: [1, 2] }
    cmd: echo made \${n} > \${outs.o}
    outs: { o: 'texts/made-\${n}.txt' }
  join:
    cmd: cat \${lists.texts} > \${outs.all}
    deps: { texts: texts/*.txt }
    outs: { all: all.txt }
`,
  'params.yaml': '',
  'texts/b.txt': 'b\n',
  'texts/Z.txt': 'Z\n',
  'texts/ä.txt': 'ä\n',
  'texts/c.md': 'c\n',
  'texts/.hidden.txt': 'hidden\n',
};

describe('a glob', () => {
  it('is its files and the outs that it matches, by code unit', async () => {
    const project = await Project.create(files);
    expect((await project.repro()).summary.executed).toEqual(['make:1', 'make:2', 'join']);
    expect(await project.read('all.txt')).toBe('Z\nb\nmade 1\nmade 2\nä\n');
    expect((await project.repro()).summary.executed).toEqual([]);
    await project.write('texts/a.txt', 'a\n');
    const { events } = await project.repro();
    expect(events).toContainEqual(
      expect.objectContaining({
        stage: 'join',
        reasons: [{ what: 'dep', path: 'texts/a.txt', change: 'added' }],
      }),
    );
    expect(await project.read('all.txt')).toBe('Z\na\nb\nmade 1\nmade 2\nä\n');
    await project.remove('texts/a.txt');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['join'] });
  });

  it('waits for the outs that it matches before they exist', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace('*.txt', 'made-?.txt'),
    });
    await project.repro('join');
    expect(await project.read('all.txt')).toBe('made 1\nmade 2\n');
  });

  it('that matches nothing is an error that says the next step', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace('*.txt', '*.tx'),
    });
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(
      stdout,
    ).toBe(`pipeline.yaml:9:20 error: \`join\` depends on \`texts/*.tx\`, which matches no file and no out.
  9 │     deps: { texts: texts/*.tx }
    │                    ^^^^^^^^^^
Make a file that it matches, or correct it.
`);
  });

  it('does not look into an out, and says so', async () => {
    const folder = `
stages:
  make: { cmd: 'mkdir \${outs.o} && echo 1 > \${outs.o}/one.txt', outs: { o: texts/made } }
  join: { cmd: 'cat \${lists.texts} > \${outs.all}', deps: { texts: PATTERN }, outs: { all: all.txt } }
`;
    const inside = await Project.create({
      ...files,
      'pipeline.yaml': folder.replace('PATTERN', 'texts/made/*.txt'),
    });
    expect((await inside.cli('repro')).stdout).toContain(
      'What an out holds is known only by its own name: depend on `texts/made`.',
    );
    const across = await Project.create({
      ...files,
      'pipeline.yaml': folder.replace('PATTERN', 'texts/**/*.txt'),
    });
    await across.repro();
    const again = await across.cli('repro');
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain(
      'warning: `texts/**/*.txt` leaves out the files inside `texts/made`, which a stage makes; to depend on them, name `texts/made`.',
    );
    expect(await across.read('all.txt')).toBe('Z\nb\nä\n');
  });

  it('is none where a file is called so', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        'stages: { a: { cmd: "cat ${deps.odd} > ${outs.o}", deps: { odd: "what?[1].txt" }, outs: { o: o.txt } } }',
      'params.yaml': '',
      'what?[1].txt': 'odd\n',
      'whats1.txt': 'matched\n',
    });
    await project.repro();
    expect(await project.read('o.txt')).toBe('odd\n');
  });

  it('counts a linked file by what it holds', async () => {
    const project = await Project.create({
      ...files,
      'elsewhere/y.txt': 'y\n',
    });
    const { symlinkSync } = await import('node:fs');
    symlinkSync('../elsewhere/y.txt', project.path('texts/y.txt'));
    await project.repro();
    expect(await project.read('all.txt')).toBe('Z\nb\nmade 1\nmade 2\ny\nä\n');
    await project.write('elsewhere/y.txt', 'yy\n');
    expect((await project.repro()).summary.executed).toEqual(['join']);
  });
});

describe('a dependency outside of the project', () => {
  it.each(['an absolute path', 'a relative path'])('is read by %s', async (kind) => {
    const other = await Project.create({ 'text.txt': 'a\n', 'folder/b.txt': 'b\n' });
    const at = (path: string): string =>
      kind === 'a relative path' ? `../${other.root.split('/').at(-1)}/${path}` : other.path(path);
    const project = await Project.create({
      'pipeline.yaml': `stages: { a: { cmd: 'cat \${deps.text} \${deps.folder}/b.txt > \${outs.o}', deps: { text: ${at('text.txt')}, folder: ${at('folder')} }, outs: { o: o.txt } } }`,
      'params.yaml': '',
    });
    expect((await project.repro()).summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toBe('a\nb\n');
    expect((await project.repro()).summary.executed).toEqual([]);
    await other.write('folder/b.txt', 'c\n');
    expect((await project.repro()).summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toBe('a\nc\n');
  });
});
