// How commands run: lists of them, in a folder of their own, within a time, and what their templates may name.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const project = (pipeline: string, files: Record<string, string> = {}): Promise<Project> =>
  Project.create({ 'pipeline.yaml': pipeline, 'params.yaml': '', ...files });

/** Whether a process does anything: one that is dead, but that nobody has taken note of, does not. */
const isAtWork = (pid: number): boolean =>
  spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .replace(/^Z.*/, '') !== '';

describe('a list of commands', () => {
  const pipeline = `
stages:
  make:
    cmd:
      - echo one > \${outs.text}
      - echo said; echo two >> \${outs.text}
      - cat \${outs.text}; test -e go
      - echo three >> \${outs.text}
    outs: { text: text.txt }
`;

  it('runs in order, and each has its heading in the log', async () => {
    const made = await project(pipeline, { go: '' });
    const { events, summary } = await made.repro();
    expect(summary.executed).toEqual(['make']);
    expect(await made.read('text.txt')).toBe('one\ntwo\nthree\n');
    const started = events.find((event) => event.type === 'started')!;
    expect(await made.read(started.log)).toBe(
      '[1/4] echo one > ${outs.text}\n' +
        '[2/4] echo said; echo two >> ${outs.text}\nsaid\n' +
        '[3/4] cat ${outs.text}; test -e go\none\ntwo\n' +
        '[4/4] echo three >> ${outs.text}\n',
    );
  });

  it('stops at the first failure', async () => {
    const made = await project(pipeline);
    const { exitCode, stdout } = await made.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✖ make failed. Its command ended with exit code 1.');
    expect(stdout).not.toContain('[4/4]');
    expect(existsSync(made.path('text.txt'))).toBe(false);
  });

  it('counts as a list: one command of two lines is another', async () => {
    const made = await project('stages: { a: { cmd: ["true", "echo 1"] } }');
    await made.repro();
    await made.write('pipeline.yaml', 'stages: { a: { cmd: "true\\necho 1" } }');
    const { events } = await made.repro();
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'started',
        reasons: [{ what: 'cmd', old: 'true && echo 1', new: 'true\necho 1' }],
      }),
    );
  });
});

describe('a command that changed', () => {
  it('is shown on one line, around what differs', async () => {
    const long = (n: number): string =>
      `stages:\n  a:\n    cmd: |\n      echo ${'beginning '.repeat(5)}\n      echo ${n} ${'end '.repeat(20)}\n`;
    const made = await project(long(1));
    await made.repro();
    await made.write('pipeline.yaml', long(2));
    expect((await made.cli('repro')).stdout.split('\n')[0]).toBe(
      '▶ a (command `…ning beginning echo 1 end end end end end end end end end en…` → `…ning beginning echo 2 end end end end end end end end end en…`)',
    );
  });
});

describe('wdir', () => {
  const pipeline = `
stages:
  first: { cmd: 'echo here > \${outs.here}', outs: { here: data/here.txt } }
  count:
    wdir: sub/folder
    cmd: node count.mjs words.txt && node -p "process.cwd().endsWith('sub/folder')"
    deps: [words.txt, ../../data/here.txt]
    outs: { count: count.txt, up: ../up.txt }
`;
  const files = {
    'sub/folder/words.txt': 'a b c',
    'sub/folder/count.mjs': `
import { readFileSync, writeFileSync } from 'node:fs';
import { count } from './lib.mjs';
const { outs } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
writeFileSync(outs.count, count(readFileSync('words.txt', 'utf8')) + '\\n');
writeFileSync(outs.up, 'up\\n');
`,
    'sub/folder/lib.mjs': "export const count = (text) => text.split(' ').length;\n",
  };

  it('is where the command runs, and what deps, outs and scripts are relative to', async () => {
    const made = await project(pipeline, files);
    const { events, summary } = await made.repro();
    expect(summary.executed).toEqual(['first', 'count']);
    expect(await made.read('sub/folder/count.txt')).toBe('3\n');
    expect(await made.read('sub/up.txt')).toBe('up\n');
    const started = events.filter((event) => event.type === 'started')[1]!;
    expect(await made.read(started.log)).toBe('true\n');
    expect((await made.repro()).summary.executed).toEqual([]);
    await made.edit('sub/folder/lib.mjs', '.length', '.length + 1');
    expect((await made.repro()).events).toContainEqual(
      expect.objectContaining({
        stage: 'count',
        reasons: [{ what: 'code', file: 'sub/folder/lib.mjs', change: 'changed' }],
      }),
    );
    expect(await made.read('sub/folder/count.txt')).toBe('4\n');
  });

  it('is refused outside of the project, and where there is no such folder', async () => {
    for (const [wdir, message] of [
      ['../elsewhere', 'error: The wdir `../elsewhere` lies outside the project.'],
      ['sub/../../x', 'error: The wdir `sub/../../x` lies outside the project.'],
      ['/tmp', 'error: The wdir `/tmp` lies outside the project.'],
      ['sub/nowhere', 'error: The wdir `sub/nowhere` is not a folder of the project.'],
    ]) {
      const made = await project(pipeline.replace('sub/folder', wdir!), files);
      const { exitCode, stdout } = await made.cli('repro');
      expect(exitCode).toBe(2);
      expect(stdout).toContain(message);
    }
  });

  it('does not let an out leave the project', async () => {
    const made = await project(pipeline.replace('../up.txt', '../../../up.txt'), files);
    const { exitCode, stdout } = await made.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('error: The out `../up.txt` lies outside the project.');
  });
});

