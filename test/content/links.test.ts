// Symbolic links in dependencies and outputs: inside the directory, out of it, into scratch, in circles, and to nothing.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectSoundStore, snapshot } from '../safety/pipeline.ts';
import { canBeRefused, cliWithoutRights } from '../safety/refusals.ts';
import { Project } from '../support/project.ts';

/** A stage that reads through the links of a directory. */
const training = {
  'pipeline.yaml':
    "stages: { train: { cmd: 'sh read.sh ${deps.train} > ${outs.model}', deps: { train: train }, outs: { model: model } } }\n",
  'params.yaml': '',
  'read.sh': 'cat "$1"/*\n',
  'images/a.txt': 'a\n',
  'images/b.txt': 'b\n',
};

async function trained(link: (project: Project) => void): Promise<Project> {
  const project = await Project.create(training);
  mkdirSync(project.path('train'));
  link(project);
  expect((await project.repro()).summary.executed).toEqual(['train']);
  expect((await project.repro()).summary.fresh).toEqual(['train']);
  return project;
}

describe('a link out of a dependency', () => {
  it.each([
    ['relative', (): string => '../images/a.txt'],
    ['absolute', (project: Project): string => project.path('images/a.txt')],
    ['over another link', (): string => '../images/link'],
    ['through a folder that is a link', (): string => '../linked/a.txt'],
  ])('(%s) counts with what it leads to', async (_, text) => {
    const project = await trained((made) => {
      symlinkSync('a.txt', made.path('images/link'));
      symlinkSync('images', made.path('linked'));
      symlinkSync(text(made), made.path('train/a.txt'));
    });
    expect((await project.cli('status')).exitCode).toBe(0);
    await project.write('images/a.txt', 'A\n');
    expect((await project.cli('status')).stdout).toContain('▶ train would run (train changed)');
    expect((await project.repro()).summary.executed).toEqual(['train']);
    expect(await project.read('model')).toBe('A\n');
    await project.write('images/a.txt', 'a\n');
    expect((await project.repro()).summary.restored).toEqual(['train']);
    chmodSync(project.path('images/a.txt'), 0o755);
    expect((await project.repro()).summary.executed).toEqual(['train']);
  });

  it('counts when what it leads to comes, goes and comes back', async () => {
    const project = await trained((made) => {
      symlinkSync('../images/c.txt', made.path('train/c.txt'));
      writeFileSync(made.path('train/own.txt'), 'own\n');
      writeFileSync(made.path('images/c.txt'), 'c\n');
    });
    await project.remove('images/c.txt');
    expect((await project.cli('status')).stdout).toContain('(train changed)');
    await project.write('images/c.txt', 'c\n');
    expect((await project.repro()).summary.fresh).toEqual(['train']);
    await project.write('images/c.txt', 'd\n');
    expect((await project.repro()).summary.executed).toEqual(['train']);
    expect(await project.read('model')).toBe('d\nown\n');
  });

  it('to a folder counts with all that is in it, whatever leads on from there', async () => {
    const project = await Project.create({
      ...training,
      'pipeline.yaml':
        "stages: { train: { cmd: 'cat ${deps.train}/all/deep/*.txt ${deps.train}/all/more/*.txt > ${outs.model}', deps: { train: train }, outs: { model: model } } }\n",
      'images/deep/x.txt': 'x\n',
      'other/y.txt': 'y\n',
    });
    mkdirSync(project.path('train'));
    symlinkSync('../images', project.path('train/all'));
    symlinkSync('../other', project.path('images/more'));
    expect((await project.repro()).summary.executed).toEqual(['train']);
    for (const [path, text] of [
      ['images/deep/x.txt', 'X\n'],
      ['images/deep/z.txt', 'z\n'],
      ['other/y.txt', 'Y\n'],
    ] as const) {
      await project.write(path, text);
      expect((await project.repro()).summary.executed).toEqual(['train']);
      expect((await project.repro()).summary.fresh).toEqual(['train']);
    }
    expect(await project.read('model')).toBe('X\nz\nY\n');
  });

  it('in circles, to a parent folder and to itself ends', async () => {
    const project = await trained((made) => {
      writeFileSync(made.path('train/own.txt'), 'own\n');
      mkdirSync(made.path('train/sub'));
      rmSync(made.path('train/sub'), { recursive: true });
      // `cat` reads files only: hidden names keep the folders out of its way.
      symlinkSync('..', made.path('train/.up'));
      symlinkSync('.loop', made.path('train/.loop'));
      symlinkSync('/', made.path('train/.root'));
      symlinkSync('../images', made.path('train/.images'));
      symlinkSync('../train', made.path('images/back'));
      symlinkSync('../images', made.path('images/self'));
    });
    await project.write('images/b.txt', 'B\n');
    expect((await project.repro()).summary.executed).toEqual(['train']);
    expect((await project.repro()).summary.fresh).toEqual(['train']);
  });

  it('to the same folder a million times over is listed once', async () => {
    const project = await Project.create(training);
    for (let i = 0; i < 20; i++) {
      mkdirSync(project.path(`d${i}`));
      for (const name of ['x', 'y']) symlinkSync(`../d${i + 1}`, project.path(`d${i}/${name}`));
    }
    mkdirSync(project.path('d20'));
    writeFileSync(project.path('d20/end.txt'), '1\n');
    mkdirSync(project.path('train'));
    writeFileSync(project.path('train/own.txt'), 'own\n');
    symlinkSync('../d0', project.path('train/.d'));
    expect((await project.repro()).summary.executed).toEqual(['train']);
    await project.write('d20/end.txt', '2\n');
    expect((await project.repro()).summary.executed).toEqual(['train']);
    expect((await project.repro()).summary.fresh).toEqual(['train']);
  });

  it('that seems to stay inside, but goes through a link, counts with what it leads to', async () => {
    const project = await trained((made) => {
      mkdirSync(made.path('images/sub'));
      symlinkSync('../images/sub', made.path('train/.sub'));
      symlinkSync('.sub/../a.txt', made.path('train/a.txt'));
    });
    await project.write('images/a.txt', 'A\n');
    expect((await project.repro()).summary.executed).toEqual(['train']);
    expect(await project.read('model')).toBe('A\n');
  });
});

