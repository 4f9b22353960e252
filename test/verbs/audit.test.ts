// `repro --audit STAGE` names the files of the project that a stage reads or writes without declaring them.
import { spawnSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../engine/event.ts';
import { Project } from '../support/project.ts';

const traced = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']);
const why = traced.error !== undefined ? 'strace is not installed' : 'strace does not work here';
if (traced.status !== 0) console.log(`The tests of --audit are skipped: ${why}.`);

const hasPython = spawnSync('python3', ['--version']).status === 0;

const projectOf = (cmd: string, files: Record<string, string> = {}, more = ''): Promise<Project> =>
  Project.create({
    'pipeline.yaml': `stages:\n  first: { cmd: 'echo 1 > \${outs.f}', outs: { f: first.txt } }\n  a:\n    cmd: |\n      ${cmd.replaceAll('\n', '\n      ')}\n    outs: { o: o.txt }\n${more}`,
    'params.yaml': '',
    ...files,
  });

type Audited = Extract<Event, { type: 'audit' }>;

async function audited(project: Project, ...args: string[]): Promise<Audited[]> {
  const { events, exitCode } = await project.repro('--audit', 'a', ...args);
  expect(exitCode).toBe(0);
  return events.filter((event) => event.type === 'audit');
}

describe.runIf(traced.status === 0)('repro --audit (needs strace, and leave to trace)', () => {
  it('lists what a stage reads and writes without declaring it', async () => {
    const project = await projectOf(
      `cat \${deps.in} "$(printf 'hid\\144en é ü.txt')" $(echo data)/deep/x.csv > \${outs.o}
cd sub
P=$(echo ..); echo 1 > $P/side.txt; mv $P/side.txt "$P/mo ved.txt"
echo 1 > $P/temp; rm $P/temp
(echo 2 >> $P/log.txt) &
wait; test -e $P/unread.txt; ls $P/data > /dev/null`,
      {
        'in.txt': 'in',
        'hidden é ü.txt': '1',
        'data/deep/x.csv': '2',
        'sub/x': '',
        'unread.txt': '',
      },
      '    deps: { in: in.txt }\n',
    );
    expect(await audited(project)).toEqual([
      {
        type: 'audit',
        stage: 'a',
        reads: ['data/deep/x.csv', 'hidden é ü.txt'],
        writes: ['log.txt', 'mo ved.txt'],
      },
    ]);
    expect(await project.read('o.txt')).toBe('in12');
    const { stdout } = await project.cli('repro', '--audit', 'a');
    expect(stdout).toContain(`• a does not declare all that it reads and writes:
  It reads these files of the project; add them to \`deps\`:
    data/deep/x.csv
    hidden é ü.txt
  It writes these files of the project; declare them under \`outs\` and write to \`\${outs.…}\`:
    log.txt
    mo ved.txt
`);
  });

  it('says if all is declared, and runs a stage that is fresh', async () => {
    const project = await projectOf(
      'cat ${deps.in} first.txt > ${outs.o}',
      { 'in.txt': 'in' },
      '    deps: { in: in.txt, f: first.txt }\n',
    );
    expect((await project.repro()).summary.executed).toEqual(['first', 'a']);
    const { events, summary } = await project.repro('--audit', 'a');
    expect(summary).toMatchObject({ executed: ['a'], fresh: ['first'] });
    expect(events).toContainEqual({ type: 'audit', stage: 'a', reads: [], writes: [] });
    expect((await project.cli('repro', '--audit', 'a')).stdout).toContain(
      '• a reads and writes only what it declares.',
    );
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('takes code that counts for declared, of JavaScript and its packages, too', async () => {
    const project = await projectOf('node x.mjs > ${outs.o}', {
      'package.json': '{"type":"module"}',
      'x.mjs':
        "import './lib.mjs';\nimport pc from 'picocolors';\nimport { readFileSync } from 'node:fs';\nconst name = 'in';\nconsole.log(readFileSync(name + '.txt', 'utf8'), pc.red('x'));\n",
      'lib.mjs': '',
      'in.txt': '',
    });
    expect(await audited(project)).toMatchObject([{ reads: ['in.txt'], writes: [] }]);
  });

  it.runIf(hasPython)('sees what threads and processes of Python read', async () => {
    const project = await projectOf('python3 x.py > ${outs.o}', {
      'x.py': `import os, subprocess, threading
import lib.m
names = ['a', 'b', 'c']
def read(name): open('data/' + name).read()
threads = [threading.Thread(target=read, args=(name,)) for name in names]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.chdir('data')
subprocess.run(['cat', 'd'], check=True, cwd='deep')
fd = os.open('deep', os.O_RDONLY)
os.fchdir(fd)
os.rename('e', 'f'); os.rename('f', 'e')
`,
      'lib/m.py': '',
      'data/a': '',
      'data/b': '',
      'data/c': '',
      'data/deep/d': '',
      'data/deep/e': '',
    });
    expect(await audited(project)).toMatchObject([
      { reads: ['data/a', 'data/b', 'data/c', 'data/deep/d'], writes: ['data/deep/e'] },
    ]);
  });

  it('names a file by the path behind its link', async () => {
    const project = await projectOf('cat "$(echo link).txt" > ${outs.o}', { 'data/real.txt': '1' });
    await symlink('data/real.txt', project.path('link.txt'));
    expect(await audited(project)).toMatchObject([{ reads: ['data/real.txt'] }]);
  });

  it('keeps the exit code of a command that fails', async () => {
    const project = await projectOf('cat "$(echo in).txt"; exit 7', { 'in.txt': '' });
    const { exitCode, stdout } = await project.cli('repro', '--audit', 'a');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Its command ended with exit code 7.');
    expect(stdout).toContain('    in.txt\n');
  });

  it('needs the name of a stage', async () => {
    const project = await projectOf('true > ${outs.o}');
    const { exitCode, stdout } = await project.cli('repro', '--audit', 'b');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('b');
  });
});

it('says why it audits nothing, and brings the stage up to date', async () => {
  const project = await projectOf('echo 1 > ${outs.o}');
  const path = process.env.PATH;
  await project.write('bin/keep', '');
  for (const tool of ['bash', 'sh', 'git']) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    if (found !== '') await symlink(found, project.path(`bin/${tool}`));
  }
  process.env.PATH = project.path('bin');
  try {
    const { exitCode, stdout } = await project.cli('repro', '--audit', 'a');
    expect(stdout).toContain('`a` is not audited: `strace` is not installed.');
    expect(stdout).toContain('✔ a');
    expect(exitCode).toBe(0);
  } finally {
    process.env.PATH = path;
  }
});
