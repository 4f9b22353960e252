// Every way to write a path is the same path: for protections, for edges between stages, and for who makes what.
import { existsSync, symlinkSync, truncateSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { lockedBlock } from '../support/lock.ts';
import { Project } from '../support/project.ts';

const withStages = (stages: string, files: Record<string, string> = {}): Promise<Project> =>
  Project.create({ 'pipeline.yaml': `stages:\n${stages}`, 'params.yaml': '', ...files });

/** `sub/data` in each way that people may write it; `ROOT` and `NAME` are the project's. */
const spellings = [
  'sub/data/',
  './sub/data',
  'sub//data',
  'sub/./data',
  'sub/x/../data',
  '../NAME/sub/data',
  'ROOT/sub/data',
  'ROOT//sub/data/',
];

const inProject = (text: string, project: Project): string =>
  text.replaceAll('ROOT', project.root).replaceAll('NAME', basename(project.root));

async function spelled(project: Project): Promise<Project> {
  await project.write('pipeline.yaml', inProject(await project.read('pipeline.yaml'), project));
  return project;
}

describe.each(spellings)('an output written %s', (path) => {
  it('is refused over sources that git tracks, which stay', async () => {
    const project = await spelled(
      await withStages(`  make: { cmd: 'mkdir \${outs.p}', outs: { p: '${path}' } }\n`, {
        'sub/data/make.mjs': 'mine\n',
      }),
    );
    git(project, 'init', '-q');
    git(project, 'add', 'sub');
    git(project, 'commit', '-q', '-m', 'Write it');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      'The out `sub/data` of `make` would replace `sub/data/make.mjs`, which git tracks and which no run has made.',
    );
    expect(await project.read('sub/data/make.mjs')).toBe('mine\n');
  });

  it('is one path with `sub/data` and holds `sub/data/two.txt`', async () => {
    const two = `  one: { cmd: 'mkdir \${outs.p}', outs: { p: '${path}' } }
  two: { cmd: 'echo 2 > \${outs.p}', outs: { p: OTHER } }\n`;
    const same = await spelled(await withStages(two.replace('OTHER', 'sub/data')));
    expect((await same.cli('repro')).stdout).toContain(
      '`sub/data` is an out of `two` and `one` too; each path has one maker.',
    );
    const inside = await spelled(await withStages(two.replace('OTHER', 'sub/data/two.txt')));
    const { exitCode, stdout } = await inside.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('`sub/data/two.txt`, an out of `two`, lies inside `sub/data`, an out of `one`.');
  });

  it('is made before whoever reads a file in it, and stands in the lock as `sub/data`', async () => {
    const project = await spelled(
      await withStages(
        `  read: { cmd: 'cat \${deps.f} > \${outs.o}', deps: { f: sub/data/f.txt }, outs: { o: o.txt } }
  make: { cmd: 'mkdir \${outs.p} && echo \${text} > \${outs.p}/f.txt', outs: { p: '${path}' } }\n`,
        {
          'params.yaml': 'text: one\n',
          'sub/x/.keep': '',
        },
      ),
    );
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await lockedBlock(project, 'make')).outs.p!.path).toBe('sub/data');
    expect((await project.repro()).summary).toMatchObject({ executed: [], fresh: ['make', 'read'] });
    expect((await project.repro('--set', 'text=two')).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('o.txt')).toBe('two\n');
    await project.remove('sub/data');
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(await project.read('sub/data/f.txt')).toBe('two\n');
  });
});

describe.each([
  ...spellings,
  'alias/data',
  './alias/data/',
  'linked',
  'linked/',
  'far/data',
  'ROOT/alias/data',
  'OUTSIDE/sub/data',
])('a dependency written %s', (path) => {
  const stages = `  read: { cmd: 'cat \${deps.d}/f.txt > \${outs.o}', deps: { d: '${path}' }, outs: { o: o.txt } }
  make: { cmd: 'mkdir \${outs.p} && echo \${text} > \${outs.p}/f.txt', outs: { p: sub/data } }\n`;

  /** A project with links to a folder, to the output itself and to a link, and with a link from outside to the project. */
  async function linked(): Promise<Project> {
    const outside = await Project.create({});
    const project = await withStages(stages.replace('OUTSIDE', outside.path('in')), {
      'params.yaml': 'text: one\n',
      'sub/x/.keep': '',
    });
    symlinkSync(project.root, outside.path('in'));
    symlinkSync('sub', project.path('alias'));
    symlinkSync('alias', project.path('far'));
    symlinkSync('sub/data', project.path('linked'));
    return spelled(project);
  }

  it('waits for the stage that makes it, also before it was ever made, and follows its changes', async () => {
    const project = await linked();
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await project.repro()).summary.fresh).toEqual(['make', 'read']);
    expect((await project.cli('dag')).stdout).toMatch(/make[\s\S]*read/);
    expect((await project.repro('--set', 'text=two')).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('o.txt')).toBe('two\n');
    const { deps } = (await lockedBlock(project, 'read')).fingerprint;
    expect(Object.keys(deps.d!)).toEqual(['sub/data']);
  });
});

