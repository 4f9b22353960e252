// A store outside of the workspace: on another file system, shared by several workspaces, and collected for all of them.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRepro } from '../safety/processes.ts';
import { Project } from '../support/project.ts';

const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

/** A tmpfs on Linux, so another file system than the projects'. */
const elsewhere = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

async function newStore(): Promise<string> {
  const store = await mkdtemp(join(elsewhere, 'rodada-store-'));
  onTestFinished(() => rm(store, { recursive: true, force: true }));
  return store;
}

const pipeline = (store: string, more = ''): string => `
cache: { store: '${store}'${more} }
stages:
  big: { cmd: 'seq \${n} > \${outs.o}; seq 20000 >> \${outs.o}', params: [n], outs: { o: big.txt } }
  dir:
    cmd: 'mkdir \${outs.d} && cp \${deps.b} \${outs.d}/b && echo shared > \${outs.d}/shared'
    deps: { b: big.txt }
    outs: { d: dir }
`;

/** A workspace with its own n, and all that it needs made. */
async function workspace(store: string, n: number, more = ''): Promise<Project> {
  const project = await Project.create({
    'pipeline.yaml': pipeline(store, more),
    'params.yaml': `n: ${n}\n`,
  });
  await runWith(project, n);
  return project;
}

async function runWith(project: Project, n: number): Promise<Awaited<ReturnType<Project['repro']>>> {
  await project.write('params.yaml', `n: ${n}\n`);
  const run = await project.repro();
  expect(run.exitCode).toBe(0);
  return run;
}

const objects = (store: string): number =>
  readdirSync(join(store, 'objects'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes('/'),
  ).length;

/** The outputs are gone, and come back from the store. */
async function expectRestored(project: Project): Promise<void> {
  for (const path of ['big.txt', 'dir']) await project.remove(path);
  expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['big', 'dir'] });
}

describe('a store on another file system', () => {
  it('gives one workspace what another made, and keeps nothing in cache/', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await Project.create({ 'pipeline.yaml': pipeline(store), 'params.yaml': 'n: 1\n' });
    expect((await second.repro()).summary).toMatchObject({ executed: [], restored: ['big', 'dir'] });
    for (const project of [first, second])
      for (const name of ['objects', 'runs', 'tmp', 'quarantine'])
        expect(existsSync(project.path(`cache/${name}`))).toBe(false);
    expect((await first.cli('status')).exitCode).toBe(0);
  });

  it('works for checkout, commit, verify and clean as well', async () => {
    const store = await newStore();
    const project = await workspace(store, 1);
    await project.remove('dir');
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(await project.read('dir/shared')).toBe('shared\n');
    await project.write('big.txt', 'by hand\n');
    expect((await project.cli('commit', 'big')).exitCode).toBe(0);
    await project.remove('big.txt');
    expect((await project.repro()).summary).toMatchObject({ restored: ['big'] });
    expect(await project.read('big.txt')).toBe('by hand\n');
    expect((await project.cli('verify')).exitCode).toBe(0);
    await project.edit('pipeline.yaml', '  dir:', '  other:');
    await project.edit('pipeline.yaml', 'd: dir }', 'd: other }');
    expect((await project.cli('clean')).exitCode).toBe(0);
    expect(existsSync(project.path('dir'))).toBe(false);
  });

  it('is where RODADA_STORE says, relative to the project, whatever pipeline.yaml says', async () => {
    const store = await newStore();
    const project = await Project.create({ 'pipeline.yaml': pipeline(store), 'params.yaml': 'n: 1\n' });
    const named = `../${basename(project.root)}-store`;
    onTestFinished(() => rm(project.path(named), { recursive: true, force: true }));
    expect((await project.cliWith({ RODADA_STORE: named }, 'repro')).exitCode).toBe(0);
    expect(objects(project.path(named))).toBe(3);
    expect(readdirSync(store)).toEqual([]);
  });
});

