// Inputs that change while a stage waits or runs: what it made is never recorded as if they had not.
import { existsSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Event, Summary } from '../../engine/event.ts';
import { startRepro } from '../safety/processes.ts';
import { Project } from '../support/project.ts';

/** Makes the file `started.N` in its N-th run, and waits for the file `go.N`. Nobody can read these names in the code. */
const gate = `n=1; while [ -e "$(printf started.%s $n)" ]; do n=$((n + 1)); done
: > "$(printf started.%s $n)"
while [ ! -e "$(printf go.%s $n)" ]; do sleep 0.02; done
`;

/** A stage `b` that reads its inputs, waits, and reads them again. */
const files = {
  'pipeline.yaml': `
stages:
  b:
    cmd: sh b.sh \${deps.in} \${deps.folder} \${lists.list} > \${outs.out}
    deps: { in: in.txt, folder: folder, list: 'list/*.txt' }
    outs: { out: out.txt }
`,
  'params.yaml': '',
  'gate.sh': gate,
  'b.sh': '. ./gate.sh; cat "$1"; shift; cat "$1"/*; shift; cat "$@"; echo code one\n',
  'in.txt': 'in one\n',
  'folder/f.txt': 'folder one\n',
  'folder/sub/g.txt': 'unread\n',
  'list/1.txt': 'list one\n',
};

const clean = { ...files, 'b.sh': files['b.sh'].replace('cat "$1"/*', 'cat "$1"/f.txt') };

interface Run {
  readonly summary: Summary;
  readonly events: readonly Event[];
  /** What was said of reruns: stage and path. */
  readonly reruns: readonly (readonly [string, string])[];
  readonly failures: readonly string[];
}

/** Runs repro and does something while a run of the gated stage is at work: first in its first run, then in its second. */
async function repro(
  project: Project,
  meanwhile: readonly (() => unknown)[],
  args: string[] = [],
): Promise<Run> {
  for (let i = 1; i < 9; i++)
    for (const file of [`started.${i}`, `go.${i}`]) rmSync(project.path(file), { force: true });
  const run = startRepro(project, args);
  let open = true;
  void run.ended.then(() => {
    open = false;
  });
  for (let i = 1; open && i < 9; i++) {
    while (open && !existsSync(project.path(`started.${i}`))) await delay(10);
    if (!open) break;
    await meanwhile[i - 1]?.();
    await project.write(`go.${i}`, '');
  }
  await run.ended;
  return {
    events: run.events,
    summary: run.events.at(-1) as Summary,
    reruns: run.events.flatMap((event) =>
      event.type === 'rerun' ? [[event.stage, event.path] as const] : [],
    ),
    failures: run.events.flatMap((event) =>
      event.type === 'failure' && event.failure.reason === 'stage' ? [event.failure.message] : [],
    ),
  };
}

const clear = (project: Project): void => {
  for (const path of ['out.txt', 'pipeline.lock', 'cache'])
    rmSync(project.path(path), { recursive: true, force: true });
};