describe('a symbolic link', () => {
  it('on the way to an output is refused with the path to use', async () => {
    const project = await withStages("  make: { cmd: 'echo 1 > ${outs.p}', outs: { p: alias/out.txt } }\n", {
      'real/other.txt': 'mine\n',
    });
    symlinkSync('real', project.path('alias'));
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      'The out `alias/out.txt` lies behind `alias`, a symbolic link; make that a folder, or use `real/out.txt`.',
    );
    expect(existsSync(project.path('real/out.txt'))).toBe(false);
  });

  it('to a file of a stage gives the edge, and one to a source keeps sources safe', async () => {
    const project = await withStages(
      `  read: { cmd: 'cat \${deps.d} > \${outs.o}', deps: { d: latest.txt }, outs: { o: o.txt } }
  make: { cmd: 'echo \${text} > \${outs.p}', outs: { p: v1.txt } }\n`,
      { 'params.yaml': 'text: one\n' },
    );
    symlinkSync('v1.txt', project.path('latest.txt'));
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await project.repro('--set', 'text=two')).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('o.txt')).toBe('two\n');

    const guarded = await withStages(
      `  read: { cmd: 'cat \${deps.d} > \${outs.o}', deps: { d: link.txt }, outs: { o: o.txt } }
  make: { cmd: 'mkdir \${outs.p}', outs: { p: src } }\n`,
      { 'src/a.txt': 'mine\n' },
    );
    symlinkSync('src/a.txt', guarded.path('link.txt'));
    expect((await guarded.cli('repro')).exitCode).toBe(2);
    expect(await guarded.read('src/a.txt')).toBe('mine\n');
  });

  it('to something outside keeps its own name, so that the key holds on every machine', async () => {
    const other = await Project.create({ 'big.csv': 'a\n' });
    const project = await withStages(
      "  read: { cmd: 'cat ${deps.d} > ${outs.o}', deps: { d: big.csv }, outs: { o: o.txt } }\n",
    );
    symlinkSync(other.path('big.csv'), project.path('big.csv'));
    expect((await project.repro()).summary.executed).toEqual(['read']);
    expect(await project.read('pipeline.lock')).not.toContain(other.root);
    await other.write('big.csv', 'b\n');
    expect((await project.repro()).summary.executed).toEqual(['read']);
  });

  it('that a glob matches is what it leads to, if a stage makes that', async () => {
    const project = await withStages(
      `  read: { cmd: 'cat \${lists.d} > \${outs.o}', deps: { d: alias/*.txt }, outs: { o: o.txt } }
  make: { cmd: 'echo \${text} > \${outs.p}', outs: { p: made.txt } }\n`,
      {
        'params.yaml': 'text: one\n',
        'texts/a.txt': 'a\n',
      },
    );
    symlinkSync('texts', project.path('alias'));
    symlinkSync('../made.txt', project.path('texts/z.txt'));
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await project.repro('--set', 'text=two')).summary.executed).toEqual(['make', 'read']);
    expect((await project.read('o.txt')).split('\n').sort()).toEqual(['', 'a', 'two']);
  });

  it('that leads in a circle is named', async () => {
    const project = await withStages(
      "  read: { cmd: 'cat ${deps.d} > ${outs.o}', deps: { d: loop/x.txt }, outs: { o: o.txt } }\n",
    );
    symlinkSync('back', project.path('loop'));
    symlinkSync('loop', project.path('back'));
    for (const verb of ['repro', 'status']) {
      const { exitCode, stdout } = await project.cli(verb);
      expect(exitCode).toBe(2);
      expect(stdout).toContain('`read` depends on `loop/x.txt`, whose symbolic links lead in a circle.');
    }
  });
});