describe('a link in an output', () => {
  /** A stage whose script makes links at $1; `read` looks through them. */
  const linking = (script: string): Record<string, string> => ({
    ...training,
    'pipeline.yaml': `
stages:
  split: { cmd: 'sh split.sh \${outs.d} \${deps.images} \${outs.e}', deps: { images: images }, outs: { d: out/d, e: out/e } }
  read: { cmd: 'cat \${deps.d}/last > \${outs.text}', deps: { d: out/d }, outs: { text: text.txt } }
`,
    'split.sh': `mkdir -p $1/sub $3; echo 1 > $1/sub/a; echo e > $3/e\n${script}\n`,
  });

  it.each([
    ['an absolute path into its own output', 'ln -s $1/sub/a $1/last', 'sub/a', '1\n'],
    ['an absolute path from a folder of it', 'ln -s $1/sub/a $1/sub/b; ln -s sub/b $1/last', 'sub/b', '1\n'],
    ['a dependency', 'ln -s $2/a.txt $1/last', '../../images/a.txt', 'a\n'],
    ['a dependency, relative as ln -sr makes it', 'ln -sr $2/a.txt $1/last', '../../images/a.txt', 'a\n'],
    [
      'a dependency, relative to where it will be',
      'ln -s ../../images/a.txt $1/last',
      '../../images/a.txt',
      'a\n',
    ],
    ['a file of the same name as its output', 'ln -s ../d/sub/a $1/last', '../d/sub/a', '1\n'],
    ['something on the machine', 'ln -s /etc/hosts $1/last', '/etc/hosts', undefined],
  ])('to %s leads to the same when it is published and restored', async (_, script, text, content) => {
    const project = await Project.create(linking(script));
    expect((await project.repro()).summary.executed).toEqual(['split', 'read']);
    expect(readlinkSync(project.path('out/d/last'))).toBe(text);
    if (content !== undefined) expect(await project.read('text.txt')).toBe(content);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    const before = snapshot(project.root, ['out', 'text.txt']);
    await project.remove('out');
    await project.remove('text.txt');
    expect((await project.repro()).summary.restored).toEqual(['split', 'read']);
    expect(snapshot(project.root, ['out', 'text.txt'])).toEqual(before);
    await project.remove('out');
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(snapshot(project.root, ['out', 'text.txt'])).toEqual(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    await project.repro('--force');
    expect(snapshot(project.root, ['out', 'text.txt'])).toEqual(before);
    expectSoundStore(project.root);
  });

  it.each([
    ['another output of the run', 'ln -s $3/e $1/last'],
    ['another output of the run, relatively', 'ln -sr $3/e $1/last'],
    ['the inputs of the run', 'ln -s $RODADA_STAGE $1/last'],
    ['the partial state of the run', 'touch "$RODADA_PARTIAL/p"; ln -s "$RODADA_PARTIAL/p" $1/last'],
  ])('to %s is refused by name', async (_, script) => {
    const project = await Project.create(linking(script));
    const run = await project.cli('repro');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain(
      '✖ split failed. Its command made the link `last` in the out `d`, which leads into a folder that is deleted when the run ends. Copy the file instead, or let the link lead to something inside the out.',
    );
    expect(existsSync(project.path('out'))).toBe(false);
    expect(readdirSync(project.path('cache')).includes('tmp')).toBe(false);
  });

  it('counts for its readers when what it leads to changes, though no stage declares that', async () => {
    const project = await Project.create({
      ...training,
      'pipeline.yaml': `
stages:
  split: { cmd: 'mkdir \${outs.d} && for f in a b; do ln -s ../images/$f.txt \${outs.d}/$f; done', outs: { d: d } }
  read: { cmd: 'cat \${deps.d}/* > \${outs.text}', deps: { d: d }, outs: { text: text.txt } }
`,
    });
    await project.repro();
    expect(await project.read('text.txt')).toBe('a\nb\n');
    await project.write('images/a.txt', 'A\n');
    expect((await project.cli('status')).stdout).toContain('▶ split would run (d is edited)');
    expect((await project.repro()).summary.executed).toEqual(['split', 'read']);
    expect(await project.read('text.txt')).toBe('A\nb\n');
    expect((await project.repro()).summary.fresh).toEqual(['split', 'read']);
    await project.write('images/a.txt', 'a\n');
    await project.repro();
    expect(await project.read('text.txt')).toBe('a\nb\n');
    expect((await project.repro()).summary.fresh).toEqual(['split', 'read']);
    await project.remove('d');
    await project.write('images/b.txt', 'B\n');
    await project.repro();
    expect(await project.read('text.txt')).toBe('a\nB\n');
    expect((await project.repro()).summary.fresh).toEqual(['split', 'read']);
  });

  it.skipIf(!canBeRefused)('in a read-only folder is made relative, too', async () => {
    const project = await Project.create(
      linking('ln -s $1/sub/a $1/sub/last; ln -s sub/last $1/last; chmod 555 $1/sub $1'),
    );
    chmodSync(project.root, 0o755);
    expect(await cliWithoutRights(project, 'repro')).toMatchObject({ exitCode: 0 });
    expect(readlinkSync(project.path('out/d/sub/last'))).toBe('a');
    expect(await project.read('text.txt')).toBe('1\n');
  });

  it('that was made by another project’s path is the same in a copy of the project', async () => {
    const one = await Project.create(linking('ln -s $2/a.txt $1/last'));
    const two = await Project.create(linking('ln -s $2/a.txt $1/last'));
    await one.repro();
    await two.repro();
    expect(await one.read('pipeline.lock')).toBe(await two.read('pipeline.lock'));
  });
});
