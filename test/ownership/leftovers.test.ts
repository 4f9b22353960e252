// Outputs that pipeline.yaml no longer has: status lists them, nothing reads them, repro and clean move them out.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';
import { jsonLines } from '../verbs/text-project.ts';
import { everything, expectCleanBuild, files, without } from './projects.ts';

/** A project that has run, with its pipeline.yaml changed since. */
async function changed(change: (text: string) => string, first: Record<string, string> = files) {
  const project = await Project.create(first);
  expect((await project.repro()).exitCode).toBe(0);
  await project.write('pipeline.yaml', change(first['pipeline.yaml']!));
  return project;
}

const noB = (text: string): string => text.replace('[a, b, c]', '[a, c]');

describe('repro equals a clean build', () => {
  it.each<[string, (text: string) => string]>([
    ['after a label was removed', noB],
    ['after a label was renamed', (text) => text.replace('[a, b, c]', '[a, bee, c]')],
    ['after a stage was removed', (text) => without('tree', text)],
    ['after a stage whose output is not cached was removed', (text) => without('note', text)],
    ['after a stage was renamed', (text) => text.replace('  tree:\n', '  woods:\n')],
    [
      'after a stage and its output were renamed',
      (text) => text.replace('  note:', '  notes:').replace('note.txt', 'notes.txt'),
    ],
    ['after the path of an output changed', (text) => text.replace('deep/er/tree', 'deep/other')],
    ['after an output moved into its old path', (text) => text.replace('deep/er/tree', 'deep/er/tree/inner')],
    ['after an output moved out to the folder around it', (text) => text.replace('deep/er/tree', 'deep')],
    [
      'after an output was removed',
      (text) => text.replace(/ && echo "\{.*/, '').replace(/ {4}metrics: .*\n/, ''),
    ],
    [
      'after an output was added and another removed',
      (text) =>
        text.replace('outs: { all: all.txt }', 'outs: { both: both.txt }').replace('outs.all', 'outs.both'),
    ],
    [
      'after everything was removed but the readers',
      (text) => without('make', without('tree', without('note', text))),
    ],
  ])('%s', async (_, change) => {
    const project = await changed(change);
    expect((await project.repro()).exitCode).toBe(0);
    await expectCleanBuild(project);
    expect(await project.cli('status')).toMatchObject({ exitCode: 0 });
  });

  it('after a label of examples/words was removed', async () => {
    const example = join(projectRoot, 'examples', 'words');
    const parts = readdirSync(example, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(example.length + 1))
      .filter((path) => /^(texts|scripts)\/|^(params|pipeline)\.yaml$|^stop-words\.txt$/.test(path))
      .filter((path) => !path.includes('__pycache__'));
    const words = Object.fromEntries(parts.map((path) => [path, readFileSync(join(example, path), 'utf8')]));
    const pipeline = words['pipeline.yaml']!.replace(
      'cmd: python3 count.py',
      'cmd: PYTHONDONTWRITEBYTECODE=1 python3 count.py',
    );
    const project = await changed((text) => text.replace(', bennet]', ']').replace(/ *exclude: .*\n/, ''), {
      ...words,
      'pipeline.yaml': pipeline,
    });
    expect((await project.repro()).summary.executed).toEqual(['report']);
    expect(await project.read('report.md')).not.toContain('bennet');
    await expectCleanBuild(project, words);
  });

  it('and brings the outputs back from the store when the stage returns', async () => {
    const project = await changed(noB);
    await project.repro();
    expect(existsSync(project.path('made/b.txt'))).toBe(false);
    await project.write('pipeline.yaml', files['pipeline.yaml']);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['make:b', 'join'] });
    await expectCleanBuild(project);
  });

  it('also if only a part of the pipeline is asked for', async () => {
    const project = await changed(noB);
    const { summary } = await project.repro('--single-item', 'join');
    expect(summary.executed).toEqual(['join']);
    expect(await project.read('all.txt')).toBe('a\nc\nsource\n');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    await expectCleanBuild(project);
  });

  it('after another branch was checked out, whose lock does not have the stage', async () => {
    const project = await Project.create({ ...files, '.gitignore': '/cache\n/made/?.txt\nnode_modules\n' });
    git(project, 'init', '-q', '-b', 'main');
    await project.write('pipeline.yaml', noB(files['pipeline.yaml']));
    await project.repro();
    git(project, 'add', '-A');
    git(project, 'commit', '-q', '-m', 'Without b');
    git(project, 'switch', '-q', '-c', 'more');
    await project.write('pipeline.yaml', files['pipeline.yaml']);
    await project.repro();
    git(project, 'add', '-A');
    git(project, 'commit', '-q', '-m', 'With b');
    git(project, 'switch', '-q', 'main');
    expect(existsSync(project.path('made/b.txt'))).toBe(true);
    await project.repro();
    expect(await project.read('all.txt')).toBe('a\nc\nsource\n');
    expect(existsSync(project.path('made/b.txt'))).toBe(false);
  });

  it('after the lock or the store was deleted', async () => {
    for (const gone of ['pipeline.lock', 'cache']) {
      const project = await changed(noB);
      await project.remove(gone);
      await project.repro();
      await expectCleanBuild(project);
    }
  });

  it('after a merge left conflicts in the block of a stage that is gone', async () => {
    const project = await changed(noB);
    const lock = await project.read('pipeline.lock');
    const start = lock.indexOf('\n{\n  "stage": "make:b"');
    const end = lock.indexOf('\n}\n', start) + 3;
    const block = lock.slice(start, end);
    const ours = `<<<<<<< ours${block}=======\n>>>>>>> theirs\n`;
    await project.write('pipeline.lock', `${lock.slice(0, start)}\n${ours}${lock.slice(end)}`);
    await project.remove('cache');
    await project.repro();
    await expectCleanBuild(project);
  });
});

