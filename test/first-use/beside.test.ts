// Verbs that only look at a project say that another run is changing it, and change nothing themselves.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { startRepro } from '../safety/processes.ts';
import { canBeRefused, cliWithoutRights, forbid } from '../safety/refusals.ts';
import { Project } from '../support/project.ts';

/** A stage that goes on until there is a file `gate`, which is no input. */
const files = {
  'pipeline.yaml': `
stages:
  first: { cmd: 'echo "{\\"n\\": 1}" > \${outs.first}', metrics: { first: metrics/first.json } }
  wait: { cmd: 'sh wait.sh > \${outs.out}', deps: [metrics/first.json], outs: { out: out.txt } }
`,
  'wait.sh': `until ls | grep -q '^ga[t]e$'; do sleep 0.02; done\n`,
};

/** A project in which a run of `wait` goes on. */
async function beside(...args: string[]) {
  const project = await Project.create(files);
  const run = startRepro(project, args);
  await run.event((event) => event.type === 'started' && event.stage === 'wait');
  const end = async (): Promise<void> => {
    await project.write('gate', '');
    expect(await run.ended).toEqual({ exitCode: 0, signal: null });
  };
  return { project, pid: run.child.pid!, end };
}

const eventsOf = (stdout: string): { type: string }[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });

it('each verb that looks names the run: its pid, its start and what the user typed', async () => {
  const { project, pid, end } = await beside('wait', '--jobs', '1');
  const line = new RegExp(
    `^• \`rodada repro --json wait --jobs 1\` is running here: pid ${pid}, since \\d{4}-\\S+Z\\. Results may change until it ends\\.$`,
    'm',
  );
  for (const verb of [['status'], ['why', 'wait'], ['dag'], ['log', 'first'], ['repro', '--dry']])
    expect((await project.cli(...verb)).stdout, verb.join(' ')).toMatch(line);
  mkdirSync(project.path('earlier/metrics'), { recursive: true });
  await project.write('earlier/metrics/first.json', '{"n": 2}');
  expect((await project.cli('compare', '--baseline', './earlier')).stdout).toMatch(line);
  // What goes on is shown as that anyway, and programs read the rest.
  expect((await project.cli('log', 'wait')).stdout).toMatch(/^wait #1: running, /);
  for (const format of ['--dot', '--mermaid'])
    expect((await project.cli('dag', format)).stdout).not.toContain('running');
  for (const format of ['md', 'csv'])
    expect(
      (await project.cli('compare', '--baseline', './earlier', '--format', format)).stdout,
    ).not.toContain('is running');

  await end();
  expect((await project.cli('status')).stdout).toBe('✔ Nothing to do: all 2 stages are fresh\n');
  expect((await project.cli('log', 'first')).stdout).not.toContain('is running');
});

it('a program gets an event, before the last one', async () => {
  const { project, pid, end } = await beside();
  const events = eventsOf((await project.cli('status', '--json')).stdout);
  expect(events.filter(({ type }) => type === 'running')).toEqual([
    {
      type: 'running',
      pid,
      host: hostname(),
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      command: 'rodada repro --json',
    },
  ]);
  expect(events.at(-1)!.type).toBe('outlook');
  await end();
  const after = eventsOf((await project.cli('status', '--json')).stdout);
  expect(after.map(({ type }) => type)).not.toContain('running');
});

it('a run does not say it of itself, nor of one that was killed; and the claim of that stays', async () => {
  const project = await Project.create(files);
  await project.write('gate', '');
  const { events } = await project.repro();
  expect(events.map(({ type }) => type)).not.toContain('running');
  const { pid } = spawnSync('true');
  const claim = { pid, host: hostname(), started: null, since: '2026-01-01T00:00:00.000Z', holds: true };
  await project.write('cache/run.lock/1.json', JSON.stringify(claim));
  expect((await project.cli('status')).stdout).toBe('✔ Nothing to do: all 2 stages are fresh\n');
  expect(readdirSync(project.path('cache/run.lock'))).toEqual(['1.json']);
});

it('a run on another host is named with it, and may be dead if it gives no sign of life', async () => {
  const project = await Project.create(files);
  mkdirSync(project.path('cache/run.lock'), { recursive: true });
  const path = project.path('cache/run.lock/1.json');
  const claim = { pid: 7, host: 'far', started: null, since: '2026-01-01T00:00:00.000Z', holds: true };
  writeFileSync(path, JSON.stringify({ ...claim, command: 'rodada gc \u001b[31m', beat: 5 }));
  const said = '• `rodada gc \\u001b[31m` is running here: pid 7 on far, since 2026-01-01T00:00:00.000Z.';
  expect((await project.cli('dag')).stdout).toContain(`${said} Results may change until it ends.`);
  const old = new Date(Date.now() - 300_000);
  utimesSync(path, old, old);
  expect((await project.cli('dag')).stdout).toMatch(
    /on far, .* No sign of life for 5 min 0\d s: it may be dead\./,
  );
  expect(readdirSync(project.path('cache/run.lock'))).toEqual(['1.json']);
});

/** The run and the one who looks are two users: without rights to its cache, the run itself would end. */
const hasTwoUsers = process.getuid?.() === 0 && canBeRefused;

it.skipIf(!hasTwoUsers)('also somebody who may not write to the project is told (needs root)', async () => {
  const { project, pid, end } = await beside();
  chmodSync(project.root, 0o755);
  forbid(project.path('cache'));
  const status = await cliWithoutRights(project, 'status');
  expect(status.exitCode).toBe(1);
  expect(status.stdout).toContain(`is running here: pid ${pid}, since `);
  await end();
});
