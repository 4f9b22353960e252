// Which files of the project a command runs or reads, as a shell would find them; each edit of one runs the stage again.
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { counting, oneStage } from './one-stage.ts';

describe('a script that a command names counts', () => {
  it.each<[what: string, cmd: string, files: Record<string, string>]>([
    ['in double quotes', 'sh "my scripts/x y.sh"', { 'my scripts/x y.sh': 'true\n' }],
    ['in single quotes', "sh 'my scripts/x y.sh'", { 'my scripts/x y.sh': 'true\n' }],
    ['with backslashes', 'sh my\\ scripts/x\\ y.sh', { 'my scripts/x y.sh': 'true\n' }],
    ['partly in quotes', 'sh "my scripts"/x.sh', { 'my scripts/x.sh': 'true\n' }],
    ['with a dollar in quotes', "sh 'a$b.sh'", { 'a$b.sh': 'true\n' }],
    ['after cd', 'cd sub && sh x.sh', { 'sub/x.sh': 'true\n' }],
    [
      'after cd and a semicolon',
      'cd sub; cd deep; sh ../x.sh; sh y.sh',
      { 'sub/x.sh': 'true\n', 'sub/deep/y.sh': 'true\n' },
    ],
    [
      'in a subshell after cd, and after it',
      '(cd sub && sh x.sh) && sh y.sh',
      { 'sub/x.sh': 'true\n', 'y.sh': 'true\n' },
    ],
    [
      'after pushd and popd',
      "bash -c 'pushd sub; sh x.sh; popd; sh y.sh'",
      { 'sub/x.sh': 'true\n', 'y.sh': 'true\n' },
    ],
    [
      'on a line of its own',
      'set -e\ncd sub\nsh x.sh\ncd ..\nsh y.sh',
      { 'sub/x.sh': 'true\n', 'y.sh': 'true\n' },
    ],
    ['in a folder that env changes to', 'env -C sub sh x.sh', { 'sub/x.sh': 'true\n' }],
    ['by itself', 'chmod +x x.sh && ./x.sh', { 'x.sh': '#!/bin/sh\ntrue\n' }],
    [
      'by itself, without an ending',
      'chmod +x run && ./run',
      { run: '#!/bin/sh\n. ./lib.sh\n', 'lib.sh': 'true\n' },
    ],
    ['sourced', '. ./lib.sh', { 'lib.sh': 'true\n' }],
    [
      'through a variable',
      'D=sub; sh $D/x.sh; sh "\\${D}/y.sh"',
      { 'sub/x.sh': 'true\n', 'sub/y.sh': 'true\n' },
    ],
    ['in a loop', 'for n in x y; do sh $n.sh; done', { 'x.sh': 'true\n', 'y.sh': 'true\n' }],
    ['in a substitution', 'echo "$(sh x.sh)" `sh y.sh`', { 'x.sh': 'true\n', 'y.sh': 'true\n' }],
    ['in a function', 'f() { sh x.sh; }; cd sub; f', { 'sub/x.sh': 'true\n' }],
    ['in the text of bash -c', "bash -euc 'cd sub && sh x.sh'", { 'sub/x.sh': 'true\n' }],
    ['behind other programs', 'nice -n 1 env A=1 sh x.sh', { 'x.sh': 'true\n' }],
    ['as what is read', 'sh < x.sh', { 'x.sh': 'true\n' }],
    ['by its absolute path', 'sh "$PWD/x.sh"', { 'x.sh': 'true\n' }],
    [
      'with make',
      'make -s',
      { Makefile: 'all:\n\t@sh tools/x.sh\ninclude more.mk\n', 'tools/x.sh': 'true\n', 'more.mk': '' },
    ],
    ['with make -C', 'make -s -C sub', { 'sub/Makefile': 'all:\n\t@sh x.sh\n', 'sub/x.sh': 'true\n' }],
    [
      'by a name that Node completes',
      'node x && node sub && node deep/',
      {
        'x.js': "require('./lib');\n",
        'lib.js': '1;\n',
        'sub/index.js': '1;\n',
        'deep/package.json': '{ "main": "start" }',
        'deep/start.js': '1;\n',
      },
    ],
    ['given to make with -f', 'make -s -fbuild.mk', { 'build.mk': 'all:\n\t@true\n' }],
    [
      'as data',
      'cat < in.txt | sort - "more data.txt" --output=/dev/null',
      { 'in.txt': '', 'more data.txt': '' },
    ],
    ['by a pattern', 'cat data/*.csv > /dev/null', { 'data/a.csv': '', 'data/b.csv': '' }],
    ['as an option', 'true --config=conf.yaml', { 'conf.yaml': '' }],
    [
      'with the modules that it sources',
      'bash tools/run.sh',
      {
        'tools/run.sh':
          'HERE="$(cd "$(dirname "$0")" && pwd)"\n. "$HERE/lib.sh"\nsource "$(dirname "${BASH_SOURCE[0]}")/../more.sh"\nsh inner.sh\n',
        'tools/lib.sh': '',
        'more.sh': '',
        'inner.sh': 'true\n',
      },
    ],
  ])('%s', async (_, cmd, files) => {
    const project = await oneStage(cmd, files);
    const code = Object.keys(files).filter((file) => !file.endsWith('.json'));
    expect(await counting(project, code)).toEqual(code);
  });
});