describe('profiles and --set', () => {
  const matrix = {
    ...files,
    'pipeline.yaml': files['pipeline.yaml'].replace('[a, b, c]', "'${names}'"),
    'params.yaml': 'names: [a, b]\n',
    'profiles/small.yaml': 'names: [s]\n',
  };

  it('take the place of each other', async () => {
    const project = await Project.create(matrix);
    await project.repro();
    const before = everything(project);
    await project.repro('--profile', 'small');
    await expectCleanBuild(project, matrix, '--profile', 'small');
    await project.repro('--set', 'names=[x, a]');
    await expectCleanBuild(project, matrix, '--set', 'names=[x, a]');
    const { summary } = await project.repro();
    expect(summary.executed).toEqual([]);
    expect(everything(project)).toEqual(before);
  });
});

describe('commit', () => {
  it('accepts what the next repro finds', async () => {
    const reader = `${files['pipeline.yaml']}  list: { cmd: 'ls \${deps.made} > \${outs.list}', deps: { made: made }, outs: { list: list.txt } }\n`;
    const project = await changed(noB, { ...files, 'pipeline.yaml': reader });
    await project.write('list.txt', 'accepted\n');
    expect((await project.cli('commit', 'list')).exitCode).toBe(0);
    expect((await project.repro()).summary.fresh).toContain('list');
    expect(await project.read('list.txt')).toBe('accepted\n');
  });
});

describe('status', () => {
  it('lists what repro would move out, and ends with 1', async () => {
    const project = await changed(noB);
    const { exitCode, stdout } = await project.cli('status');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('− made/b.txt is left over from make:b; repro and clean move it out');
    expect(stdout).toContain('− metrics/b.json is left over from make:b; repro and clean move it out');
    expect(stdout).toContain('▶ join would run');
    const events = jsonLines((await project.cli('status', '--json')).stdout);
    expect(events.find(({ type }) => type === 'leftovers')).toEqual({
      type: 'leftovers',
      outs: [
        { path: 'made/b.txt', stage: 'make:b', edited: false },
        { path: 'metrics/b.json', stage: 'make:b', edited: false },
      ],
    });
    expect(existsSync(project.path('made/b.txt'))).toBe(true);
    expect((await project.cli('repro', '--dry')).stdout).toContain('− made/b.txt is left over from make:b');
    expect(existsSync(project.path('made/b.txt'))).toBe(true);
  });

  it('foretells what a reader of the folder around a leftover does', async () => {
    const reader = `${files['pipeline.yaml']}  list:
    cmd: ls \${deps.made} > \${outs.list}
    deps: { made: made }
    outs: { list: list.txt }
`;
    const project = await changed(noB, { ...files, 'pipeline.yaml': reader });
    expect((await project.cli('status')).stdout).toContain('▶ list would run (made changed)');
    await project.repro();
    expect(await project.read('list.txt')).toBe('a.txt\nc.txt\nsource.txt\n');
    await expectCleanBuild(project);
  });

  it('does not speak of what is gone already', async () => {
    const project = await changed((text) => without('tree', text));
    await project.remove('deep');
    expect(await project.cli('status')).toMatchObject({ exitCode: 0 });
  });
});

