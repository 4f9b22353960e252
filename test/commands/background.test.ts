// What a command leaves in the background: it never holds a stage, and ends with it, at the timeout and at Ctrl-C.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isRunning, startRepro } from '../safety/processes.ts';
import { type CliRun, Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

/** A shell script that writes its pid and lives for long. */
const live = "sh -c 'echo $$ > child.pid.new; mv child.pid.new child.pid; exec sleep 1000'";
const stubborn =
  "sh -c 'trap : TERM INT HUP; echo $$ > child.pid.new; mv child.pid.new child.pid; while :; do sleep 0.1; done'";
const closed = '> /dev/null 2>&1 < /dev/null';

/** Ways to start a process that goes on by itself, each in the background of a shell. */
const ways: readonly (readonly [string, string])[] = [
  ['holds the streams', `${live} &`],
  ['has closed the streams', `${live} ${closed} &`],
  ['ignores SIGHUP', `nohup ${live} &`],
  ['ignores SIGTERM', `${stubborn} &`],
  ['has its own session', `setsid ${live} ${closed} &`],
  ['is adopted by init', `(setsid ${live} ${closed} &)`],
  ['has no environment', `env -i PATH="$PATH" ${live} &`],
  ['has no environment and its own session', `(setsid env -i PATH="$PATH" ${live} ${closed} &)`],
  ['is started by nested shells', `bash -c "sh -c \\"(setsid ${live.replaceAll('$', '\\\\\\$')} &)\\""`],
  ['is a job of a shell with job control', `set -m; ${live} &`],
  ['ignores SIGTERM in its own session', `(setsid ${stubborn} &)`],
];

async function projectWith(start: string, rest: string, more = ''): Promise<Project> {
  return Project.create({
    'pipeline.yaml': `
stages:
  a:
    cmd: sh -eu start.sh && ${rest}
    outs: { o: o.txt }
    ${more}
`,
    'params.yaml': '',
    'start.sh': `${start}\nwhile [ ! -e child.pid ]; do sleep 0.01; done\n`,
  });
}

/**
 * Runs a stage that its timeout ends, with ever longer timeouts until it has made a file: a busy machine takes its time to start it.
 * @param timeout the one in pipeline.yaml
 */
async function untilReached(
  project: Project,
  timeout: string,
  file: string,
  check: (run: CliRun, timeout: string) => void,
): Promise<void> {
  for (let last = timeout, seconds = 3; ; seconds *= 3) {
    check(await project.cli('repro'), last);
    if (existsSync(project.path(file))) return;
    expect(seconds).toBeLessThan(30);
    await project.edit('pipeline.yaml', `timeout: ${last}`, `timeout: ${seconds} s`);
    last = `${seconds} s`;
  }
}

const childOf = async (project: Project): Promise<number> => Number(await project.read('child.pid'));

describe.runIf(process.platform === 'linux')('a process in the background that', () => {
  it.each(ways)('%s does not hold its stage, and ends with it', async (_, start) => {
    const project = await projectWith(start, 'echo done > ${outs.o}');
    const started = performance.now();
    const { events, summary } = await project.repro();
    expect(performance.now() - started).toBeLessThan(60_000); // what it started lives for 1,000 s
    expect(summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toBe('done\n');
    expect(isRunning(await childOf(project))).toBe(false);
    expect(events.filter(({ type }) => type === 'stage-warning')).toMatchObject([
      { stage: 'a', message: expect.stringMatching(/^It left `.*` running in the background/) },
    ]);
  });

  it.each(ways)('%s ends at the timeout of its stage', async (_, start) => {
    const project = await projectWith(start, 'sleep 1000', 'timeout: 1 s');
    await untilReached(project, '1 s', 'child.pid', ({ stdout }, timeout) =>
      expect(stdout).toContain(
        `✖ a failed. Its command took longer than its timeout of ${timeout} and was ended.`,
      ),
    );
    expect(isRunning(await childOf(project))).toBe(false);
  });

  it.each(ways)('%s ends at Ctrl-C', async (_, start) => {
    const project = await projectWith(start, 'sleep 1000');
    const run = startRepro(project);
    while (!existsSync(project.path('child.pid'))) await delay(5);
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ exitCode: 1, signal: null });
    expect(isRunning(await childOf(project))).toBe(false);
  });
});

it('a process in the background that finishes an output in a moment is waited for', async () => {
  const project = await Project.create({
    'pipeline.yaml':
      'stages: { a: { cmd: "seq 1000 | tee >(sleep 0.1; gzip > ${outs.o}) > /dev/null", outs: { o: o.gz } } }\n',
    'params.yaml': '',
  });
  const { events } = await project.repro();
  expect(events.filter(({ type }) => type === 'stage-warning')).toEqual([]);
  expect(gunzipSync(readFileSync(project.path('o.gz'))).toString()).toMatch(/\n1000\n$/);
});

it('a process that an earlier command of a list started serves the later ones', async () => {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  a:
    cmd:
      - node server.mjs > server.log &
      - until grep -q listening server.log; do sleep 0.02; done
      - node -e 'fetch("http://127.0.0.1:" + fs.readFileSync("port")).then((r) => r.text()).then(console.log)' > \${outs.o}
    outs: { o: o.txt }
`,
    'params.yaml': '',
    'server.log': '',
    'server.mjs': `
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
const server = createServer((_, response) => response.end('served')).listen(0, '127.0.0.1', () => {
  writeFileSync('port', String(server.address().port));
  writeFileSync('pid', String(process.pid));
  console.log('listening');
});
`,
  });
  expect((await project.repro()).summary.executed).toEqual(['a']);
  expect(await project.read('o.txt')).toBe('served\n');
  expect(isRunning(Number(await project.read('pid')))).toBe(false);
});

it('a failing command ends what it left at once', async () => {
  const project = await projectWith(`${live} &`, 'exit 3');
  expect((await project.cli('repro')).stdout).toContain('Its command ended with exit code 3.');
  expect(isRunning(await childOf(project))).toBe(false);
});

it('processes get the time to clear up after SIGTERM though their shell ends at once', async () => {
  const project = await Project.create({
    'pipeline.yaml': 'stages: { a: { cmd: "sh tidy.sh; true", timeout: 0.5 s, outs: { o: o.txt } } }\n',
    'params.yaml': '',
    'tidy.sh':
      'trap "sleep 0.7; echo tidy > tidied; exit 0" TERM\ntouch ready\nwhile :; do sleep 0.05; done\n',
  });
  await untilReached(project, '0.5 s', 'ready', ({ exitCode }) => expect(exitCode).toBe(1));
  expect(await project.read('tidied')).toBe('tidy\n');
});

it('a TypeScript stage whose body is done ends, though it leaves a server open', async () => {
  const project = await Project.create({
    'pipeline.yaml': 'stages: { a: { cmd: node --import tsx a.mts, outs: { o: o.txt } } }\n',
    'params.yaml': '',
    'a.mts': `
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { z } from 'zod';
import { stage } from '${join(projectRoot, 'engine/stage.ts')}';
await stage(z.object({}), async ({ outs }) => {
  await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve));
  writeFileSync(outs.o!, 'done');
});
`,
  });
  const { events, summary } = await project.repro();
  expect(summary.executed).toEqual(['a']);
  expect(events.filter(({ type }) => type === 'stage-warning')).toMatchObject([
    { message: expect.stringContaining('TCPServerWrap') },
  ]);
});