it('counts a new file that a pattern matches', async () => {
  const project = await oneStage('cat data/*.csv > /dev/null', { 'data/a.csv': '' });
  await project.repro();
  await project.write('data/b.csv', '');
  expect((await project.repro()).summary.executed).toEqual(['a']);
});

describe('a file that a command writes and names', () => {
  it.each([
    'date +%N | tee train.log > ${outs.o}',
    'date +%N > train.log; cat train.log > ${outs.o}',
    'date +%N >> train.log; echo > ${outs.o}',
    '{ date +%N; echo > ${outs.o}; } > train.log 2>&1',
    'date +%N 2> train.log > ${outs.o}; date +%N >&2 2>> train.log',
    'bash -c "date +%N &> train.log"; echo > ${outs.o}',
    'date +%N > "train.log"; cp train.log ${outs.o}; cp ${outs.o} "train.log"',
    'cd sub && date +%N > ../train.log; echo > ${outs.o}',
    'mkdir -p sub; date +%N | tee -a sub/../train.log > ${outs.o}',
    'date +%N > x.tmp && mv x.tmp train.log; echo > ${outs.o}',
    'date +%N | dd of=train.log status=none; echo > ${outs.o}',
    'date +%N | sort -o train.log; echo > ${outs.o}',
    'sh w.sh --log-path train.log > ${outs.o}',
    'sh w.sh --x y --save_to=train.log > ${outs.o}; date +%N > train.log',
  ])('leaves the stage fresh: %s', async (cmd) => {
    const project = await oneStage(
      cmd,
      { 'sub/x': '', 'w.sh': 'date +%N > train.log\n' },
      '    outs: { o: o.txt }\n',
    );
    expect((await project.repro()).summary.executed).toEqual(['a']);
    const { stdout, exitCode } = await project.cli('status');
    expect(exitCode, stdout).toBe(0);
  });
});

describe('a large file that a command names', () => {
  it('is hashed in pieces, counts, and stops no verb', async () => {
    const project = await oneStage('stat big.bin', {});
    await writeFile(project.path('big.bin'), '');
    await truncate(project.path('big.bin'), 3 * 2 ** 30);
    const { stdout, exitCode } = await project.cli('repro');
    expect(exitCode, stdout).toBe(0);
    for (const verb of ['status', 'why']) {
      const args = verb === 'why' ? ['why', 'a'] : [verb];
      expect((await project.cli(...args)).exitCode).toBe(0);
    }
    await truncate(project.path('big.bin'), 3 * 2 ** 30 + 1);
    expect((await project.cli('status')).stdout).toContain('a would run (big.bin changed)');
  }, 120_000);
});

it('takes no folder for code', async () => {
  const project = await oneStage('ls data', {});
  await mkdir(project.path('data'));
  expect((await project.repro()).summary.executed).toEqual(['a']);
});
