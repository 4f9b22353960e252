// Stamps of files: an edit is seen however little it changes of size and times, and nothing is read in vain.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startRepro } from '../safety/processes.ts';
import { Project } from '../support/project.ts';
import { beginningOfSecond, type CoarseDisk, mountCoarseDisk } from './coarse-clock.ts';

/** `copy` reads `in.txt`, or what else its file names, when `wait` has seen the file `go`. */
const files = (input: string): Record<string, string> => ({
  'pipeline.yaml': `
stages:
  wait: { cmd: 'sh wait.sh > \${outs.out}', outs: { out: wait.txt } }
  copy:
    cmd: 'cat \${deps.wait} \${deps.in}/* > \${outs.out}'
    deps: { wait: wait.txt, in: ${input} }
    outs: { out: out.txt }
`,
  'params.yaml': '',
  // Nobody can read the name `go` in this code, so that file is no part of it.
  'wait.sh': 'while [ ! -e "$(printf g%s o)" ]; do sleep 0.02; done; echo 1\n',
});

const disk = mountCoarseDisk();
afterAll(() => {
  if (typeof disk !== 'string') disk.dispose();
});

const missing = typeof disk === 'string' ? `; ${disk}` : '';

describe.skipIf(missing !== '')(`on a disk with times in whole seconds (needs root${missing})`, () => {
  const { path } = disk as CoarseDisk;

  /** Rewrites a file with as many bytes in the second in which the engine has looked at it; tries until both fit into one. */
  async function rewriteInOneSecond(project: Project, file: string): Promise<void> {
    for (let attempt = 1; attempt <= 30; attempt++) {
      for (const made of ['go', 'wait.txt', 'out.txt', 'pipeline.lock', 'cache'])
        spawnSync('rm', ['-rf', project.path(made)]);
      await project.write(file, 'older\n');
      const run = startRepro(project);
      await run.event((event) => event.type === 'started' && event.stage === 'wait');
      await beginningOfSecond();
      await project.write(file, 'one\n');
      const before = statSync(file.startsWith('/') ? file : project.path(file), { bigint: true });
      await project.write('go', '');
      await run.event((event) => event.type === 'executed' && event.stage === 'copy');
      await project.write(file, 'two\n');
      const after = statSync(file.startsWith('/') ? file : project.path(file), { bigint: true });
      expect((await run.ended).exitCode).toBe(0);
      expect(await project.read('out.txt')).toBe('1\none\n');
      if (before.ctimeNs === after.ctimeNs && before.ino === after.ino) return;
    }
    throw new Error('this machine is too slow to write, run and write again within a second');
  }

  async function expectSeen(project: Project): Promise<void> {
    const status = await project.cli('status');
    expect(status.stdout).toContain('copy would run (in');
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('1\ntwo\n');
    expect((await project.cli('status')).exitCode).toBe(0);
  }

  it('sees a dependency that is rewritten with as many bytes in the second of the run', async () => {
    const project = await onDisk(path, { ...files('in'), 'in/a.txt': '' });
    await rewriteInOneSecond(project, 'in/a.txt');
    await expectSeen(project);
  }, 300_000);

  it('sees the same in a dependency on such a disk, of a project on another', async () => {
    const project = await Project.create({ ...files('in') });
    mkdirSync(project.path('in'));
    mkdirSync(join(path, 'in'), { recursive: true });
    expect(spawnSync('mount', ['--bind', join(path, 'in'), project.path('in')]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [project.path('in')]));
    await rewriteInOneSecond(project, 'in/a.txt');
    await expectSeen(project);
    spawnSync('umount', [project.path('in')]);
  }, 300_000);

  it('sees an out that is rewritten by hand in the second in which it was published', async () => {
    const project = await onDisk(path, { ...files('in'), 'in/a.txt': 'one\n' });
    for (let attempt = 1; ; attempt++) {
      for (const made of ['go', 'wait.txt', 'out.txt', 'pipeline.lock', 'cache'])
        spawnSync('rm', ['-rf', project.path(made)]);
      const run = startRepro(project);
      await run.event((event) => event.type === 'started' && event.stage === 'wait');
      await beginningOfSecond();
      await project.write('go', '');
      await run.event((event) => event.type === 'executed' && event.stage === 'copy');
      const before = statSync(project.path('out.txt'), { bigint: true });
      await project.write('out.txt', '1\ntwo\n');
      const after = statSync(project.path('out.txt'), { bigint: true });
      expect((await run.ended).exitCode).toBe(0);
      if (before.ctimeNs === after.ctimeNs) break;
      expect(attempt).toBeLessThan(30);
    }
    expect((await project.cli('status')).stdout).toContain('copy would be restored (out.txt');
    expect((await project.repro()).summary.restored).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('1\none\n');
  }, 300_000);

  it('sees code that is rewritten with as many bytes in the second of the run', async () => {
    const project = await onDisk(path, {
      ...files('in'),
      'in/a.txt': 'in\n',
      'copy.sh': '',
    });
    await project.edit(
      'pipeline.yaml',
      'cat ${deps.wait} ${deps.in}/*',
      'sh copy.sh ${deps.wait} ${deps.in}/*',
    );
    for (let attempt = 1; ; attempt++) {
      for (const made of ['go', 'wait.txt', 'out.txt', 'pipeline.lock', 'cache'])
        spawnSync('rm', ['-rf', project.path(made)]);
      await project.write('copy.sh', 'cat "$@" # \n');
      const run = startRepro(project);
      await run.event((event) => event.type === 'started' && event.stage === 'wait');
      await beginningOfSecond();
      await project.write('copy.sh', 'cat "$1" # 1\n');
      const before = statSync(project.path('copy.sh'), { bigint: true });
      await project.write('go', '');
      await run.event((event) => event.type === 'executed' && event.stage === 'copy');
      await project.write('copy.sh', 'cat "$2" # 2\n');
      const after = statSync(project.path('copy.sh'), { bigint: true });
      expect((await run.ended).exitCode).toBe(0);
      if (before.ctimeNs === after.ctimeNs) break;
      expect(attempt).toBeLessThan(30);
    }
    expect(await project.read('out.txt')).toBe('1\n');
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('in\n');
  }, 300_000);
});