describe('a leftover that was changed by hand', () => {
  it('stays where it is, is not read, and status keeps naming it', async () => {
    const project = await changed(noB);
    await project.write('made/b.txt', 'by hand\n');
    for (let time = 1; time <= 2; time++) {
      const { exitCode, stdout } = await project.cli('repro');
      expect(exitCode).toBe(0);
      expect(stdout).toContain('made/b.txt is left over from make:b, but was changed by hand');
      expect(await project.read('made/b.txt')).toBe('by hand\n');
      expect(await project.read('all.txt')).toBe('a\nc\nsource\n');
      const status = await project.cli('status');
      expect(status.exitCode).toBe(1);
      expect(status.stdout).toContain('made/b.txt is left over from make:b, but was changed by hand');
    }
    // Its owner moves it away: nothing is left to say.
    await project.remove('made/b.txt');
    expect((await project.cli('status')).exitCode).toBe(0);
    // And a new file of that name is a source like any other.
    await project.repro();
    await project.write('made/b.txt', 'source\n');
    await project.repro();
    expect(await project.read('all.txt')).toBe('a\nsource\nc\nsource\n');
  });

  it('stays also if its stage has another path for the output now', async () => {
    const project = await changed((text) => text.replace('note.txt', 'other.txt'));
    await project.write('note.txt', 'by hand\n');
    await project.repro();
    await project.repro('--force');
    expect(await project.read('note.txt')).toBe('by hand\n');
    expect((await project.cli('status')).stdout).toContain(
      'note.txt is left over from note, but was changed',
    );
  });

  it('stays around an output that lies in it now, until the rest of it is gone', async () => {
    const project = await changed((text) => text.replace('deep/er/tree', 'deep/er/tree/inner'));
    await project.write('deep/er/tree/2.txt', 'by hand\n');
    expect((await project.repro()).exitCode).toBe(0);
    expect(readdirSync(project.path('deep/er/tree')).sort()).toEqual(['2.txt', 'in', 'inner']);
    expect((await project.cli('status')).exitCode).toBe(1);
    await project.write('deep/er/tree/2.txt', '2\n');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    expect(readdirSync(project.path('deep/er/tree')).sort()).toEqual(['inner']);
    await expectCleanBuild(project);
  });

  it('stays if it is a folder with a file added, with all that is in it', async () => {
    const project = await changed((text) => without('tree', text));
    await project.write('deep/er/tree/mine.txt', 'mine\n');
    await project.repro();
    expect(readdirSync(project.path('deep/er/tree')).sort()).toEqual(['2.txt', 'in', 'mine.txt']);
  });

  it('stops a stage that reads the folder around it', async () => {
    const reader = `${files['pipeline.yaml']}  list: { cmd: 'ls \${deps.made} > \${outs.list}', deps: { made: made }, outs: { list: list.txt } }\n`;
    const project = await changed(noB, { ...files, 'pipeline.yaml': reader });
    await project.write('made/b.txt', 'by hand\n');
    const { exitCode, stdout } = await project.cli('repro', '--keep-going');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      '✖ list failed. It reads `made`, which holds `made/b.txt`, left over from `make:b`',
    );
    expect((await project.cli('status')).stdout).toContain("✖ list can't run: It reads `made`");
  });

  it('becomes its owner’s own file with clean --keep', async () => {
    const project = await changed(noB);
    await project.write('made/b.txt', 'by hand\n');
    expect(await project.cli('clean', '--keep', 'made/b.txt')).toMatchObject({ exitCode: 0 });
    await project.repro();
    expect(await project.read('all.txt')).toBe('a\nby hand\nc\nsource\n');
    expect((await project.cli('status')).exitCode).toBe(0);
  });
});

describe('a leftover that a stage names', () => {
  it('as a dependency is refused, before it is moved', async () => {
    const project = await changed((text) =>
      without('note', text.replace("'made/*.txt'", 'note.txt').replace('lists.all', 'deps.all')),
    );
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('`join` depends on `note.txt`, which is left over from `note`');
    expect(stdout).toContain('rodada clean --keep note.txt');
    expect(await project.read('note.txt')).toBe('note\n');
    await project.cli('clean', '--keep', 'note.txt');
    expect((await project.repro()).summary.executed).toEqual(['join']);
    expect(await project.read('all.txt')).toBe('note\n');
  });

  it('as a script is refused', async () => {
    const first = {
      'pipeline.yaml': `
stages:
  generate: { cmd: 'echo "echo hello" > \${outs.script}', outs: { script: say.sh } }
  say: { cmd: 'sh say.sh > \${outs.said}', deps: [say.sh], outs: { said: said.txt } }
`,
      'params.yaml': '',
    };
    const project = await changed((text) => without('generate', text).replace('deps: [say.sh], ', ''), first);
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('`say` runs `say.sh`, which is left over from `generate`');
    expect(existsSync(project.path('say.sh'))).toBe(true);
  });
});

