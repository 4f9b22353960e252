// Ctrl-C and closed terminals: whole process groups end, and what is finished stays.
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { isRunning, startRepro } from './processes.ts';

/** One stage that ends at once, and one that starts a child in the background and waits as long as there is a file `long`. */
const filesWith = (trap: string): Record<string, string> => ({
  'pipeline.yaml': `
stages:
  quick: { cmd: 'echo quick > \${outs.out}', outs: { out: quick.txt } }
  slow:
    cmd: sh slow.sh \${deps.quick} \${outs.out}
    deps: { quick: quick.txt }
    outs: { out: slow.txt }
`,
  'params.yaml': '',
  'slow.sh': `${trap}
if [ -e long ]; then
  sh -c '${trap} echo $$ > child.pid; while :; do sleep 0.1; done' &
  echo $$ > slow.pid
  while :; do sleep 0.1; done
fi
cp "$1" "$2"
`,
  long: '',
});

interface AtWork {
  readonly project: Project;
  readonly run: ReturnType<typeof startRepro>;
  /** The stage's own process and the one that it started. */
  readonly pids: readonly number[];
}

async function atWork(trap: string): Promise<AtWork> {
  const project = await Project.create(filesWith(trap));
  const run = startRepro(project);
  await run.event((event) => event.type === 'started' && event.stage === 'slow');
  const written = async (path: string): Promise<number> => {
    while (!existsSync(project.path(path)) || (await project.read(path)) === '') await delay(5);
    return Number(await project.read(path));
  };
  return { project, run, pids: [await written('slow.pid'), await written('child.pid')] };
}

/** That nothing goes on, what was finished is there, and the next run does only the rest. */
async function expectOrder({ project, pids }: AtWork): Promise<void> {
  for (const pid of pids) expect(isRunning(pid)).toBe(false);
  expect(readdirSync(project.path('cache/run.lock'))).toEqual([]);
  expect(existsSync(project.path('slow.txt'))).toBe(false);
  expect(await project.read('quick.txt')).toBe('quick\n');
  await project.remove('long');
  const { summary } = await project.repro();
  expect(summary.executed).toEqual(['slow']);
  expect(existsSync(project.path('cache/tmp'))).toBe(false);
}

describe('Ctrl-C', () => {
  it('once ends what runs, whole groups of processes, and keeps what is finished', async () => {
    const work = await atWork('');
    work.run.child.kill('SIGINT');
    expect(await work.run.ended).toEqual({ exitCode: 1, signal: null });
    expect(work.run.events.slice(-2)).toMatchObject([
      { type: 'failure', failure: { reason: 'interrupted', signal: 'SIGINT' } },
      { type: 'summary', executed: ['quick'], skipped: ['slow'], failed: [] },
    ]);
    expect(await work.project.read('pipeline.lock')).toContain('"stage": "quick"');
    await expectOrder(work);
  });

  it('comes twice at the same moment through npm, which is once', async () => {
    const work = await atWork('');
    work.run.child.kill('SIGINT');
    work.run.child.kill('SIGINT');
    expect(await work.run.ended).toEqual({ exitCode: 1, signal: null });
    await expectOrder(work);
  });

  it('once ends also what does not want to, after a while', async () => {
    const work = await atWork('trap "" TERM INT HUP;');
    work.run.child.kill('SIGINT');
    expect(await work.run.ended).toEqual({ exitCode: 1, signal: null });
    await expectOrder(work);
  });

  it('twice ends everything at once', async () => {
    const work = await atWork('trap "" TERM INT HUP;');
    work.run.child.kill('SIGINT');
    await delay(700); // a second press, not the echo of the first
    const pressed = performance.now();
    work.run.child.kill('SIGINT');
    expect(await work.run.ended).toEqual({ exitCode: 130, signal: null });
    // Before the five seconds end that the first press gave.
    expect(performance.now() - pressed).toBeLessThan(4_300);
    await expectOrder(work);
  });
});

it('ends in order when the terminal is closed', async () => {
  const work = await atWork('');
  work.run.child.stdout!.destroy();
  work.run.child.stderr!.destroy();
  work.run.child.kill('SIGHUP');
  await new Promise((resolve) => work.run.child.on('exit', resolve));
  expect(work.run.child.exitCode).toBe(1);
  await expectOrder(work);
});