describe('timeout', () => {
  it('ends the command with all that it started, and says so', async () => {
    // The child ignores the request to end, and is ended all the same.
    const made = await project(
      `
stages:
  slow:
    cmd: |
      sh -c 'trap "" TERM; echo $$ > child; while :; do sleep 0.1; done' &
      wait
    timeout: 0.5 s
    outs: { o: o.txt }
  after: { cmd: cp o.txt \${outs.o}, deps: [o.txt], outs: { o: p.txt } }
`.replace('cmd: cp o.txt ${outs.o}', "cmd: 'cp o.txt ${outs.o}'"),
    );
    const { exitCode, stdout } = await made.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      '✖ slow failed. Its command took longer than its timeout of 0.5 s and was ended.',
    );
    expect(stdout).toContain('Skipped, because they need it: after');
    const child = Number(await made.read('child'));
    expect(isAtWork(child)).toBe(false);
  });

  it('is a duration', async () => {
    for (const [timeout, message] of [
      [
        'half an hour',
        '`stages.a.timeout` is "half an hour": a duration such as `90 s`, `30 min`, `2 h` or `1 d`.',
      ],
      ['30 d', 'The timeout `30 d` is longer than 24 d.'],
    ]) {
      const made = await project(`stages: { a: { cmd: 'true', timeout: ${timeout} } }`);
      const { exitCode, stdout } = await made.cli('repro');
      expect(exitCode).toBe(2);
      expect(stdout).toContain(message);
    }
  });
});

describe('a template of a command', () => {
  const mistake = async (cmd: string): Promise<string> => {
    const made = await project(
      `stages:\n  a:\n    cmd: ${cmd}\n    deps: { text: text.txt }\n    outs: { upper: upper.txt }\n`,
      { 'text.txt': '' },
    );
    const { exitCode, stdout } = await made.cli('repro');
    expect(exitCode).toBe(2);
    return stdout;
  };

  it('names deps and outs of the stage', async () => {
    expect(await mistake('cat ${deps.txet} > ${outs.upper}')).toBe(
      `pipeline.yaml:3:14 error: \`a\` has no dependency \`txet\`.
  3 │     cmd: cat \${deps.txet} > \${outs.upper}
    │              ^^^^^^^^^^^^
Did you mean \`text\`?
`,
    );
    expect(await mistake('cat ${deps.text} > ${outs.uper}')).toContain('`a` has no out `uper`.');
    expect(await mistake('cat ${resume.from}')).toContain('`${resume.from}` needs the field `resume`.');
  });

  it('leaves variables to the shell where a backslash says so', async () => {
    expect(await mistake('echo ${HOME}')).toContain(
      'Nothing is called `HOME`.\n  3 │     cmd: echo ${HOME}\n    │               ^^^^^^^\nFor a variable of the shell write `\\${HOME}`.',
    );
    const made = await project(
      'stages:\n  a:\n    cmd: X=5; echo $X \\${X} \\${Y:-6} > ${outs.o}\n    outs: { o: o.txt }\n',
    );
    expect((await made.repro()).summary.executed).toEqual(['a']);
    expect(await made.read('o.txt')).toBe('5 5 6\n');
  });

  it('quotes paths, and gives an absent optional dependency as an empty word', async () => {
    const made = await project(
      `
stages:
  a:
    cmd: printf '<%s>' \${deps.odd} \${deps.none} > \${outs.o}
    deps: { odd: "it's a\\nname é.txt", none: '\${extra}' }
    outs: { o: "an out's name.txt" }
`,
      { "it's a\nname é.txt": '', 'params.yaml': 'extra: null\n' },
    );
    await made.repro();
    expect(await made.read("an out's name.txt")).toBe(`<${made.path("it's a\nname é.txt")}><>`);
  });
});