describe('clean', () => {
  it('says with --dry what it would move out, and moves it without', async () => {
    const project = await changed((text) => without('tree', noB(text)));
    const before = everything(project);
    const dry = await project.cli('clean', '--dry');
    expect(dry).toMatchObject({
      exitCode: 0,
      stdout: `− deep/er/tree is left over from tree; repro and clean move it out
− made/b.txt is left over from make:b; repro and clean move it out
− metrics/b.json is left over from make:b; repro and clean move it out
3 would be moved out
`,
    });
    expect(everything(project)).toEqual(before);
    const { exitCode, stdout } = await project.cli('clean');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`− deep/er/tree moved out, left over from tree
− made/b.txt moved out, left over from make:b
− metrics/b.json moved out, left over from make:b
✔ 3 moved out
`);
    expect(existsSync(project.path('deep'))).toBe(false);
    expect(readdirSync(project.path('made')).sort()).toEqual(['a.txt', 'c.txt', 'source.txt']);
    expect((await project.cli('clean')).stdout).toBe('✔ Nothing is left over\n');
    expect((await project.repro()).summary.executed).toEqual(['join']);
    await expectCleanBuild(project);
  });

  it('ends with 1 while something that was changed by hand is left', async () => {
    const project = await changed(noB);
    await project.write('made/b.txt', 'by hand\n');
    expect(await project.cli('clean')).toMatchObject({ exitCode: 1 });
    expect(await project.read('made/b.txt')).toBe('by hand\n');
  });

  it('keeps an output that the store does not keep in cache/displaced, which gc removes on request', async () => {
    const project = await changed((text) => without('note', text));
    const { stdout } = await project.cli('clean');
    const [, to] = /note\.txt moved to (cache\/displaced\/[^\s,]+)/.exec(stdout)!;
    expect(await project.read(to!)).toBe('note\n');
    await project.cli('gc');
    expect(await project.read(to!)).toBe('note\n');
    await project.cli('gc', '--quarantine');
    expect(existsSync(project.path('cache/displaced'))).toBe(false);
  });

  it('refuses to keep what is not left over', async () => {
    const project = await changed(noB);
    expect(await project.cli('clean', '--keep', 'made/a.txt')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('`made/a.txt` is not left over'),
    });
  });
});

describe('compare and check', () => {
  it('leave leftovers out, before and after repro', async () => {
    const gates = "seed: 1\ngates: [{ metric: '**:size', better: lower, tolerance: 0 }]\n";
    const project = await Project.create({
      ...files,
      'params.yaml': gates,
      '.gitignore': '/cache\nnode_modules\n',
    });
    git(project, 'init', '-q', '-b', 'main');
    await project.write('pipeline.yaml', noB(files['pipeline.yaml']));
    await project.repro();
    git(project, 'add', '-A');
    git(project, 'commit', '-q', '-m', 'Without b');
    await project.write('pipeline.yaml', files['pipeline.yaml']);
    await project.repro();
    const metrics = async () => {
      const { rows } = JSON.parse((await project.cli('compare', '--json')).stdout) as {
        rows: { path: string; new: unknown }[];
      };
      return rows
        .filter((each) => each.new !== null)
        .map(({ path }) => path)
        .sort();
    };
    const [a, b, c] = ['metrics/a.json', 'metrics/b.json', 'metrics/c.json'];
    expect(await metrics()).toEqual([a, b, c]);
    await project.write('pipeline.yaml', noB(files['pipeline.yaml']));
    expect(await metrics()).toEqual([a, c]);
    const check = JSON.parse((await project.cli('check', '--json')).stdout) as {
      ok: boolean;
      judged: number;
      freshness: { stale: unknown[] };
    };
    expect(check).toMatchObject({ ok: false, judged: 2 });
    expect(check.freshness.stale).toContainEqual({ what: 'no-stage', path: b });
    await project.write('metrics/b.json', '{"size":2}');
    await project.repro();
    expect(await metrics()).toEqual([a, c]);
  });

  it('take the results of a profile that ran last', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace('[a, b, c]', "'${names}'"),
      'params.yaml': 'names: [a]\n',
      'profiles/small.yaml': 'names: [s]\n',
      '.gitignore': '/cache\nnode_modules\n',
    });
    git(project, 'init', '-q', '-b', 'main');
    await project.repro();
    git(project, 'add', '-A');
    git(project, 'commit', '-q', '-m', 'Default');
    await project.repro('--profile', 'small');
    expect((await project.cli('compare')).stdout).toMatch(/^ {2}s /m);
    expect((await project.cli('compare', '--profile', 'small')).stdout).toMatch(/^ {2}s /m);
    await project.repro();
    expect((await project.cli('compare', '--profile', 'small')).exitCode).toBe(0);
  });
});
