// Two runs at once in one project: one works, the other waits or says who does; whoever died holds nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { thisProcess } from '../../engine/execute/process-identity.ts';
import { Project } from '../support/project.ts';
import { startRepro } from './processes.ts';

/** A stage that goes on until there is a file `gate`, which is no input, and notes that it ran. */
const files = {
  'pipeline.yaml': `
stages:
  wait: { cmd: 'sh wait.sh \${outs.out}', outs: { out: out.txt } }
`,
  'wait.sh': `echo run >> runs.txt; until ls | grep -q '^ga[t]e$'; do sleep 0.02; done; echo done > "$1"\n`,
  'params.yaml': '',
};

const since = '2020-01-01T00:00:00.000Z';
const claim = (more: object): string => JSON.stringify({ ...thisProcess(), since, holds: true, ...more });

describe('two runs at once', () => {
  it('work one after the other', async () => {
    const project = await Project.create(files);
    const first = startRepro(project);
    await first.event(({ type }) => type === 'started');
    const second = startRepro(project);
    expect(await second.event(({ type }) => type === 'waiting')).toEqual({
      type: 'waiting',
      pid: first.child.pid,
      host: hostname(),
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    await project.write('gate', '');
    expect(await first.ended).toEqual({ exitCode: 0, signal: null });
    expect(await second.ended).toEqual({ exitCode: 0, signal: null });
    expect(second.events.at(-1)).toMatchObject({ executed: [], fresh: ['wait'] });
    expect(await project.read('runs.txt')).toBe('run\n');
  });

  it('say who is at work with --no-wait', async () => {
    const project = await Project.create(files);
    const first = startRepro(project);
    await first.event(({ type }) => type === 'started');
    const second = await project.cli('repro', '--no-wait');
    expect(second.exitCode).toBe(1);
    expect(second.stdout).toMatch(
      new RegExp(
        `^error: Another run is at work here: pid ${first.child.pid} on ${hostname()}, since \\d{4}-.*Z\\.\nWait for it to end, or end it, and try again\\.`,
      ),
    );
    await project.write('gate', '');
    expect(await first.ended).toEqual({ exitCode: 0, signal: null });
  });

  it('end their waiting with Ctrl-C', async () => {
    const project = await Project.create({ ...files, 'cache/run.lock/1.json': claim({}) });
    const { child, event, ended } = startRepro(project);
    await event(({ type }) => type === 'waiting');
    child.kill('SIGINT');
    expect(await ended).toEqual({ exitCode: 1, signal: null });
    expect(readdirSync(project.path('cache/run.lock'))).toEqual(['1.json']);
    expect(existsSync(project.path('out.txt'))).toBe(false);
  });

  it('never work together, however many come after one that died', async () => {
    const { pid } = spawnSync('true');
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  alone: { cmd: 'sh alone.sh \${outs.out}', outs: { out: out.txt } }
`,
      'alone.sh':
        'set -e; mkdir at-work; echo run >> runs.txt; sleep 0.05; rmdir at-work; echo done > "$1"\n',
      'params.yaml': '',
      'cache/run.lock/1.json': claim({ pid, started: null }),
    });
    const runs = Array.from({ length: 6 }, () => startRepro(project, ['--force']));
    for (const { ended } of runs) expect(await ended).toEqual({ exitCode: 0, signal: null });
    expect(await project.read('runs.txt')).toBe('run\n'.repeat(runs.length));
  });
});

describe('a holder', () => {
  const ran = async (text: string, name = '1.json'): Promise<boolean> => {
    const project = await Project.create({ ...files, gate: '', [`cache/run.lock/${name}`]: text });
    const { exitCode } = await project.cli('repro', '--no-wait');
    return exitCode === 0;
  };

  it('that died is taken over', async () => {
    const { pid } = spawnSync('true');
    expect(await ran(claim({ pid }))).toBe(true);
  });

  it.runIf(process.platform === 'linux')('whose number another process has now is taken over', async () => {
    expect(await ran(claim({ started: 'another boot 1' }))).toBe(true);
    expect(await ran(claim({}))).toBe(false);
  });

  it('that can be read no more is taken over: it was cut off with the machine', async () => {
    expect(await ran('')).toBe(true);
  });

  it('that had room for its name alone holds as well, and is taken over when it died', async () => {
    const { pid, host, started } = thisProcess();
    const name = (number: number, start: string | null): string =>
      `20200101000000000-${host}-${number}.${encodeURIComponent(start ?? '')}.holds`;
    expect(await ran('', name(pid, started))).toBe(false);
    expect(await ran('', name(spawnSync('true').pid, null))).toBe(true);
  });

  it('on another host is waited for, since it can not be asked', async () => {
    expect(await ran(claim({ host: 'elsewhere', pid: 1 }))).toBe(false);
  });
});
