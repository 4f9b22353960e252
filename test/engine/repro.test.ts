// What repro runs, restores and leaves, seen through the command line.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

/** A script of shell stages, and one TypeScript stage that imports a module. */
const files = {
  'pipeline.yaml': `
stages:
  upper:
    cmd: tr a-z A-Z < \${deps.text} > \${outs.upper}
    deps: { text: text.txt }
    outs: { upper: out/upper.txt }
  words:
    cmd: tr -s ' ' '\\n' < \${deps.text} | sort -u > \${outs.words}
    deps: { text: out/upper.txt }
    outs: { words: out/words.txt }
  count:
    matrix: { unit: [c, w] }
    cmd: node --import tsx count.ts
    params: [times, 'by.\${unit}']
    deps: { words: out/words.txt }
    outs: { count: 'out/count-\${unit}' }
  total:
    cmd: mkdir \${outs.total} && cat \${lists.counts} > \${outs.total}/total.txt
    deps: { counts: '\${stages.count.count}' }
    outs: { total: total }
`,
  'params.yaml': 'times: 2\nby: { c: 1, w: 1 }\n',
  'profiles/big.yaml': 'times: 100\n',
  'text.txt': 'a b a\n',
  'count.ts': `
import { readFileSync, writeFileSync } from 'node:fs';
import { scale } from './lib/scale.ts';
const { params, deps, outs, labels } = JSON.parse(readFileSync(process.env.RODADA_STAGE!, 'utf8'));
const words = readFileSync(deps.words, 'utf8');
const n = labels.unit === 'c' ? words.length : words.split('\\n').length - 1;
writeFileSync(outs.count, String(scale(n, params.times * params.by[labels.unit])) + '\\n');
`,
  'lib/scale.ts': `
// Scales.
export function scale(n: number, by: number): number {
  return n * by;
}
export function unused(n: number): number {
  return n;
}
`,
};

const all = ['upper', 'words', 'count:c', 'count:w', 'total'];

