// What commands print: seen while they run, followed in the log, fit for a terminal, and their warnings.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';
import { jsonLines } from '../verbs/text-project.ts';

const project = (stages: string, files: Record<string, string> = {}): Promise<Project> =>
  Project.create({ 'pipeline.yaml': `stages:\n${stages}`, 'params.yaml': '', ...files });

/** A command line that a test reads while it goes on. */
class Reading {
  readonly child: ChildProcess;
  text = '';
  readonly ended: Promise<number | null>;

  constructor({ root }: Project, ...args: string[]) {
    this.child = spawn(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', CI: 'true' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout!.on('data', (piece: Buffer) => {
      this.text += piece.toString();
    });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  /** Waits until it has said this. */
  async says(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`it ended without ${text}:\n${this.text}`);
      await delay(5);
    }
  }
}

/** Says a line for each file that a test makes in a folder that is no part of the project, and ends at the third. */
const steps = `
  a:
    cmd: sh steps.sh > \${outs.o}
    outs: { o: o.txt }
`;
const stepsFile =
  'for i in 1 2 3; do echo "out $i" >&3; echo "err $i" >&2; while [ ! -e .git/go$i ]; do sleep 0.02; done; done 3>&2\n';

describe('repro --verbose', () => {
  it('shows each line while the command runs, after the name of its stage', async () => {
    const made = await project(steps, { 'steps.sh': stepsFile });
    const run = new Reading(made, 'repro', '--verbose');
    for (const i of [1, 2, 3]) {
      await run.says(`a │ out ${i}\na │ err ${i}\n`);
      await made.write(`.git/go${i}`, '');
    }
    expect(await run.ended).toBe(0);
    expect(run.text).toMatch(/^▶ a .*\n(a │ (out|err) \d\n){6}✔ a /);
  });

  it('keeps the lines of two streams and two stages whole', async () => {
    const say = (name: string): string => `  ${name}: { cmd: 'node say.mjs ${name}' }\n`;
    const made = await project(say('a') + say('b'), {
      'say.mjs': `
for (let i = 0; i < 300; i++) {
  for (const [stream, what] of [[process.stdout, 'out'], [process.stderr, 'err']]) {
    const line = Buffer.from(\`\${process.argv[2]} \${what} \${i} ñ€𝄞 end\\n\`);
    for (let at = 0; at < line.length; at += 5) {
      stream.write(line.subarray(at, at + 5));
      if (i % 50 === 0) await new Promise(setImmediate);
    }
  }
}
process.stdout.write('no end');
`,
    });
    const { stdout, exitCode } = await made.cli('repro', '-v', '--jobs', '2');
    expect(exitCode).toBe(0);
    for (const name of ['a', 'b']) {
      const lines = stdout.split('\n').filter((line) => line.startsWith(`${name} │ `));
      expect(lines.length).toBe(601);
      for (const what of ['out', 'err'])
        expect(lines.filter((line) => line.startsWith(`${name} │ ${name} ${what}`))).toEqual(
          Array.from({ length: 300 }, (_, i) => `${name} │ ${name} ${what} ${i} ñ€𝄞 end`),
        );
      expect(lines).toContain(`${name} │ no end`);
    }
  });

  it('says the same with --json, and nothing without --verbose', async () => {
    const made = await project("  a: { cmd: 'echo hello' }\n");
    expect((await made.repro('--verbose')).events).toContainEqual({
      type: 'output',
      stage: 'a',
      text: 'hello\n',
    });
    expect((await made.repro('--force')).events.some(({ type }) => type === 'output')).toBe(false);
    expect((await made.cli('repro', '--force')).stdout).not.toContain('hello');
  });
});