describe('two workspaces with one store', () => {
  it('work at the same time', async () => {
    const store = await newStore();
    const files = {
      'pipeline.yaml': `
cache: { store: '${store}' }
stages:
  make:
    matrix: { i: [1, 2, 3, 4, 5, 6, 7, 8] }
    cmd: 'mkdir \${outs.d}; for f in 1 2 3 4 5; do echo \${i} > \${outs.d}/$f; echo same $f > \${outs.d}/same$f; done'
    outs: { d: 'out/\${i}' }
`,
      'params.yaml': '',
    };
    const projects = [await Project.create(files), await Project.create(files)];
    const runs = projects.map((project) => startRepro(project, ['--force']));
    for (const { ended } of runs) expect(await ended).toEqual({ exitCode: 0, signal: null });
    for (const { events } of runs) expect(events.some(({ type }) => type === 'waiting')).toBe(false);
    expect((await projects[0]!.cli('verify')).exitCode).toBe(0);
    for (const project of projects) expect((await project.cli('status')).exitCode).toBe(0);
  });

  it('keep what the other needs when one collects garbage, also what its lock says by now', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    await runWith(first, 2);
    const second = await workspace(store, 3);
    const lock = await second.read('pipeline.lock');
    await runWith(second, 4);
    await second.write('pipeline.lock', lock); // as a checkout by git does
    expect((await first.cli('gc')).stdout).toContain('✔ 2 results');
    await expectRestored(first);
    await expectRestored(second);
    await second.write('params.yaml', 'n: 3\n');
    expect((await second.repro()).summary).toMatchObject({ executed: [], restored: ['big', 'dir'] });
  });

  it('keep what the other needs when a repro keeps to the limit', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await workspace(store, 2, ", limit: '1 kB'");
    await runWith(second, 3);
    await expectRestored(first);
    await expectRestored(second);
    await second.write('params.yaml', 'n: 2\n');
    expect((await second.repro()).summary).toMatchObject({ executed: ['big', 'dir'] });
  });

  it('do not collect garbage while the other runs', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await Project.create({
      'pipeline.yaml': `
cache: { store: '${store}' }
stages:
  wait: { cmd: 'until ls | grep -q "^ga[t]e$"; do sleep 0.02; done; echo > \${outs.o}', outs: { o: out.txt } }
`,
      'params.yaml': '',
    });
    const run = startRepro(second);
    await run.event(({ type }) => type === 'started');
    const gc = await first.cli('gc');
    expect(gc).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(`uses the store ${store}`) });
    expect((await first.repro()).exitCode).toBe(0);
    await second.write('gate', '');
    expect(await run.ended).toEqual({ exitCode: 0, signal: null });
    expect((await first.cli('gc')).exitCode).toBe(0);
  });

  it('forget one that is gone only if gc is told so', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await workspace(store, 2);
    await second.dispose();
    const before = objects(store);
    const { stdout } = await first.cli('gc');
    expect(stdout).toContain(
      `The workspace ${second.root} no longer exists. What it needs is kept; \`rodada gc --forget ${second.root}\` drops that.`,
    );
    expect(objects(store)).toBe(before);
    expect((await first.cli('gc', '--forget', '/nowhere')).exitCode).toBe(2);
    expect((await first.cli('gc', '--forget', second.root)).exitCode).toBe(0);
    expect(objects(store)).toBe(3);
    await expectRestored(first);
  });

  it('are told apart if one is a copy of the other', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await Project.create({});
    for (const name of readdirSync(first.root))
      if (name !== 'node_modules') cpSync(first.path(name), second.path(name), { recursive: true });
    await runWith(second, 2);
    expect(readdirSync(join(store, 'workspaces')).length).toBe(2);
    expect((await second.cli('gc')).exitCode).toBe(0);
    await expectRestored(first);
  });

  it('remove nothing if a note of what another needs is damaged', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(store, 'workspaces', 'other.json'), '{');
    const gc = await first.cli('gc');
    expect(gc).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('workspaces/other.json, is damaged'),
    });
    expect((await first.cli('gc', '--forget', 'other.json')).exitCode).toBe(0);
  });

  it('clear up after a run that was killed while it wrote to the store', async () => {
    const store = await newStore();
    const first = await workspace(store, 1);
    const second = await Project.create({ 'pipeline.yaml': pipeline(store), 'params.yaml': 'n: 5\n' });
    const killed = startRepro(second, [], { RODADA_CRASH_AT: 'object-rename' });
    expect(await killed.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(readdirSync(join(store, 'tmp')).length).toBe(1);
    while (readdirSync(join(store, 'lock')).length !== 1) await delay(10);
    expect((await first.cli('gc')).exitCode).toBe(0);
    expect(existsSync(join(store, 'tmp')) ? readdirSync(join(store, 'tmp')) : []).toEqual([]);
    expect((await second.repro()).summary).toMatchObject({ executed: ['big', 'dir'] });
    expect((await first.cli('verify')).exitCode).toBe(0);
  });
});

describe('what can not be shared is named', () => {
  it('a cache that is a symbolic link', async () => {
    const project = await Project.create({ 'pipeline.yaml': 'stages: {}\n', 'params.yaml': '' });
    symlinkSync(await newStore(), project.path('cache'));
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('cache: It is a symbolic link.');
    expect(stdout).toContain('`RODADA_STORE`');
  });

  it.runIf(canMount)('a cache on another file system (needs root on Linux)', async () => {
    const project = await Project.create({
      'pipeline.yaml': 'stages: {}\n',
      'params.yaml': '',
      'cache/a': '',
    });
    const script = 'mount -t tmpfs none cache && exec "$0" "$@"';
    const run = startRepro(project, [], {}, ['unshare', '--mount', 'sh', '-c', script]);
    expect((await run.ended).exitCode).toBe(2);
    expect(run.events.at(-1)).toMatchObject({
      failure: { path: 'cache', message: expect.stringContaining('on another file system than the project') },
    });
  });

  it('the cache of another workspace', async () => {
    const first = await Project.create({ 'pipeline.yaml': 'stages: {}\n', 'params.yaml': '' });
    expect((await first.cli('repro')).exitCode).toBe(0);
    const second = await Project.create({
      'pipeline.yaml': pipeline(first.path('cache')),
      'params.yaml': 'n: 1\n',
    });
    const { exitCode, stdout } = await second.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('It is the cache/ of a workspace, which no other may share.');
  });
});