describe('a wdir', () => {
  it.each(['sub', './sub/', 'ROOT/sub', '../NAME/sub', 'link'])('written %s is one folder', async (wdir) => {
    const project = await withStages(
      `  make: { cmd: 'cat a.txt > \${outs.o}', wdir: '${wdir}', deps: [a.txt], outs: { o: ./o.txt } }
  read: { cmd: 'cat \${deps.d} > \${outs.o}', deps: { d: sub/o.txt }, outs: { o: o.txt } }\n`,
      {
        'sub/a.txt': 'a\n',
      },
    );
    symlinkSync('sub', project.path('link'));
    await spelled(project);
    if (wdir === 'link') {
      // Outputs behind a link have another path; that is said.
      expect((await project.cli('repro')).stdout).toContain('use `sub/o.txt`');
      return;
    }
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('pipeline.lock')).toContain('"wdir": "sub"');
  });

  it('that leads outside is refused', async () => {
    const project = await withStages(
      "  make: { cmd: 'echo 1 > ${outs.o}', wdir: out, outs: { o: ../o.txt } }\n",
    );
    symlinkSync('/tmp', project.path('out'));
    expect((await project.cli('repro')).stdout).toContain('The wdir `out` lies outside the project.');
  });
});

describe('a path that is refused', () => {
  it.each([
    ['outs: { o: . }', 'The out `.` is the project itself.'],
    ['outs: { o: a/.. }', 'The out `.` is the project itself.'],
    ['outs: { o: ../o.txt }', 'The out `../o.txt` lies outside the project.'],
    ['outs: { o: /tmp/o.txt }', 'The out `/tmp/o.txt` lies outside the project.'],
    ['outs: { o: ./cache/o.txt }', 'The out `cache/o.txt` lies in a folder that is not for outs.'],
    ['deps: [.]', '`make` depends on a folder that holds the whole project, which every run changes.'],
    ['deps: [..]', '`make` depends on a folder that holds the whole project, which every run changes.'],
    ['deps: [ROOT/]', '`make` depends on a folder that holds the whole project, which every run changes.'],
    ['deps: [file.txt/x]', '`make` depends on `file.txt/x`, but `file.txt` is a file and no folder.'],
  ])('%s', async (field, message) => {
    const project = await spelled(
      await withStages(`  make:\n    cmd: echo 1\n    ${field}\n`, { 'file.txt': '' }),
    );
    for (const verb of ['repro', 'status']) {
      const { exitCode, stdout } = await project.cli(verb);
      expect(stdout).toContain(message);
      expect(exitCode).toBe(2);
    }
  });
});

describe('names with the characters of patterns', () => {
  it('are taken by their letters, in folders inside, outside and above the project', async () => {
    const other = await Project.create({ 'p [1] (a)/{b}*.txt': 'x\n', 'p [1] (a)/more/c.txt': 'c\n' });
    const project = await withStages(
      `  read:
    cmd: cat \${deps.file} \${lists.glob} > \${outs.o}
    deps: { file: '${other.path('p [1] (a)/{b}*.txt')}', glob: '${other.path('p [1] (a)/more/*.txt')}', dir: 'in (1)/', one: 'in (1)/a[0].txt' }
    outs: { o: o.txt }
`,
      { 'in (1)/a[0].txt': 'a\n' },
    );
    expect((await project.repro()).summary.executed).toEqual(['read']);
    expect(await project.read('o.txt')).toBe('x\nc\n');
    await other.write('p [1] (a)/more/d.txt', 'd\n');
    expect((await project.repro()).summary.executed).toEqual(['read']);
    expect(await project.read('o.txt')).toBe('x\nc\nd\n');
    expect((await project.repro()).summary.fresh).toEqual(['read']);
  });

  it('may be those of the project itself', async () => {
    const around = await Project.create({ 'p [1] (a)/texts/a.txt': 'a\n', 'p [1] (a)/params.yaml': '' });
    await around.write(
      'p [1] (a)/pipeline.yaml',
      `stages: { read: { cmd: 'cat \${lists.d} \${deps.e} > \${outs.o}', deps: { d: texts/*.txt, e: '${around.path('p [1] (a)/texts/a.txt')}' }, outs: { o: o.txt } } }\n`,
    );
    const inner = Object.create(around, { root: { value: around.path('p [1] (a)') } }) as Project;
    expect((await inner.repro()).summary.executed).toEqual(['read']);
    expect(await around.read('p [1] (a)/o.txt')).toBe('a\na\n');
  });
});

