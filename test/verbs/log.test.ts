// `log`: what runs printed and how they ended, the failed ones too.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';
import { jsonLines } from './text-project.ts';

const files = {
  'pipeline.yaml': `stages:
  say:
    cmd: 'echo "a line"; echo "an error line" >&2; echo \${text} > \${outs.o}; test \${text} != bad'
    params: [text]
    outs: { o: say.txt }
  each:
    matrix: { n: [1, 2] }
    cmd: 'echo number \${n}; echo \${n} > \${outs.o}'
    outs: { o: 'each-\${n}' }
  hungry:
    cmd: node -e "const b = Buffer.alloc(200e6, 1); setTimeout(() => require('fs').writeFileSync(process.argv[1], String(b.length)), 900)" \${outs.o}
    outs: { o: hungry.txt }
  slow:
    cmd: 'echo begun; touch begun; while [ -e begun ] && [ ! -e go ]; do sleep 0.05; done; echo done > \${outs.o}'
    outs: { o: slow.txt }
`,
  'params.yaml': 'text: good\n',
};

describe('log', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.createForSuite(files);
    await project.repro('say', 'each', 'hungry');
  });
  afterAll(() => project.dispose());

  it('shows both streams, the exit code and the duration of the last run', async () => {
    const { exitCode, stdout } = await project.cli('log', 'say');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^say #1: executed \(exit code 0\), started \d{4}-\S+Z, took [\d.]+ m?s, (at most [\d.]+ [kM]B of memory seen|memory not known), cache\/logs\/[0-9a-f]{64}\.log\na line\nan error line\n$/,
    );
  });

  it('keeps each run, also one that failed and one with the same key', async () => {
    const bad = await project.repro('say', '--set', 'text=bad');
    expect(bad.summary.failed).toEqual(['say']);
    await project.repro('say', '--force');
    const runs = jsonLines((await project.cli('log', 'say', '--runs', '--json')).stdout);
    expect(runs).toMatchObject([
      { type: 'run', number: 1, outcome: 'executed', exitCode: 0, message: null },
      {
        type: 'run',
        number: 2,
        outcome: 'failed',
        exitCode: 1,
        message: 'Its command ended with exit code 1.',
      },
      { type: 'run', number: 3, outcome: 'executed', exitCode: 0 },
    ]);
    expect(runs[0]!.key).toBe(runs[2]!.key);
    for (const { log } of runs) expect(await project.read(log as string)).toBe('a line\nan error line\n');
    const second = await project.cli('log', 'say', '-n', '2');
    expect(second.stdout).toContain('say #2: failed (exit code 1)');
    expect(second.stdout).toContain('\n  Its command ended with exit code 1.\na line\nan error line\n');
    expect(await project.cli('log', 'say', '-n', '9')).toMatchObject({
      exitCode: 2,
      stdout: 'error: Of `say` only 3 runs are known.\n`--runs` lists them.\n',
    });
  });

  it('lists the last run of each instance', async () => {
    const lines = jsonLines((await project.cli('log', 'each', '--json')).stdout);
    expect(lines.map(({ stage }) => stage).sort()).toEqual(['each:1', 'each:2']);
    const one = jsonLines((await project.cli('log', 'each:2', '--json')).stdout);
    expect(one).toMatchObject([
      { type: 'run', stage: 'each:2' },
      { type: 'output', text: 'number 2\n' },
    ]);
    expect((await project.cli('log', 'each', '-n', '1')).stdout).toContain(
      'error: `each` has 2 instances; --run needs one.',
    );
  });

  it.runIf(process.platform === 'linux')('tells how much memory it took', async () => {
    const [run] = jsonLines((await project.cli('log', 'hungry', '--json')).stdout);
    expect(run!.peakMemory).toBeGreaterThan(200e6);
    expect(run!.peakMemory).toBeLessThan(600e6);
  });

  it('says that a stage has not run, or does not exist', async () => {
    expect(await project.cli('log', 'slow')).toMatchObject({
      exitCode: 2,
      stdout:
        'error: `slow` has not run on this machine.\nResults that came with the store or the repository have no log; `rodada repro --force slow` runs it here.\n',
    });
    expect((await project.cli('log', 'slwo')).stdout).toBe(
      'error: There is no stage `slwo`.\nDid you mean `slow`?\n',
    );
  });

  it('shows a run that is at work, and one whose engine was killed', async () => {
    const engine = spawn(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), 'repro', 'slow'], {
      cwd: project.root,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => engine.on('close', resolve));
    while (!existsSync(project.path('begun'))) await wait(20);
    expect((await project.cli('log', 'slow')).stdout).toMatch(/^slow #1: running, started .*\nbegun\n$/);
    engine.kill('SIGKILL');
    await ended;
    expect((await project.cli('log', 'slow')).stdout).toMatch(
      /^slow #1: lost \(the engine ended before the command did\), started .*\nbegun\n$/,
    );
    await project.write('go', '');
  });
});