/** A project on a disk of its own. */
async function onDisk(path: string, content: Readonly<Record<string, string>>): Promise<Project> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = path;
  try {
    return await Project.create(content);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

describe('an edit that leaves size and time as they were', () => {
  const copy = {
    'pipeline.yaml':
      "stages: { copy: { cmd: 'sh copy.sh ${deps.in} > ${outs.out}', deps: { in: in }, outs: { out: out.txt } } }\n",
    'params.yaml': '',
    'copy.sh': 'cat "$1"/*\n',
    'in/a.txt': 'one\n',
  };
  const time = new Date('2020-02-02T02:02:02Z');
  let project: Project;
  beforeAll(async () => {
    project = await Project.createForSuite(copy);
    utimesSync(project.path('in/a.txt'), time, time);
    utimesSync(project.path('copy.sh'), time, time);
    await project.repro();
    expect((await project.repro()).summary.fresh).toEqual(['copy']);
    return () => project.dispose();
  });

  it('is seen in a dependency over which an archive is unpacked', async () => {
    await project.write('archived/a.txt', 'two\n');
    const tar = spawnSync(
      'sh',
      [
        '-c',
        'tar --mtime=2020-02-02T02:02:02Z -cf a.tar -C archived a.txt && tar --overwrite -xf a.tar -C in',
      ],
      { cwd: project.root, encoding: 'utf8' },
    );
    expect(tar.stderr).toBe('');
    expect(statSync(project.path('in/a.txt')).mtimeMs).toBe(time.getTime());
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('two\n');
  });

  it('is seen in code', async () => {
    await project.write('copy.sh', 'tac "$1"/*\n');
    utimesSync(project.path('copy.sh'), time, time);
    expect((await project.cli('status')).stdout).toContain('copy would run (copy.sh changed');
    expect((await project.repro()).summary.executed).toEqual(['copy']);
  });

  it('is seen in an out', async () => {
    const { atime, mtime } = statSync(project.path('out.txt'));
    await project.write('out.txt', 'bad\n');
    utimesSync(project.path('out.txt'), atime, mtime);
    expect((await project.repro()).summary.restored).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('two\n');
  });
});

it('reads no file again that a restored directory shares with the one before', async () => {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  make:
    cmd: 'mkdir \${outs.out} && for i in $(seq 40); do echo $i > \${outs.out}/$i.txt; done && echo \${text} > \${outs.out}/text.txt'
    outs: { out: out }
`,
    'params.yaml': 'text: one\n',
  });
  await project.repro();
  await project.write('params.yaml', 'text: two\n');
  await project.repro();
  expect((await project.repro()).summary.fresh).toEqual(['make']);
  const inode = statSync(project.path('out/7.txt')).ino;
  await project.write('params.yaml', 'text: one\n');
  expect((await project.repro()).summary.restored).toEqual(['make']);
  expect(statSync(project.path('out/7.txt')).ino).toBe(inode);
  expect(statSync(project.path('out/7.txt')).nlink).toBe(1);
  // Whoever reads a file that has changed since it was last read, if only in its links, changes the time of its last reading.
  const readAt = (i: number): bigint => statSync(project.path(`out/${i}.txt`), { bigint: true }).atimeNs;
  const times = Array.from({ length: 39 }, (_, i) => readAt(i + 1));
  expect((await project.cli('status')).exitCode).toBe(0);
  expect(Array.from({ length: 39 }, (_, i) => readAt(i + 1))).toEqual(times);
  readFileSync(project.path('out/40.txt'));
  readFileSync(project.path('out/1.txt'));
  expect(readAt(1)).toBeGreaterThan(times[0]!);
});