it('tells how far the hashing of a dependency outside the project is', async () => {
  const other = await Project.create({});
  // So much that it takes longer than a second on any machine; without blocks on disk.
  for (let i = 0; i < 32; i++) {
    await other.write(`in/${i}.bin`, '');
    truncateSync(other.path(`in/${i}.bin`), 96 << 20);
  }
  const project = await withStages(
    `  count: { cmd: 'ls \${deps.d} | wc -l > \${outs.o}', deps: { d: ${other.path('in')} }, outs: { o: o.txt } }\n`,
  );
  const { events, summary } = await project.repro();
  expect(events.some(({ type }) => type === 'hashing')).toBe(true);
  expect(summary.executed).toEqual(['count']);
}, 60_000);

describe('an output is refused over a source that is named another way', () => {
  it.each([
    ['a module of pipeline.yaml', 'params: ./src//schema.mjs', 'echo 1'],
    ['a module by its absolute path', 'params: ROOT/src/schema.mjs', 'echo 1'],
    ['a script that is a link', 'environment: {}', 'sh link.sh'],
  ])('%s', async (_, head, cmd) => {
    const project = await Project.create({
      'pipeline.yaml': `${head}\nstages:\n  make: { cmd: '${cmd}', outs: { p: src/ } }\n`,
      'params.yaml': '',
      'src/schema.mjs': "import { z } from 'zod';\nexport default z.any();\n",
      'src/run.sh': 'echo 1\n',
    });
    symlinkSync('src/run.sh', project.path('link.sh'));
    await spelled(project);
    const { exitCode, stdout } = await project.cli('repro');
    expect(stdout).toContain('The out `src` of `make` would replace ');
    expect(exitCode).toBe(2);
    expect(await project.read('src/run.sh')).toBe('echo 1\n');
  });
});

it('a lock that says `data/` is read as `data`', async () => {
  const project = await withStages(
    "  make: { cmd: 'mkdir ${outs.p} && echo 1 > ${outs.p}/a', outs: { p: data } }\n",
  );
  await project.repro();
  await project.edit('pipeline.lock', '{ "data": ', '{ "./data/": ');
  await project.remove('data');
  const { exitCode, stdout } = await project.cli('checkout');
  expect(stdout).toContain('data make');
  expect(exitCode).toBe(0);
  expect(await project.read('data/a')).toBe('1\n');
});

it('a list names its paths in one form, also for templates', async () => {
  const project = await withStages(
    "  make: { cmd: 'mkdir ${outs.data} && cat ${deps.in.txt} > ${outs.data}/a', deps: [./in.txt], outs: [./data/] }\n",
    { 'in.txt': 'in\n' },
  );
  expect((await project.repro()).summary.executed).toEqual(['make']);
  expect(await project.read('data/a')).toBe('in\n');
});

describe('accents that are encoded as one character or as two', () => {
  const [one, two] = ['é'.normalize('NFC'), 'é'.normalize('NFD')];

  it('name one path in dependencies: of an output, of a file, and of a file in a folder', async () => {
    const project = await withStages(
      `  read: { cmd: 'cat \${deps.made} \${deps.file} \${deps.in} > \${outs.o}', deps: { made: made-${two}, file: file-${two}, in: d-${one}/x }, outs: { o: o.txt } }
  make: { cmd: 'echo \${text} > \${outs.p}', outs: { p: made-${one} } }\n`,
      { 'params.yaml': 'text: one\n', [`file-${one}`]: 'file\n', [`d-${two}/x`]: 'x\n' },
    );
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await project.repro()).summary.fresh).toEqual(['make', 'read']);
    expect((await project.repro('--set', 'text=two')).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('o.txt')).toBe('two\nfile\nx\n');
  });

  it('are no two outputs', async () => {
    const project = await withStages(
      `  a: { cmd: 'echo 1 > \${outs.p}', outs: { p: ${one} } }\n  b: { cmd: 'echo 1 > \${outs.p}', outs: { p: ${two} } }\n`,
    );
    const { exitCode, stdout } = await project.cli('repro');
    expect(stdout).toContain(`The out \`${two}\` of \`b\` looks like \`${one}\``);
    expect(exitCode).toBe(2);
  });
});