describe('while a stage runs, a change of', () => {
  const changes: Record<
    string,
    (project: Project) => { name: string; change: () => unknown; undo: () => unknown }
  > = {
    'a dependency': (project) => ({
      name: 'in.txt',
      change: () => project.write('in.txt', 'in two\n'),
      undo: () => project.write('in.txt', 'in one\n'),
    }),
    'a file in a directory': (project) => ({
      name: 'folder/f.txt',
      change: () => project.write('folder/f.txt', 'folder two\n'),
      undo: () => project.write('folder/f.txt', 'folder one\n'),
    }),
    'its script': (project) => ({
      name: 'b.sh',
      change: () => project.edit('b.sh', 'code one', 'code two'),
      undo: () => project.edit('b.sh', 'code two', 'code one'),
    }),
    'what a glob matches, by one file more': (project) => ({
      name: 'list/2.txt',
      change: () => project.write('list/2.txt', 'list two\n'),
      undo: () => unlinkSync(project.path('list/2.txt')),
    }),
  };
  for (const [what, make] of Object.entries(changes)) {
    it(`${what} makes it run again with the new state, and is named`, async () => {
      const project = await Project.create(clean);
      const { name, change, undo } = make(project);
      const run = await repro(project, [change]);
      expect(run.failures).toEqual([]);
      expect(run.reruns).toEqual([['b', name]]);
      expect(run.summary.executed).toEqual(['b']);
      const out = await project.read('out.txt');
      expect(out).toContain('two');
      expect((await project.cli('status')).exitCode).toBe(0);
      // Nothing is stored under the key of the old state, and the new state's key gives what a clean build gives.
      await undo();
      expect((await repro(project, [])).summary.executed).toEqual(['b']);
      expect(await project.read('out.txt')).not.toContain('two');
      await change();
      expect((await project.repro()).summary.restored).toEqual(['b']);
      expect(await project.read('out.txt')).toBe(out);
      clear(project);
      await repro(project, []);
      expect(await project.read('out.txt')).toBe(out);
    });

    if (!what.startsWith('what a glob'))
      it(`${what} that is undone before it ends makes it run again`, async () => {
        const project = await Project.create(clean);
        const { change, undo } = make(project);
        const run = await repro(project, [
          async () => {
            await change();
            await undo();
          },
        ]);
        expect(run.reruns).toEqual([['b', make(project).name]]);
        expect(run.summary.executed).toEqual(['b']);
        expect((await project.cli('status')).exitCode).toBe(0);
      });

    it(`${what} in its second run, too, fails it, and records nothing`, async () => {
      const project = await Project.create(clean);
      const { name, change, undo } = make(project);
      const run = await repro(project, [change, undo]);
      expect(run.reruns).toEqual([['b', name]]);
      expect(run.failures).toEqual([
        `\`${name}\` changed while it ran; nothing was recorded. Run it again when nobody writes to it. If its own command writes to it, make it an output.`,
      ]);
      expect(run.summary.failed).toEqual(['b']);
      expect(existsSync(project.path('out.txt'))).toBe(false);
      expect((await repro(project, [])).summary.executed).toEqual(['b']);
      expect(await project.read('out.txt')).not.toContain('two');
    });
  }

  it('what a glob matches, by one file less, makes it run again', async () => {
    const project = await Project.create({ ...clean, 'list/2.txt': 'list two\n' });
    const run = await repro(project, [() => unlinkSync(project.path('list/2.txt'))]);
    expect(run.reruns).toEqual([['b', 'list/2.txt']]);
    expect(await project.read('out.txt')).toBe('in one\nfolder one\nlist one\ncode one\n');
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it.each([
    ['a file is added to a directory', 'folder/new.txt', (p: Project) => p.write('folder/new.txt', 'new\n')],
    [
      'a file is removed from a directory',
      'folder/sub/g.txt',
      (p: Project) => unlinkSync(p.path('folder/sub/g.txt')),
    ],
    [
      'a file comes and goes in a directory',
      'folder/sub',
      async (p: Project) => {
        await p.write('folder/sub/new.txt', 'new\n');
        unlinkSync(p.path('folder/sub/new.txt'));
      },
    ],
    [
      'times are set back after an edit',
      'in.txt',
      async (p: Project) => {
        await p.write('in.txt', 'in six\n');
        utimesSync(p.path('in.txt'), new Date(1e12), new Date(1e12));
      },
    ],
    [
      'a directory is exchanged for another one and put back',
      'folder',
      async (p: Project) => {
        await p.write('other/f.txt', 'folder two\n');
        renameSync(p.path('folder'), p.path('aside'));
        renameSync(p.path('other'), p.path('folder'));
        renameSync(p.path('folder'), p.path('other'));
        renameSync(p.path('aside'), p.path('folder'));
      },
    ],
  ])('makes it run again if %s', async (_, name, change) => {
    const project = await Project.create(clean);
    utimesSync(project.path('in.txt'), new Date(1e12), new Date(1e12));
    const run = await repro(project, [() => change(project)]);
    expect(run.reruns).toEqual([['b', name]]);
    expect(run.summary.executed).toEqual(['b']);
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('does not count what Python keeps beside its modules', async () => {
    const project = await Project.create(clean);
    const run = await repro(project, [
      async () => {
        await project.write('folder/__pycache__/f.pyc', 'bytecode');
        await project.write('folder/sub/__pycache__/g.pyc', 'bytecode');
      },
    ]);
    expect(run.reruns).toEqual([]);
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('is told on the terminal, and `log` knows both runs', async () => {
    const project = await Project.create(clean);
    const cli = project.cli('repro');
    while (!existsSync(project.path('started.1'))) await delay(10);
    await project.edit('b.sh', 'code one', 'code two');
    await project.write('go.1', '');
    await project.write('go.2', '');
    const { stdout, exitCode } = await cli;
    expect(exitCode).toBe(0);
    expect(stdout).toContain('• b: b.sh changed while it ran; nothing was recorded, running it again\n');
    const log = await project.cli('log', 'b', '--runs');
    expect(log.stdout).toContain('failed');
    expect(log.stdout).toContain('`b.sh` changed while it ran; nothing was recorded.');
  });
});

it('runs a stage once, with the code and the files of the moment at which it starts', async () => {
  const project = await Project.create({
    ...clean,
    'pipeline.yaml': `
stages:
  a: { cmd: 'sh a.sh > \${outs.out}', outs: { out: a.txt } }
  b:
    cmd: sh b.sh \${deps.in} \${deps.folder} \${lists.list} \${deps.a} > \${outs.out}
    deps: { in: in.txt, folder: folder, list: 'list/*.txt', a: a.txt }
    outs: { out: out.txt }
  c: { cmd: 'sh b.sh \${deps.in} \${deps.folder} > \${outs.out}', deps: { in: in.txt, folder: folder }, outs: { out: c.txt } }
`,
    'a.sh': `${gate}echo a\n`,
    'b.sh': files['b.sh'].replace('. ./gate.sh; ', '').replace('cat "$1"/*', 'cat "$1"/f.txt'),
  });
  const run = await repro(
    project,
    [
      async () => {
        while (!existsSync(project.path('c.txt'))) await delay(10); // so that b's inputs have been looked at
        await project.edit('b.sh', 'code one', 'code two');
        await project.write('in.txt', 'in two\n');
        await project.write('folder/f.txt', 'folder two\n');
        await project.write('list/2.txt', 'list two\n');
      },
    ],
    ['--jobs', '2'],
  );
  expect(
    run.events
      .filter((event) => event.type === 'started')
      .map(({ stage }) => stage)
      .sort(),
  ).toEqual(['a', 'b', 'c']);
  expect(run.reruns).toEqual([]);
  expect(await project.read('out.txt')).toBe('in two\nfolder two\nlist one\nlist two\na\ncode two\n');
  const status = await project.cli('status');
  expect(status.stdout).toContain('1 would run, 2 fresh');
  expect(status.stdout).toContain('▶ c would run');
  // The state from before the edit is not stored as what the edited code made.
  await project.edit('b.sh', 'code two', 'code one');
  expect((await project.cli('status')).stdout).toContain('b would run');
}, 60_000);

it('looks at a symbolic link, too: one that led elsewhere for a while has changed', async () => {
  const project = await Project.create(clean);
  const elsewhere = await Project.create({ 'one.txt': 'in one\n', 'two.txt': 'in two\n' });
  const lead = (target: string): void => {
    rmSync(project.path('in.txt'));
    symlinkSync(elsewhere.path(target), project.path('in.txt'));
  };
  lead('one.txt');
  const run = await repro(project, [
    () => {
      lead('two.txt');
      lead('one.txt');
    },
  ]);
  expect(run.reruns).toEqual([['b', 'in.txt']]);
  expect((await project.cli('status')).exitCode).toBe(0);
});

describe('code in JavaScript', () => {
  const js = {
    'pipeline.yaml':
      "stages: { b: { cmd: 'sh gate.sh && node b.mjs > ${outs.out}', outs: { out: out.txt } } }\n",
    'params.yaml': '',
    'gate.sh': gate,
    'b.mjs': "import { text } from './lib/text.mjs';\nimport 'picocolors';\nconsole.log(text);\n",
    'lib/text.mjs': "export const text = 'one';\n",
    'package.json': '{ "type": "module" }\n',
    'package-lock.json': '{ "packages": { "node_modules/picocolors": { "version": "1.0.0" } } }\n',
  };

  it.each([
    ['a module that it imports', 'lib/text.mjs', (p: Project) => p.edit('lib/text.mjs', 'one', 'two')],
    [
      'the lockfile of its packages',
      'package-lock.json',
      (p: Project) => p.edit('package-lock.json', '1.0.0', '1.0.1'),
    ],
    [
      'the manifest of the project',
      'package.json',
      (p: Project) => p.write('package.json', '{ "type": "module", "private": true }\n'),
    ],
  ])('runs again if %s changes', async (_, name, change) => {
    const project = await Project.create(js);
    const run = await repro(project, [() => change(project)]);
    expect(run.reruns).toEqual([['b', name]]);
    expect(run.summary.executed).toEqual(['b']);
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('fails if it is changed into something that can’t be compiled', async () => {
    const project = await Project.create(js);
    const run = await repro(project, [() => project.write('b.mjs', 'const = 1;\n')]);
    expect(run.failures).toEqual([
      'Its code changed and can\'t be compiled: b.mjs:1:7 Expected identifier but found "=".',
    ]);
    expect(existsSync(project.path('out.txt'))).toBe(false);
  });
});

describe('params.yaml', () => {
  const withParams = (code: string): Record<string, string> => ({
    'pipeline.yaml':
      "stages: { b: { cmd: 'sh gate.sh && node b.mjs > ${outs.out}', params: [x], outs: { out: out.txt } } }\n",
    'params.yaml': 'x: 1\n',
    'gate.sh': gate,
    'b.mjs': code,
  });

  it('may change while a stage runs: the stage has its parameters, and the next status tells', async () => {
    const project = await Project.create(
      withParams(
        "import { readFileSync } from 'node:fs';\nconsole.log(JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8')).params.x);\n",
      ),
    );
    const run = await repro(project, [() => project.write('params.yaml', 'x: 2\n')]);
    expect(run.summary.executed).toEqual(['b']);
    expect(run.reruns).toEqual([]);
    expect(await project.read('out.txt')).toBe('1\n');
    expect((await project.cli('status')).stdout).toContain('b would run (x 1 → 2)');
    await project.write('params.yaml', 'x: 1\n');
    expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('counts like code for a stage that reads the file by itself', async () => {
    const project = await Project.create(
      withParams(
        "import { readFileSync } from 'node:fs';\nconsole.log(readFileSync('params.yaml', 'utf8'));\n",
      ),
    );
    const run = await repro(project, [() => project.write('params.yaml', 'x: 2\n')]);
    expect(run.reruns).toEqual([['b', 'params.yaml']]);
    expect(run.summary.executed).toEqual(['b']);
    expect(await project.read('out.txt')).toBe('x: 2\n\n');
    await project.write('params.yaml', 'x: 1\n');
    expect((await repro(project, [])).summary.executed).toEqual(['b']);
    expect(await project.read('out.txt')).toBe('x: 1\n\n');
  });
});

it('fails a stage that reads pipeline.yaml by itself, if that changes after the plan was made', async () => {
  const project = await Project.create({
    'pipeline.yaml':
      "stages: { b: { cmd: 'sh gate.sh && node b.mjs > ${outs.out}', outs: { out: out.txt } } } # one\n",
    'params.yaml': '',
    'gate.sh': gate,
    'b.mjs':
      "import { readFileSync } from 'node:fs';\nconsole.log(readFileSync('pipeline.yaml', 'utf8').slice(-5));\n",
  });
  const run = await repro(project, [() => project.edit('pipeline.yaml', '# one', '# two')]);
  expect(run.failures).toEqual([
    '`pipeline.yaml`, which its code reads, changed after the plan was made; nothing was recorded. Run it again.',
  ]);
  expect(existsSync(project.path('out.txt'))).toBe(false);
  expect((await repro(project, [])).summary.executed).toEqual(['b']);
  expect(await project.read('out.txt')).toBe(' two\n\n');
});

it('runs a stage again that failed because its code was edited while it ran', async () => {
  const project = await Project.create({
    ...clean,
    'b.sh': '. ./gate.sh; sh rest.sh\n',
    'pipeline.yaml':
      "stages: { b: { cmd: ['sh b.sh', 'sh rest.sh > ${outs.out}'], outs: { out: out.txt } } }\n",
    'rest.sh': 'echo one\n',
  });
  const run = await repro(project, [() => project.write('rest.sh', 'exit 3\n'), () => undefined]);
  expect(run.reruns).toEqual([['b', 'rest.sh']]);
  expect(run.failures).toEqual(['Its command ended with exit code 3.']);
});

it('starts from scratch what was interrupted after its code was edited', async () => {
  const project = await Project.create({
    ...clean,
    'pipeline.yaml': "stages: { b: { cmd: 'sh b.sh > ${outs.out}', outs: { out: out.txt } } }\n",
    'b.sh':
      'cat "$RODADA_PARTIAL"/* 2> /dev/null; echo left > "$RODADA_PARTIAL/state"; . ./gate.sh; echo one\n',
  });
  const run = startRepro(project);
  while (!existsSync(project.path('started.1'))) await delay(10);
  await project.edit('b.sh', 'echo one', 'echo two');
  await project.edit('b.sh', 'echo two', 'echo one');
  run.child.kill('SIGINT');
  await run.ended;
  await repro(project, []);
  expect(await project.read('out.txt')).toBe('one\n');
});