describe('repro', () => {
  it('runs everything once, then nothing', async () => {
    const project = await Project.create(files);
    const first = await project.repro();
    expect(first.summary).toMatchObject({ executed: all, restored: [], fresh: [], failed: [], skipped: [] });
    expect(first.exitCode).toBe(0);
    expect(await project.read('total/total.txt')).toBe('8\n4\n');
    const second = await project.repro();
    expect(second.summary).toMatchObject({ executed: [], restored: [], fresh: all });
  });

  it('runs only what depends on an edit, and restores when it is undone', async () => {
    const project = await Project.create(files);
    await project.repro();
    const lock = await project.read('pipeline.lock');
    await project.edit('params.yaml', 'w: 1', 'w: 3');
    const edited = await project.repro();
    expect(edited.summary.executed).toEqual(['count:w', 'total']);
    expect(edited.events).toContainEqual(
      expect.objectContaining({
        type: 'started',
        stage: 'count:w',
        reasons: [{ what: 'param', name: 'by.w', old: 1, new: 3 }],
      }),
    );
    expect(await project.read('total/total.txt')).toBe('8\n12\n');
    await project.edit('params.yaml', 'w: 3', 'w: 1');
    const undone = await project.repro();
    expect(undone.summary).toMatchObject({ executed: [], restored: ['count:w', 'total'] });
    expect(await project.read('total/total.txt')).toBe('8\n4\n');
    expect(await project.read('pipeline.lock')).toBe(lock);
  });

  it('stops where an edit makes no difference', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.write('text.txt', 'b a b\n');
    expect((await project.repro()).summary).toMatchObject({
      executed: ['upper', 'words'],
      fresh: ['count:c', 'count:w', 'total'],
    });
  });

  it('counts code as what it compiles to, and only what is imported', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.edit('lib/scale.ts', '// Scales.', '/** Multiplies. */');
    await project.edit(
      'lib/scale.ts',
      '(n: number, by: number): number',
      '(\n  n:   number, by: 1 | number,\n)',
    );
    await project.edit('lib/scale.ts', '  return n;\n', '  return -n;\n');
    expect((await project.repro()).summary.executed).toEqual([]);
    await project.edit('lib/scale.ts', 'n * by', 'n * by + 1');
    const { summary, events } = await project.repro();
    expect(summary.executed).toEqual(['count:c', 'count:w', 'total']);
    expect(events).toContainEqual(
      expect.objectContaining({
        stage: 'count:c',
        reasons: [{ what: 'code', file: 'lib/scale.ts', change: 'changed' }],
      }),
    );
  });

  it('restores outs that were deleted or edited in place', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.remove('total');
    writeFileSync(project.path('out/words.txt'), 'edited');
    const { summary } = await project.repro();
    expect(summary).toMatchObject({ executed: [], restored: ['words', 'total'] });
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    expect(await project.read('total/total.txt')).toBe('8\n4\n');
  });

  it('keeps what was there when a command fails, and names what it skips', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.edit('pipeline.yaml', 'sort -u >', 'sort -u | cat - nowhere.txt >');
    await project.write('text.txt', 'c d\n');
    const run = await project.cli('repro');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('✖ words failed. Its command ended with exit code 1.');
    expect(run.stdout).toContain('nowhere.txt: No such file or directory');
    expect(run.stdout).toMatch(/The whole log: cache\/logs\/[0-9a-f]{64}\.log/);
    expect(run.stdout).toContain('Skipped, because they need it: count:c, count:w, total');
    expect(run.stdout).toContain('✖ 1 executed, 0 restored, 0 fresh, 1 failed, 3 skipped');
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    expect(await project.read('out/upper.txt')).toBe('C D\n');
    const log = /cache\/logs\/[0-9a-f]{64}\.log/.exec(run.stdout)![0];
    expect(await project.read(log)).toContain('nowhere.txt');
  });

  it('fails a command that does not make what it declares', async () => {
    const project = await Project.create({ ...files, 'count.ts': 'console.log("nothing made");' });
    const run = await project.cli('repro', 'count:c');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('count:c failed. Its command succeeded but did not make the out `count`.');
  });

  it('goes on elsewhere with --keep-going', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  bad: { cmd: exit 3, outs: [bad.txt] }
  after: { cmd: 'cp bad.txt \${outs.after}', deps: [bad.txt], outs: { after: after.txt } }
  good: { cmd: 'echo good > \${outs.good}', outs: { good: good.txt } }
  better: { cmd: 'cp \${deps.good} \${outs.better}', deps: { good: good.txt }, outs: { better: better.txt } }
`,
      'params.yaml': '',
    });
    const { summary, exitCode } = await project.repro('--keep-going', '--jobs', '1');
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({ executed: ['good', 'better'], failed: ['bad'], skipped: ['after'] });
  });

  it('brings a target up to date with what it needs: a stage, a prefix or an instance', async () => {
    const project = await Project.create(files);
    expect((await project.repro('words')).summary.executed).toEqual(['upper', 'words']);
    expect((await project.repro('count:w')).summary.executed).toEqual(['count:w']);
    expect((await project.repro('count')).summary.executed).toEqual(['count:c']);
    expect(existsSync(project.path('total'))).toBe(false);
  });

  it('overlays a profile and --set on params.yaml', async () => {
    const project = await Project.create(files);
    await project.repro('--profile', 'big', '--set', 'by.w=0.5');
    expect(await project.read('total/total.txt')).toBe('400\n100\n');
    expect((await project.repro()).summary.executed).toEqual(['count:c', 'count:w', 'total']);
    expect((await project.repro('--profile', 'big', '--set', 'by.w=0.5')).summary).toMatchObject({
      executed: [],
      restored: ['count:c', 'count:w', 'total'],
    });
  });

  it('runs everything that is forced', async () => {
    const project = await Project.create(files);
    await project.repro();
    expect((await project.repro('--force', 'words')).summary.executed).toEqual(['upper', 'words']);
  });

  it('runs independent stages side by side, and one that takes all slots alone', async () => {
    // Each stage waits until it has seen as many others at work as it expects; alone it sees only itself.
    const meet = (n: number): string =>
      `touch at-work/$$ && i=0; until [ $(ls at-work | wc -l) -ge ${n} ]; do i=$((i+1)); [ $i -lt 400 ] || exit 9; sleep 0.05; done; `;
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  left: { cmd: '${meet(2)} echo 1 > \${outs.o}', outs: { o: left.txt } }
  right: { cmd: '${meet(2)} echo 1 > \${outs.o}', outs: { o: right.txt } }
  alone: { cmd: 'touch alone-at-work; ls at-work | wc -l > \${outs.o}; rm alone-at-work', slots: all, outs: { o: alone.txt } }
  also: { cmd: 'if [ -e alone-at-work ]; then exit 8; fi; echo 1 > \${outs.o}', outs: { o: also.txt } }
`,
      'params.yaml': '',
      'at-work/.keep': '',
    });
    const { summary } = await project.repro('--jobs', '2');
    expect(summary.failed).toEqual([]);
    expect(summary.executed).toHaveLength(4);
  });
});