describe('log --follow', () => {
  it('shows what was printed and what comes, until the run ends', async () => {
    const made = await project(steps, { 'steps.sh': stepsFile });
    const engine = new Reading(made, 'repro');
    await engine.says('▶ a');
    const log = new Reading(made, 'log', 'a', '--follow');
    for (const i of [1, 2, 3]) {
      await log.says(`out ${i}\nerr ${i}\n`);
      await made.write(`.git/go${i}`, '');
    }
    expect(await log.ended).toBe(0);
    expect(await engine.ended).toBe(0);
    expect(log.text).toMatch(/^a #1: running, .*\n((out|err) \d\n){6}a #1: executed \(exit code 0\), .*\n$/);
  });

  it('waits for a run that is still to start, and ends with 1 if it fails', async () => {
    const made = await project(`
  first: { cmd: 'while [ ! -e go ]; do sleep 0.02; done; echo > \${outs.o}', outs: { o: f.txt } }
  a: { cmd: 'echo begun; exit 7', deps: [f.txt] }
`);
    const engine = new Reading(made, 'repro');
    await engine.says('▶ first');
    const log = new Reading(made, 'log', 'a', '-f');
    await log.says('Waiting for a to start.');
    await made.write('go', '');
    expect(await log.ended).toBe(1);
    expect(log.text).toMatch(
      /\na #1: .*\n(.*\n)*begun\na #1: failed \(exit code 7\).*\n {2}Its command ended with exit code 7\.\n$/,
    );
    await engine.ended;
  });

  it('ends when the engine was killed', async () => {
    const made = await project(steps, { 'steps.sh': stepsFile });
    const engine = new Reading(made, 'repro');
    await engine.says('▶ a');
    const log = new Reading(made, 'log', 'a', '-f');
    await log.says('err 1');
    engine.child.kill('SIGKILL');
    expect(await log.ended).toBe(1);
    expect(log.text).toMatch(/a #1: lost \(the engine ended before the command did\).*\n$/);
    for (const i of [1, 2, 3]) await made.write(`.git/go${i}`, '');
    expect((await made.repro()).summary.executed).toEqual(['a']); // it also ends what the killed engine left
  });

  it('shows the last run if none goes on, and says that a stage did not run or does not exist', async () => {
    const made = await project("  a: { cmd: 'echo hello' }\n");
    expect((await made.cli('log', 'a', '-f')).stdout).toContain('error: `a` has not run on this machine.');
    expect((await made.cli('log', 'b', '-f')).stdout).toContain('error: There is no stage `b`.');
    await made.repro();
    expect(await made.cli('log', 'a', '-f')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^a #1: executed .*\nhello\n$/),
    });
  });
});

describe('a warning of a stage', () => {
  const warned = 'warning: a: The learning rate is 0\n  which is odd: 100% odd\n';

  it.each([
    ['a shell command', "echo '::warning::The learning rate is 0%0Awhich is odd: 100%25 odd'"],
    [
      'stderr, with fields',
      "echo '::warning file=a.py,line=3::The learning rate is 0%0Awhich is odd: 100%25 odd' >&2",
    ],
    ['a TypeScript stage', 'node --import tsx warn.mts'],
    ['Python', `python3 -c 'print("::warning::The learning rate is 0%0Awhich is odd: 100%25 odd", end="")'`],
  ])('of %s is shown, and the log keeps it', async (_, cmd) => {
    const made = await project(`  a:\n    cmd: ${JSON.stringify(`echo before; ${cmd}`)}\n`, {
      'warn.mts': `
import { z } from 'zod';
import { stage } from '${join(projectRoot, 'engine/stage.ts')}';
await stage(z.object({}), async ({ warn }) => warn('The learning rate is 0\\nwhich is odd: 100% odd'));
`,
    });
    for (const flags of [[], ['--verbose', '--force']]) {
      const { exitCode, stdout } = await made.cli('repro', ...flags);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`${warned}✔ a `);
    }
    expect((await made.cli('log', 'a')).stdout).toContain('The learning rate is 0%0Awhich is odd');
    const { events } = await made.repro('--force');
    expect(events).toContainEqual({
      type: 'stage-warning',
      stage: 'a',
      message: 'The learning rate is 0\nwhich is odd: 100% odd',
    });
  });

  it('comes at most ten times, and without controls', async () => {
    const made = await project(
      `  a: { cmd: 'for i in $(seq 25); do printf "::warning::\\033[31mred %s\\033[0m\\007\\n" $i; done' }\n`,
    );
    const { stdout } = await made.cli('repro');
    expect(stdout.match(/warning: a: red \d+\n/g)).toHaveLength(10);
    expect(stdout).toContain('warning: a: There are 15 more warnings in its log.\n');
  });
});

/** Prints bars as tqdm does, and everything that would do something to a terminal, and fails. */
const messy = `
const write = (text) => process.stderr.write(text);
for (let i = 0; i <= 5000; i++) write('\\r' + String(i).padStart(4) + '/5000 |' + '█'.repeat(i / 500) + '| loss 0.5');
write('\\n');
write('\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07\\x1b]8;;http://x\\x1b\\\\link\\x1b]8;;\\x1b\\\\ \\x1bPq payload\\x1b\\\\ \\x9b2Jc1 \\x08\\x08bell\\x07\\n');
write('\\x1b[2J\\x1b[H\\x1b(0\\x1bcclear \\u202ereversed\\r\\n');
process.stderr.write(Buffer.from([0xff, 0xfe, 0x20, 0xc3, 0x0a]));
write('x'.repeat(300000) + '\\n');
write('done 1\\rdone 2\\r\\n');
write('unfinished \\xf1');
process.exitCode = 3;
`;

