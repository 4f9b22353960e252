// Which shell runs commands: failures inside pipes are failures, pipeline.yaml chooses, and a missing shell is found first.
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const project = (pipeline: string, files: Record<string, string> = {}): Promise<Project> =>
  Project.create({ 'pipeline.yaml': pipeline, 'params.yaml': '', ...files });

/** A folder for PATH that holds some of the machine's programs and no others. */
function programs(made: Project, ...names: string[]): string {
  const folder = made.path('programs');
  mkdirSync(folder, { recursive: true });
  for (const name of names)
    symlinkSync(['/usr/bin', '/bin'].map((at) => join(at, name)).find(existsSync)!, join(folder, name));
  return folder;
}

describe('without `shell` in pipeline.yaml', () => {
  it.each([
    ['of the first part of a pipe', 'node nosuch.mjs | sort > ${outs.o}', 'exit code 1'],
    ['of an earlier line', 'false\necho late > ${outs.o}', 'exit code 1'],
    ['to find a variable', 'echo "x$TYPO_OF_A_NAME" > ${outs.o}', 'exit code 1'],
    ['to find a program', 'nosuchprogram | cat > ${outs.o}', 'exit code 127'],
  ])('a failure %s is a failure of the stage', async (_, cmd, end) => {
    const made = await project(
      `stages:\n  a:\n    cmd: |\n${cmd.replaceAll(/^/gm, '      ')}\n    outs: { o: o.txt }\n`,
    );
    for (let run = 0; run < 2; run++) {
      const { exitCode, stdout } = await made.cli('repro');
      expect(exitCode).toBe(1);
      expect(stdout).toContain(`✖ a failed. Its command ended with ${end}`);
    }
    expect(existsSync(made.path('o.txt'))).toBe(false);
  });

  it('a pipe whose reader ends early fails with SIGPIPE, and the message says what to do', async () => {
    const made = await project('stages: { a: { cmd: "yes | head -n 1 > ${outs.o}", outs: { o: o.txt } } }\n');
    expect((await made.cli('repro')).stdout).toContain(
      '✖ a failed. Its command ended with exit code 141 (SIGPIPE). A program in a pipe was still writing when its reader had seen enough, as with `head`; write `{ PROGRAM || true; } | …` if this is fine.',
    );
  });
});

describe('`shell` in pipeline.yaml', () => {
  const cmd = "'false | true; echo $0 > ${outs.o}'";

  it('chooses the shell, and the one of a stage takes precedence', async () => {
    const made = await project(`
shell: sh -eu
stages:
  a: { cmd: ${cmd}, outs: { o: a.txt } }
  b: { shell: bash, cmd: ${cmd}, outs: { o: b.txt } }
`);
    const { summary } = await made.repro();
    expect(summary.executed).toEqual(['a', 'b']);
    expect(await made.read('a.txt')).toMatch(/sh\n$/);
    expect(await made.read('a.txt')).not.toMatch(/bash\n$/);
    expect(await made.read('b.txt')).toMatch(/bash\n$/);
  });

  it('is part of the key, unless it says what is usual', async () => {
    const stages = `stages: { a: { cmd: 'echo hello > \${outs.o}', outs: { o: o.txt } } }\n`;
    const made = await project(stages);
    await made.repro();
    for (const usual of ['bash -euo pipefail', '"bash   -euo pipefail -c"']) {
      await made.write('pipeline.yaml', `shell: ${usual}\n${stages}`);
      expect((await made.repro()).summary.fresh).toEqual(['a']);
    }
    await made.write('pipeline.yaml', `shell: bash -e\n${stages}`);
    const { events } = await made.repro();
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'started',
        reasons: [{ what: 'shell', old: 'bash -euo pipefail', new: 'bash -e' }],
      }),
    );
    await made.write('pipeline.yaml', stages);
    expect((await made.cli('repro')).stdout).toContain('↺ a restored (shell bash -e → bash -euo pipefail)');
  });

  it('may be a script of the project, also for a stage in a folder', async () => {
    const made = await project(
      "stages: { a: { shell: ./tools/my-shell, wdir: sub, cmd: 'hello', outs: { o: o.txt } } }\n",
      {
        'sub/x': '',
        'tools/my-shell': `#!/bin/sh\nnode -e 'fs.writeFileSync(JSON.parse(fs.readFileSync(process.env.RODADA_STAGE)).outs.o, process.argv[1])' -- "$1 $2"\n`,
      },
    );
    chmodSync(made.path('tools/my-shell'), 0o755);
    await made.repro();
    expect(await made.read('sub/o.txt')).toBe('-c hello');
    await made.edit('tools/my-shell', 'node -e', 'exec node -e');
    expect((await made.repro()).events).toContainEqual(
      expect.objectContaining({ reasons: [{ what: 'code', file: 'tools/my-shell', change: 'changed' }] }),
    );
  });

  it('that is not installed is found before anything starts', async () => {
    const stages = "stages:\n  a: { cmd: 'touch ran' }\n  b: { shell: nosuchshell -x, cmd: 'true' }\n";
    const made = await project(stages);
    const { exitCode, stdout } = await made.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      "pipeline.yaml:3:15 error: The shell `nosuchshell` is not installed.\n  3 │   b: { shell: nosuchshell -x, cmd: 'true' }\n    │               ^^^^^^^^^^^^^^\nInstall it, or name another `shell` in pipeline.yaml.\n",
    );
    expect(existsSync(made.path('ran'))).toBe(false);
    await made.write('pipeline.yaml', `shell: ./nosuchshell\n${stages}`);
    expect((await made.cli('repro', 'a')).stdout).toContain(
      'pipeline.yaml:1:8 error: The shell `./nosuchshell` is not installed.',
    );
  });

  it('takes no quotes and no templates', async () => {
    for (const shell of ["bash -c 'x y'", '${param}', '']) {
      const made = await project(`shell: ${JSON.stringify(shell)}\nstages: { a: { cmd: 'true' } }\n`);
      const { exitCode, stdout } = await made.cli('repro');
      expect(exitCode).toBe(2);
      expect(stdout).toContain('a program and its options without quotes');
    }
  });
});

describe('on a machine without bash', () => {
  it('commands run in `sh -eu`, with a warning and a key of their own', async () => {
    const made = await project("stages: { a: { cmd: 'echo hello > ${outs.o}', outs: { o: o.txt } } }\n");
    await made.repro();
    const PATH = programs(made, 'sh', 'cat');
    const { exitCode, stdout } = await made.cliWith({ PATH }, 'repro');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'warning: bash is not installed, so commands run in `sh -eu`, which overlooks failures inside pipes. Install bash, or name a `shell` in pipeline.yaml.\n',
    );
    expect(stdout).toContain('▶ a (shell bash -euo pipefail → sh -eu)');
    await made.write(
      'pipeline.yaml',
      "shell: sh -eu\nstages: { a: { cmd: 'echo hello > ${outs.o}', outs: { o: o.txt } } }\n",
    );
    expect((await made.cliWith({ PATH }, 'repro')).stdout).toMatch(/^✔ 0 executed, 0 restored, 1 fresh/);
    expect((await made.repro()).summary.fresh).toEqual(['a']);
  });
});
