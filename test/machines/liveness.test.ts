// A process that left its identity behind is alive only if it is that very process: zombies and reused pids are dead.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { livenessOf, parseProcessName, processName, thisProcess } from '../../engine/stage.ts';
import { claimPartial } from '../../sources/partial-download.ts';
import { removeLeftovers, temporaryName } from '../../training/native/leftovers.ts';
import { Project } from '../support/project.ts';

/** A process that has ended and whose parent never asks how. */
let zombie: number;
let parent: ReturnType<typeof spawn>;

beforeAll(async () => {
  // The shell starts a child and becomes a program that never waits for it.
  parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  zombie = await new Promise((resolve) => parent.stdout!.once('data', (text) => resolve(Number(text))));
  const state = async (): Promise<string> =>
    (await readFile(`/proc/${zombie}/stat`, 'latin1')).replace(/^.*\) /s, '')[0]!;
  while ((await state()) !== 'Z') await new Promise(setImmediate);
});
afterAll(() => {
  parent.kill('SIGKILL');
});

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'rodada-liveness-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
};

describe.runIf(process.platform === 'linux')('a process', () => {
  it('is alive if it is the one that the identity names', () => {
    expect(livenessOf(thisProcess())).toBe('alive');
  });

  it('is dead as a zombie, also if nobody noted when it started', () => {
    expect(livenessOf({ ...thisProcess(), pid: zombie, started: null })).toBe('dead');
    expect(livenessOf({ pid: zombie, host: hostname(), started: null })).toBe('dead');
  });

  it('is dead if another one has its pid', () => {
    expect(livenessOf({ ...thisProcess(), pid: process.ppid })).toBe('dead');
  });

  it('of another pid namespace, boot or host is not known, whatever has its pid here', () => {
    expect(livenessOf({ ...thisProcess(), place: 'boot 1 1' })).toBe('unknown');
    expect(livenessOf({ ...thisProcess(), host: 'elsewhere' })).toBe('unknown');
  });

  it('has a name that can be read back, whatever its host is called', () => {
    const identity = { pid: 7, host: 'a~b/c,d%', started: 'boot 12', place: null };
    expect(processName(identity)).not.toContain('/');
    expect(parseProcessName(processName(identity))).toEqual(identity);
    expect(parseProcessName('a~7~%~')).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('a run in the log', () => {
  it('is lost if another process has the pid of its engine now, or the engine is a zombie', async () => {
    const project = await Project.create({
      'pipeline.yaml': "stages:\n  make: { cmd: 'echo a > ${outs.a}', outs: { a: a.txt } }\n",
      'params.yaml': '',
    });
    await project.repro();
    const file = (await readdir(project.path('cache/logs'))).find((name) => name.endsWith('.json'))!;
    const run = JSON.parse(await project.read(`cache/logs/${file}`));
    const shown = async (engine: object | undefined): Promise<string> => {
      const text = JSON.stringify({ ...run, outcome: 'running', pid: process.pid, engine });
      await project.write(`cache/logs/${file}`, text);
      return (await project.cli('log', 'make', '--runs')).stdout;
    };
    expect(await shown(thisProcess())).toContain('running');
    expect(await shown({ ...run.engine, pid: process.pid })).toContain('lost');
    expect(await shown({ ...thisProcess(), pid: zombie, started: null })).toContain('lost');
    expect(await shown(undefined)).toContain('lost');
  });
});

describe.runIf(process.platform === 'linux')('what a download received so far', () => {
  const taken = async (owner: string, hoursAgo = 0): Promise<boolean> => {
    const downloads = await folder();
    const part = join(downloads, `file.bin.partial-${owner}`);
    await mkdir(part);
    await writeFile(join(part, 'bytes'), 'part');
    const { utimes } = await import('node:fs/promises');
    const then = Date.now() / 1000 - hoursAgo * 3600;
    for (const path of [join(part, 'bytes'), part]) await utimes(path, then, then);
    return (await (await claimPartial(join(downloads, 'file.bin'))).size()) > 0;
  };

  it('is taken over from a zombie and from a process whose pid was reused, not from one that is alive', async () => {
    const me = thisProcess();
    expect(await taken(String(zombie))).toBe(true);
    expect(await taken(processName({ ...me, pid: zombie }))).toBe(true);
    expect(await taken(processName({ ...me, pid: process.ppid }))).toBe(true);
    const other = spawn('sleep', ['1000']);
    onTestFinished(() => void other.kill());
    expect(await taken(String(other.pid))).toBe(false);
  });

  it('is taken over from another container only if nothing was received for an hour', async () => {
    const owner = processName({ ...thisProcess(), place: 'another 1 1' });
    expect(await taken(owner)).toBe(false);
    expect(await taken(owner, 2)).toBe(true);
  });
});

it.runIf(process.platform === 'linux')(
  'the unfinished set-up of a zombie is removed, that of another container is not',
  async () => {
    const cache = await folder();
    const me = thisProcess();
    const live = [temporaryName(), `making-${processName({ ...me, place: 'another 1 1' })}`];
    const dead = [`making-${hostname()}-${zombie}`, `making-${processName({ ...me, pid: process.ppid })}`];
    for (const name of [...live, ...dead]) await mkdir(join(cache, name));
    removeLeftovers(cache);
    expect((await readdir(cache)).sort()).toEqual(live.sort());
  },
);
