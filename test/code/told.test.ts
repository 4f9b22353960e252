// What the engine can't see or can't honour, it says: code that it does not find, files that nobody declares, and params.yaml read by a script.
import { spawnSync } from 'node:child_process';
import { truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Project } from '../support/project.ts';
import { oneStage } from './one-stage.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;

const projectOf = (cmd: string, files: Record<string, string> = {}, more = ''): Promise<Project> =>
  oneStage(
    cmd,
    {
      'params.yaml': 'lr: 1\nother: 2\ngates: []\n',
      'profiles/fast.yaml': 'lr: 5\n',
      'package.json': '{"type":"module"}',
      ...files,
    },
    more,
  );

const warningsOf = async (project: Project, ...args: string[]): Promise<string[]> => {
  const { stdout } = await project.cli('status', ...args);
  return stdout.split('\n').filter((line) => line.startsWith('warning:'));
};

describe('code that is not found', () => {
  it.each([
    ['python3 -m nowhere', 'python3 -m nowhere'],
    ['X=$(date); python3 "$X.py"', 'python3 …'],
    ['python3 /opt/tool.py', 'python3 /opt/tool.py'],
    ['cd "$HOME" && python3 x.py', 'python3 x.py'],
    ['Rscript "$HOME/x.R"', 'Rscript …'],
    ['sh missing.sh', 'sh missing.sh'],
    ['$TOOL --fast', '… --fast'],
  ])('gets one warning: %s', async (cmd, shown) => {
    const project = await projectOf(cmd, {}, '    params: [lr, other]\n');
    expect(await warningsOf(project)).toEqual([
      `warning: \`a\` runs \`${shown}\`, whose code is not found in the project. If it may change, name it under \`deps\`; otherwise an edit reruns nothing.`,
    ]);
  });

  it.each([
    'echo one | sort > ${outs.o}',
    'cp in.txt ${outs.o}',
    'curl -s https://localhost/x -o ${outs.o}',
    "awk '{ print $1 }' in.txt > ${outs.o}",
    'python3 -c "print(1)" > ${outs.o}',
    "node -e 'console.log(1)' > ${outs.o}",
    'python3 x.py > ${outs.o}',
    'cat x.py > "$PWD/gen.py" && python3 gen.py > ${outs.o}; rm gen.py',
    'python3 x.py && python3 -m pytest > ${outs.o}',
    'bash run.sh x.py > ${outs.o}',
    'bash --version > ${outs.o}',
  ])('is not said of plain commands: %s', async (cmd) => {
    const project = await projectOf(
      cmd,
      { 'in.txt': '', 'x.py': '', 'run.sh': 'exec python3 "$@"\n' },
      '    params: [lr, other]\n    outs: { o: o.txt }\n',
    );
    expect(await warningsOf(project)).toEqual([]);
  });

  it('is not said of a stage that depends on its code', async () => {
    const project = await projectOf(
      'python3 "$HOME/x.py"',
      { 'lib/x.py': '' },
      '    params: [lr, other]\n    deps: [lib]\n',
    );
    expect(await warningsOf(project)).toEqual([]);
  });

  it('is said of Python that computes names of modules', async () => {
    const project = await projectOf(
      'python3 x.py',
      { 'x.py': 'import importlib, sys\nimportlib.import_module(sys.argv[1])\n' },
      '    params: [lr, other]\n',
    );
    expect(await warningsOf(project)).toEqual([
      'warning: `x.py`, which `a` runs, imports modules whose names it computes. Name them under `deps`; otherwise an edit of them reruns nothing.',
    ]);
  });
});

describe('a file that nobody declares', () => {
  it('and that a command leaves in the project is named', async () => {
    const project = await projectOf(
      'echo 1 | tee train.log > ${outs.o}; echo > tmp.txt; rm tmp.txt',
      {},
      '    params: [lr, other]\n    outs: { o: o.txt }\n',
    );
    expect(await warningsOf(project)).toEqual([]);
    expect((await project.repro()).summary.executed).toEqual(['a']);
    expect(await warningsOf(project)).toEqual([
      'warning: `train.log`, which `a` names, appeared while it ran and is none of its outs. If its command made it, declare it as an out and write to `${outs.…}`, or write it outside of the project.',
    ]);
  });

  it('and that a run has made is named at once', async () => {
    const project = await projectOf(
      'sh w.sh made.txt > ${outs.o}',
      { 'w.sh': 'date > $1\n' },
      '    params: [lr, other]\n    outs: { o: o.txt }\n',
    );
    const { events } = await project.repro();
    expect(events).toContainEqual({
      type: 'warning',
      warning: { what: 'undeclared-write', stage: 'a', path: 'made.txt' },
    });
  });

  it('and that is large is named', async () => {
    const project = await projectOf('wc -c big.bin', { 'big.bin': '' }, '    params: [lr, other]\n');
    await truncate(project.path('big.bin'), 100_000_000);
    expect(await warningsOf(project)).toEqual([
      'warning: `a` names `big.bin` (100 MB) in its command. Name it under `deps`, too, so that everybody sees that it is an input.',
    ]);
    await project.edit('pipeline.yaml', 'params:', 'deps: [big.bin]\n    params:');
    expect(await warningsOf(project)).toEqual([]);
  });
});