describe('what is not fit for a terminal', () => {
  const isPlain = (text: string): boolean => !/(?!\n|\t)[\p{Cc}\u202a-\u202e]/u.test(text);

  it('is taken out of failures, logs and --verbose; the log file keeps it', async () => {
    const made = await project("  a: { cmd: 'node messy.mjs' }\n", { 'messy.mjs': messy });
    const lines = [
      '5000/5000 |██████████| loss 0.5',
      'red link  c1 bell',
      'clear reversed',
      '\ufffd\ufffd \ufffd',
      'x'.repeat(500),
      'done 2',
      'unfinished ñ',
    ];
    const failed = await made.cli('repro');
    expect(isPlain(failed.stdout)).toBe(true);
    expect(failed.stdout.length).toBeLessThan(3_000);
    for (const line of lines) expect(failed.stdout).toContain(`  │ ${line}`);
    const verbose = await made.cli('repro', '--verbose');
    expect(isPlain(verbose.stdout)).toBe(true);
    for (const line of lines) expect(verbose.stdout).toContain(`a │ ${line}`);
    const log = await made.cli('log', 'a');
    expect(isPlain(log.stdout)).toBe(true);
    for (const line of lines) expect(log.stdout).toContain(`\n${line}`);
    const [run] = jsonLines((await made.cli('log', 'a', '--json')).stdout);
    const raw = spawnSync(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), 'log', 'a', '--raw'], {
      cwd: made.root,
      maxBuffer: 1e8,
    });
    expect(raw.stdout.equals(readFileSync(made.path(run!.log as string)))).toBe(true);
    expect(raw.stdout.includes(Buffer.from([0xff, 0xfe, 0x20, 0xc3, 0x0a]))).toBe(true);
  });

  it('is no matter of size: 200 MB of output need little memory, and the log keeps 100 MB and the last lines', async () => {
    const made = await project(
      "  a: { cmd: 'yes $(seq 100) | head -c 200000000 || true; echo; echo the last line; exit 4' }\n",
    );
    const child = spawn(
      'bash',
      [
        '-c',
        `ulimit -v unlimited; '${process.execPath}' --max-old-space-size=64 '${join(projectRoot, 'engine/rodada.mjs')}' repro; echo $?`,
      ],
      {
        cwd: made.root,
        env: { ...process.env, NO_COLOR: '1', CI: 'true' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(text).toContain('│ the last line');
    expect(text).toMatch(/\n1\n$/);
    const [run] = jsonLines((await made.cli('log', 'a', '--runs', '--json')).stdout);
    const file = made.path(run!.log as string);
    expect(statSync(file).size).toBeGreaterThan(100e6);
    expect(statSync(file).size).toBeLessThan(101e6);
    expect(readFileSync(file, 'latin1').slice(-10_000)).toMatch(
      /\n\[The log keeps the first 100 MB\. The last lines:\]\n(1 2 3 .*\n)+.*the last line\n$/,
    );
  });
});

it('messages that are no progress are passed over, and progress is fit for a terminal', async () => {
  const made = await project(
    "  a: { cmd: 'echo no JSON >&3; head -c 300000 /dev/zero >&3; echo >&3; node send.mjs' }\n",
    {
      'send.mjs': `
for (const message of [null, 'text', 5, [], {}, { type: 'progress' }, { type: 'progress', done: 'x' }])
  await new Promise((resolve) => process.send(message, resolve));
const progress = { type: 'progress', done: 1, total: null, unit: 5, message: 'a\\x1b[2Jb\\nc\\x07' };
await new Promise((resolve) => process.send(progress, resolve));
process.disconnect();
`,
    },
  );
  const { events, summary } = await made.repro();
  expect(summary.executed).toEqual(['a']);
  expect(events.filter(({ type }) => type === 'progress')).toEqual([
    { type: 'progress', stage: 'a', done: 1, message: 'ab c' },
  ]);
});

it('a command reads nothing from the terminal', async () => {
  const made = await project("  a: { cmd: 'cat > ${outs.o}', outs: { o: o.txt } }\n");
  expect((await made.repro()).summary.executed).toEqual(['a']);
  expect(await made.read('o.txt')).toBe('');
});