describe('slots', () => {
  it('say how much of the machine a stage takes, and no more than there is', async () => {
    // Fails where another is at work.
    const alone = 'mkdir at-work || exit 8; sleep 0.4; rmdir at-work; echo 1 > ${outs.o}';
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  two: { cmd: '${alone}', slots: 2, outs: { o: two.txt } }
  more: { cmd: '${alone}', slots: 2, outs: { o: more.txt } }
  many: { cmd: '${alone}', slots: 9, outs: { o: many.txt } }
`,
      'params.yaml': '',
    });
    expect((await project.repro('--jobs', '3')).summary.executed).toHaveLength(3);
    // With room for two of them, two meet.
    const met = await project.repro('--jobs', '4', '--force', '--keep-going', 'two', 'more');
    expect(met.summary.failed).toHaveLength(1);
  });
});

describe('the store', () => {
  it('moves a damaged object aside, says so, and makes it again', async () => {
    const project = await Project.create(files);
    await project.repro();
    const { outs } = JSON.parse(await recordOf(project, 'words')) as { outs: { words: { hash: string } } };
    const { hash } = outs.words;
    const object = `cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
    writeFileSync(project.path(object), 'A\nX\n');
    await project.remove('out/words.txt');
    const { summary, events } = await project.repro();
    expect(events).toContainEqual({
      type: 'note',
      message: 'words: its cached outs are damaged and were moved to cache/quarantine; it runs again.',
    });
    expect(summary.executed).toEqual(['words']);
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    expect(await project.read(`cache/quarantine/${hash}`)).toBe('A\nX\n');
    expect(await project.read(object)).toBe('A\nB\n');
  });

  it('is not harmed by an out that is edited in place', async () => {
    const project = await Project.create(files);
    await project.repro();
    const before = statSync(project.path('out/upper.txt')).ino;
    writeFileSync(project.path('out/upper.txt'), 'other');
    expect(statSync(project.path('out/upper.txt')).ino).toBe(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['upper'] });
    expect(await project.read('out/upper.txt')).toBe('A B A\n');
  });

  it('only loses time when the memo is deleted', async () => {
    const project = await Project.create(files);
    await project.repro();
    await project.remove('cache/memo');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [], fresh: all });
  });
});

describe('pipeline.lock', () => {
  it('is rebuilt from the run records where a merge left conflict markers', async () => {
    const project = await Project.create(files);
    await project.repro();
    const lock = await project.read('pipeline.lock');
    await project.write(
      'pipeline.lock',
      lock.replace('{\n  "stage": "upper"', '<<<<<<< ours\n{\n  "stage": "upper"'),
    );
    const { summary, events } = await project.repro();
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'note',
        message: expect.stringMatching(
          /^pipeline\.lock has a damaged block at line \d+, rebuilt by this run\.$/,
        ),
      }),
    );
    expect(summary.executed).toEqual([]);
    expect(await project.read('pipeline.lock')).toBe(lock);
  });

  it('lets one run at a time work, and takes over from one that died', async () => {
    const project = await Project.create(files);
    const since = '2020-01-01T00:00:00.000Z';
    const { hostname } = await import('node:os');
    await project.write(
      'cache/run.lock/1.json',
      JSON.stringify({ pid: process.pid, host: hostname(), since }),
    );
    const held = await project.cli('repro', '--no-wait');
    expect(held.exitCode).toBe(1);
    expect(held.stdout).toContain(
      `error: Another run is at work here: pid ${process.pid} on ${hostname()}, since ${since}.`,
    );
    const { pid } = await import('node:child_process').then(({ spawnSync }) => spawnSync('true'));
    await project.write('cache/run.lock/1.json', JSON.stringify({ pid, host: hostname(), since }));
    expect((await project.repro()).summary.executed).toEqual(all);
  });
});

/** The run record of the last run of a stage, found through the lock. */
async function recordOf(project: Project, stage: string): Promise<string> {
  const lock = await project.read('pipeline.lock');
  const block = lock.split('\n\n').find((text) => text.includes(`"stage": "${stage}"`))!;
  const { key } = JSON.parse(block) as { key: string };
  return readFileSync(project.path(`cache/runs/${key}.json`), 'utf8');
}