describe('a stage that reads params.yaml itself', () => {
  const python = `import re
print(re.search(r'lr: (\\d+)', open('params.yaml').read())[1])
`;
  const node = `import { readFileSync } from 'node:fs';
import { join } from 'node:path';
// A comment may say 'params.yaml' as it likes.
console.log(readFileSync(join(process.cwd(), 'params.yaml'), 'utf8'));
`;
  const kinds: [what: string, cmd: string, files: Record<string, string>, by: string][] = [
    ['in its command', 'grep lr params.yaml > ${outs.o}', {}, ''],
    ['behind a folder', 'cd sub; cat ../params.yaml > ${outs.o}', { 'sub/x': '' }, ''],
    ['by its absolute path', 'cat "$PWD/params.yaml" > ${outs.o}', {}, ''],
    ['in a script of the shell', 'sh x.sh > ${outs.o}', { 'x.sh': 'cat params.yaml\n' }, ''],
    [
      'in JavaScript',
      'node x.mjs > ${outs.o}',
      { 'x.mjs': "import './lib.mjs';\n", 'lib.mjs': node },
      ' (`lib.mjs`)',
    ],
    ...(hasPython
      ? ([
          [
            'in Python',
            'python3 x.py > ${outs.o}',
            { 'x.py': 'import lib\n', 'lib.py': python },
            ' (`x.py`)',
          ],
          [
            'in Python, by a computed path',
            'python3 x.py > ${outs.o}',
            { 'x.py': "import os\nprint(open(os.path.join(os.getcwd(), 'params.yaml')).read())\n" },
            ' (`x.py`)',
          ],
        ] as typeof kinds)
      : []),
  ];

  it.each(kinds)('%s runs again when that changes, and is told', async (_, cmd, files, by) => {
    const project = await projectOf(cmd, files, '    outs: { o: o.txt }\n');
    expect((await project.repro()).summary.executed).toEqual(['a']);
    const warnings = (await warningsOf(project)).filter((line) => line.includes('itself'));
    expect(warnings).toEqual([
      `warning: \`a\` reads params.yaml itself${by}, so every change of that file reruns it. Name its parameters under \`params\`, and read them from the file that RODADA_STAGE names.`,
    ]);
    expect((await project.repro()).summary.fresh).toEqual(['a']);
    await project.edit('params.yaml', 'lr: 1', 'lr: 7');
    expect((await project.repro()).summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toContain('7');
  });

  it.each(kinds)('%s is refused under --set and --profile', async (_, cmd, files, by) => {
    const project = await projectOf(cmd, files, '    outs: { o: o.txt }\n');
    for (const [option, ...args] of [
      ['--set', '--set', 'lr=3'],
      ['--profile', '--profile', 'fast'],
    ])
      for (const verb of ['repro', 'status']) {
        const { exitCode, stdout } = await project.cli(verb, ...args);
        expect(stdout).toContain(
          `error: \`a\` reads params.yaml itself${by}, so it would not see the values of \`${option}\`.`,
        );
        expect(exitCode).toBe(2);
      }
  });

  it('as a dependency is refused under --set, too', async () => {
    const project = await projectOf(
      'cat ${deps.p} > ${outs.o}',
      {},
      '    deps: { p: params.yaml }\n    outs: { o: o.txt }\n',
    );
    expect((await project.repro()).summary.executed).toEqual(['a']);
    const { exitCode, stdout } = await project.cli('repro', '--set', 'lr=3');
    expect(stdout).toContain('error: `a` depends on params.yaml, so it would not see the values of `--set`.');
    expect(exitCode).toBe(2);
  });

  it('is not one that only speaks of it', async () => {
    const project = await projectOf(
      'node x.mjs > ${outs.o}',
      {
        'x.mjs': `// 'params.yaml' holds the parameters.
/* "params.yaml" */
import { readFileSync } from 'node:fs';
console.log(JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8')).params.lr, 'as params.yaml has it');
`,
      },
      '    params: [lr]\n    outs: { o: o.txt }\n',
    );
    expect((await project.repro('--set', 'lr=3')).summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toContain('3');
  });
});
