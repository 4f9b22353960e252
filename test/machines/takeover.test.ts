// One run at a time in a workspace that several containers and hosts share: a dead run is taken over, a live one never.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepBeating } from '../../engine/execute/heartbeat.ts';
import { thisProcess } from '../../engine/execute/process-identity.ts';
import { type Started, startRepro } from '../safety/processes.ts';
import { Project } from '../support/project.ts';

/** A stage that goes on until there is a file `gate`, which is no input, and notes that it ran. */
const files = {
  'pipeline.yaml': `
stages:
  wait: { cmd: 'sh wait.sh \${outs.out} \${x}', params: [x], outs: { out: out.txt } }
`,
  'wait.sh': `echo run >> runs.txt; until ls | grep -q '^ga[t]e$'; do sleep 0.02; done; mkdir -p "\${1%/*}"; echo $2 > "$1"; echo end >> runs.txt\n`,
  'params.yaml': 'x: a\n',
};

const fast = { RODADA_HEARTBEAT: '0.4' };
const limit = 9 * 0.4;

/** Starts a program in a container's pid namespace; the hostname stays the same. */
const container = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const elsewhere = ['unshare', '--uts', 'sh', '-c', 'hostname elsewhere && exec "$0" "$@"'];
const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', '--uts', 'true']).status === 0;

/** The engine's own pid, seen from here; `unshare --fork` is its parent. */
function engineOf({ child }: Started, around: readonly string[]): number {
  if (!around.includes('--fork')) return child.pid!;
  return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

const claims = (project: Project): string[] => readdirSync(project.path('cache/run.lock'));

/** Waits until the claim that is there has given so many signs of life. */
async function beats(project: Project, count: number): Promise<void> {
  const path = project.path(`cache/run.lock/${claims(project)[0]}`);
  const times = new Set<bigint>();
  while (times.size <= count) {
    times.add(statSync(path, { bigint: true }).mtimeNs);
    await delay(20);
  }
}

describe.runIf(canUnshare)('a run in another container (needs root and Linux namespaces)', () => {
  it('is waited for as long as it gives signs of life, though no process here has its pid', async () => {
    const project = await Project.create(files);
    const first = startRepro(project, [], fast, container);
    await first.event(({ type }) => type === 'started');
    while (!existsSync(project.path('runs.txt'))) await delay(20);
    const second = startRepro(project, [], fast);
    expect(await second.event(({ type }) => type === 'waiting')).toMatchObject({ host: hostname() });
    await beats(project, 12);
    const third = await project.cliWith(fast, 'repro', '--no-wait');
    expect(third).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('Another run is at work') });
    expect(third.stdout).toContain(
      'If it is dead, the next run takes over after 3.6 s without a sign of life',
    );
    expect((await project.cliWith(fast, 'log', 'wait')).stdout).toContain('running');
    expect(await project.read('runs.txt')).toBe('run\n');
    await project.write('gate', '');
    expect(await first.ended).toEqual({ exitCode: 0, signal: null });
    expect(await second.ended).toEqual({ exitCode: 0, signal: null });
    expect(second.events.at(-1)).toMatchObject({ fresh: ['wait'] });
    expect(await project.read('runs.txt')).toBe('run\nend\n');
  });

  it.each([
    ['in another container', container],
    ['on another host', elsewhere],
  ] as const)('that was killed %s is taken over, and the one that waits says when', async (_, around) => {
    const project = await Project.create(files);
    const first = startRepro(project, [], fast, around);
    await first.event(({ type }) => type === 'started');
    process.kill(engineOf(first, around), 'SIGKILL');
    await first.ended;
    await project.write('gate', '');
    const second = startRepro(project, [], fast);
    const silent = await second.event((event) => event.type === 'waiting' && event.silence !== undefined);
    expect(silent).toMatchObject({ silence: { limit } });
    expect(await second.ended).toEqual({ exitCode: 0, signal: null });
    expect(second.events.at(-1)).toMatchObject({ executed: ['wait'] });
    expect(claims(project)).toEqual([]);
  });

  it('that was suspended and taken over stops at once and changes nothing', async () => {
    const project = await Project.create(files);
    const first = startRepro(project, [], fast, container);
    await first.event(({ type }) => type === 'started');
    const engine = engineOf(first, container);
    onTestFinished(() => kill(engine));
    while (!existsSync(project.path('runs.txt'))) await delay(20);
    process.kill(engine, 'SIGSTOP');
    const second = startRepro(project, ['--set', 'x=b'], fast, container);
    await second.event(({ type }) => type === 'started');
    await project.write('gate', '');
    expect(await second.ended).toEqual({ exitCode: 0, signal: null });
    // The second can't see the commands of the first, so these have ended well.
    while ((await project.read('runs.txt')) !== 'run\nrun\nend\nend\n') await delay(20);
    const before = [await project.read('pipeline.lock'), readdirSync(project.path('cache/runs'))];
    process.kill(engine, 'SIGCONT');
    expect(await first.ended).toEqual({ exitCode: 1, signal: null });
    expect(first.events.at(-1)).toEqual({ type: 'failure', failure: { reason: 'lost-lock', limit } });
    expect(await project.read('out.txt')).toBe('b\n');
    expect([await project.read('pipeline.lock'), readdirSync(project.path('cache/runs'))]).toEqual(before);
  });
});

describe('a claim from elsewhere', () => {
  const claim = JSON.stringify({
    ...thisProcess(),
    place: 'another',
    since: '2020-01-01T00:00:00.000Z',
    holds: true,
    beat: 0.4,
  });

  it.each(['repro --no-wait', 'commit', 'gc', 'checkout'])('of long ago does not stop %s', async (verb) => {
    const project = await Project.create({ ...files, gate: '' });
    await project.repro();
    await project.write('cache/run.lock/1.json', claim);
    utimesSync(project.path('cache/run.lock/1.json'), 1, 1);
    expect(await project.cli(...verb.split(' '))).toMatchObject({ exitCode: 0 });
    expect(claims(project)).toEqual([]);
  });

  it('that looks old, because a clock was set or the machine slept, is not taken over if it gives a sign', async () => {
    const project = await Project.create({ ...files, gate: '', 'cache/run.lock/1.json': claim });
    const path = project.path('cache/run.lock/1.json');
    let time = 1;
    const touching = setInterval(() => utimesSync(path, time, time++), 100);
    const run = startRepro(project, ['--no-wait']);
    const done = run.ended.then(() => true);
    const later = delay(4 * 1000 * 0.4 * 2, false);
    expect(await Promise.race([done, later])).toBe(false);
    clearInterval(touching);
    expect(await run.ended).toEqual({ exitCode: 0, signal: null });
    expect(existsSync(project.path('out.txt'))).toBe(true);
  });
});

it('a claim gives signs of life while the main thread is busy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rodada-beat-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'claim');
  writeFileSync(path, '{}');
  const stop = keepBeating(path, '{', 0.1, () => undefined);
  onTestFinished(stop);
  const time = (): bigint => statSync(path, { bigint: true }).mtimeNs;
  const written = time();
  while (time() === written) await delay(10); // until the thread is there
  const times = new Set<bigint>();
  for (const started = performance.now(); times.size < 5; ) {
    times.add(time());
    if (performance.now() - started > 20_000) break;
  }
  expect(times.size).toBe(5);
  expect(readFileSync(path, 'utf8')).toBe('{}');
});
