// `gc` and `verify`: what leaves the store, what stays, and that nothing which is needed is ever lost.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';
import { jsonLines } from './text-project.ts';

/** `big` makes 100 kB out of n; `dir` holds it too, beside a file that is the same for all n. */
const files = {
  'pipeline.yaml': `stages:
  big:
    cmd: "printf '%0100000d' \${n} > \${outs.o}"
    params: [n]
    outs: { o: big.txt }
  dir:
    cmd: 'mkdir \${outs.d} && cp \${deps.b} \${outs.d}/b && echo shared > \${outs.d}/shared'
    deps: { b: big.txt }
    outs: { d: dir }
`,
  'params.yaml': 'n: 1\n',
  '.gitignore': '/cache/\n/big.txt\n/dir/\nnode_modules\n',
};

/** Runs with each of the numbers, the last of which stays in params.yaml. */
async function projectWith(...numbers: number[]): Promise<Project> {
  const project = await Project.create(files);
  for (const n of numbers) await runWith(project, n);
  return project;
}

async function runWith(project: Project, n: number): Promise<Awaited<ReturnType<Project['repro']>>> {
  await project.write('params.yaml', `n: ${n}\n`);
  return project.repro();
}

const objects = (project: Project): string[] =>
  readdirSync(project.path('cache/objects'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('/'))
    .sort();

const keys = (project: Project): string[] => readdirSync(project.path('cache/runs')).sort();

describe('gc', () => {
  it('leaves what a clean build of the workspace has', async () => {
    const project = await projectWith(1, 2, 3);
    const clean = await projectWith(3);
    const { exitCode, stdout } = await project.cli('gc');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^(− (big|dir) of \S+, last used \S+, 100 kB\n){4}✔ 4 results, 4 objects, 4 logs removed: 20\d kB; 3 objects of 100 kB stay\n$/,
    );
    expect(objects(project)).toEqual(objects(clean));
    expect(keys(project)).toEqual(keys(clean));
    for (const path of ['big.txt', 'dir']) await project.remove(path);
    expect((await project.repro()).summary.restored).toEqual(['big', 'dir']);
    expect((await runWith(project, 1)).summary.executed).toEqual(['big', 'dir']);
    expect((await project.cli('verify')).exitCode).toBe(0);
  });

  it('says with --dry what it then does', async () => {
    const project = await projectWith(1, 2);
    const before = [objects(project), keys(project), readdirSync(project.path('cache/logs'))];
    const dry = jsonLines((await project.cli('gc', '--dry', '--json')).stdout);
    expect([objects(project), keys(project), readdirSync(project.path('cache/logs'))]).toEqual(before);
    const real = jsonLines((await project.cli('gc', '--json')).stdout);
    expect(dry.at(-1)).toEqual({
      type: 'gc',
      dry: true,
      removed: { runs: 2, objects: 2, logs: 2, partial: 0, bytes: expect.any(Number) },
      kept: { objects: 3, bytes: expect.any(Number) },
      limit: null,
    });
    expect(real).toEqual([...dry.slice(0, -1), { ...dry.at(-1), dry: false }]);
    expect((await project.cli('gc')).stdout).toContain(
      '✔ 0 results, 0 objects, 0 logs removed: 0 B; 3 objects',
    );
  });

  it('keeps what branches, tags or all commits need', async () => {
    const build = async (): Promise<Project> => {
      const project = await Project.create(files);
      git(project, 'init', '-q', '-b', 'main');
      const commit = async (n: number): Promise<void> => {
        await runWith(project, n);
        git(project, 'add', '-A');
        git(project, 'commit', '-q', '-m', String(n));
      };
      await commit(1);
      git(project, 'tag', '-a', 'first', '-m', 'first');
      await commit(2);
      git(project, 'branch', 'second');
      await commit(3); // only in the history
      // A side branch that a merge brought nothing of, so that only the full history knows it.
      git(project, 'switch', '-q', '-c', 'side', 'HEAD~1');
      await commit(4);
      git(project, 'switch', '-q', 'main');
      git(project, 'merge', '-q', '-s', 'ours', '-m', 'merge', 'side');
      git(project, 'branch', '-q', '-D', 'side');
      await commit(5);
      await runWith(project, 6); // in no commit
      await runWith(project, 5);
      return project;
    };
    /** The numbers whose results come out of the store. */
    const kept = async (project: Project): Promise<number[]> => {
      const numbers: number[] = [];
      for (const n of [1, 2, 3, 4, 5, 6]) {
        const status = jsonLines((await project.cli('status', '--json', '--set', `n=${n}`)).stdout).at(-1)!;
        if ((status.run as string[]).length + (status.mayRun as string[]).length === 0) numbers.push(n);
      }
      return numbers;
    };
    const project = await build();
    expect(await kept(project)).toEqual([1, 2, 3, 4, 5, 6]);
    await project.cli('gc', '--all-commits');
    expect(await kept(project)).toEqual([1, 2, 3, 4, 5]);
    await project.cli('gc', '--branches', '--tags');
    expect(await kept(project)).toEqual([1, 2, 5]);
    expect((await project.cli('checkout', '--rev', 'first')).exitCode).toBe(0);
    expect((await project.cli('checkout', '--rev', 'HEAD')).exitCode).toBe(0);
    await project.cli('gc', '--tags');
    expect(await kept(project)).toEqual([1, 5]);
    await project.cli('gc', '--branches');
    expect(await kept(project)).toEqual([5]);
  });

  it('keeps the last runs of each stage, and what is young', async () => {
    const project = await projectWith(1, 2, 3, 4);
    await project.cli('gc', '--runs', '2');
    expect(keys(project)).toHaveLength(4);
    expect((await runWith(project, 3)).summary.restored).toEqual(['big', 'dir']);
    await project.cli('gc', '--newer-than', '1h');
    expect(keys(project)).toHaveLength(4);
    await project.cli('gc', '--newer-than', '0s');
    expect(keys(project)).toHaveLength(2);
    const bad = await project.cli('gc', '--newer-than', 'soon');
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toContain('A duration such as 90s, 30min, 12h or 30d.');
  });

  it('waits for no run, but leaves everything as it is while one is at work', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:\n  slow: { cmd: 'touch begun; while [ -e begun ] && [ ! -e go ]; do sleep 0.05; done; echo x > \${outs.o}', outs: { o: slow.txt } }\n`,
      'params.yaml': '',
    });
    const engine = spawn(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), 'repro'], {
      cwd: project.root,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => engine.on('close', resolve));
    while (!existsSync(project.path('begun'))) await wait(20);
    const { exitCode, stdout } = await project.cli('gc', '--workspace');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`error: Another run is at work here: pid ${engine.pid} on `);
    await project.write('go', '');
    expect(await ended).toBe(0);
    expect((await project.cli('gc')).stdout).toContain('✔ 0 results');
  });

  it('removes nothing where it can not tell what is needed', async () => {
    const project = await projectWith(1, 2);
    const before = objects(project);
    const lock = await project.read('pipeline.lock');
    await project.write(
      'pipeline.lock',
      lock.replace('{\n  "stage": "dir"', '<<<<<<< ours\n{\n  "stage": "dir"'),
    );
    expect(await project.cli('gc')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringMatching(
        /^error: pipeline\.lock has a damaged block at line \d+: what they need can't be told\.\n/,
      ),
    });
    await project.remove('pipeline.lock');
    expect(await project.cli('gc')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringMatching(/^error: There is no pipeline\.lock: the whole store would go\.\n/),
    });
    expect(objects(project)).toEqual(before);
    await project.write('pipeline.lock', lock);
    const { hash: manifest } = await lockedOut(project, 'dir');
    appendFileSync(project.path(`cache/objects/${manifest.slice(0, 2)}/${manifest.slice(2)}`), 'x');
    expect(await project.cli('gc')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('was moved to cache/quarantine, and nothing was removed.'),
    });
    expect(objects(project)).toHaveLength(before.length - 1);
    await project.cli('gc', '--tags').then(({ stdout }) => expect(stdout).toContain('no git repository'));
  });
});

it('can be killed at any moment: what is needed stays, and the next one ends the work', async () => {
  const many = {
    'pipeline.yaml': `stages:\n  many: { cmd: node many.mjs, params: [n], outs: { d: many } }\n`,
    'params.yaml': 'n: 0\n',
    'many.mjs': `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const { params, outs } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
mkdirSync(outs.d);
for (let i = 0; i < 600; i++) writeFileSync(outs.d + '/' + i, i + ' of ' + (i % 3 === 0 ? 'all' : params.n));
`,
  };
  const project = await Project.create(many);
  const clean = await Project.create({ ...many, 'params.yaml': 'n: 9\n' });
  await clean.repro();
  const hashOf = (path: string): string => path.replace('/', '');
  // Goes on until so many kills came in the middle of the work; `npm run campaign` does ten.
  const wanted = Number(process.env.RODADA_GC_KILLS ?? 1);
  let cut = 0;
  for (let i = 0; cut < wanted && i < 5 * wanted; i++) {
    for (const n of [2 * i + 10, 2 * i + 11, 9]) await runWith(project, n);
    const before = objects(project).length;
    const child = spawn(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), 'gc'], {
      cwd: project.root,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    // It is at work as soon as the first record is gone.
    while (keys(project).length > 1 && child.exitCode === null) await wait(1);
    await wait(i % 5);
    child.kill('SIGKILL');
    await ended;
    const left = objects(project);
    if (left.length < before && left.length > objects(clean).length) cut++;
    expect(left.map(hashOf)).toEqual(expect.arrayContaining(objects(clean).map(hashOf)));
    expect((await project.cli('verify')).exitCode).toBe(0);
    await project.remove('many');
    expect((await project.repro()).summary.restored).toEqual(['many']);
    await project.cli('gc');
    expect(objects(project)).toEqual(objects(clean));
  }
  expect(cut).toBe(wanted);
}, 1_800_000);

describe('a limit of the store', () => {
  it('lets what was not used for longest go after a repro, and nothing that the workspace needs', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': `cache: { limit: 250 kB }\n${files['pipeline.yaml']}`,
    });
    for (const n of [1, 2]) await runWith(project, n);
    expect((await runWith(project, 1)).summary.restored).toEqual(['big', 'dir']);
    const { events, summary } = await runWith(project, 3);
    expect(summary.executed).toEqual(['big', 'dir']);
    expect(events.at(-1)).toBe(summary);
    expect(events.at(-2)).toMatchObject({ type: 'gc', removed: { runs: 2, objects: 2 }, limit: 250_000 });
    expect((await runWith(project, 1)).summary.restored).toEqual(['big', 'dir']);
    expect((await runWith(project, 2)).summary.executed).toEqual(['big', 'dir']);
  });

  it('is kept by gc, too, and says so where all is needed', async () => {
    const project = await projectWith(1, 2, 3);
    await project.write('pipeline.yaml', `cache: { limit: 250kB }\n${files['pipeline.yaml']}`);
    await project.cli('gc');
    expect(keys(project)).toHaveLength(4);
    await project.edit('pipeline.yaml', '250kB', '50 kB');
    expect((await project.cli('gc', '--dry')).stdout).toMatch(
      /✔ 2 results, 2 objects, 2 logs would be removed: 10\d kB; 3 objects of 100 kB would stay\n• That is more than the limit of 50 kB: all of it is needed\.\n$/,
    );
    await project.cli('gc');
    for (const path of ['big.txt', 'dir']) await project.remove(path);
    expect((await project.repro()).summary.restored).toEqual(['big', 'dir']);
  });

  it('does not keep gc from removing what was moved aside, and lists the longest unused first', async () => {
    const project = await projectWith(1, 2, 3);
    await project.write('pipeline.yaml', `cache: { limit: 1 kB }\n${files['pipeline.yaml']}`);
    await project.write('cache/quarantine/00', 'damaged');
    const { stdout } = await project.cli('gc', '--quarantine', '--json');
    const used = jsonLines(stdout).flatMap((event) => (event.type === 'gc-run' ? [event.lastUsed] : []));
    expect(used).toHaveLength(4);
    expect(used).toEqual(used.toSorted());
    expect(existsSync(project.path('cache/quarantine'))).toBe(false);
  });

  it('is a size', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': `cache: { limit: lots }\n${files['pipeline.yaml']}`,
    });
    const { exitCode, stdout } = await project.cli('gc');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('pipeline.yaml:1:17 error: `cache.limit` is "lots": ');
  });
});

describe('verify', () => {
  it('moves what is damaged aside, names who needs it, and repro makes it anew', async () => {
    const project = await projectWith(1, 2);
    expect(await project.cli('verify')).toMatchObject({
      exitCode: 0,
      stdout: '✔ 5 objects of 200 kB checked, none damaged\n',
    });
    const { hash } = await lockedOut(project, 'big.txt');
    const object = `cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
    truncateSync(project.path(object), 99_999);
    appendFileSync(project.path(object), '7');
    const { exitCode, stdout } = await project.cli('verify');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      new RegExp(
        `^✖ ${hash} part of big.txt of big, dir of dir, a result of (big|dir) \\(run \\w{8}\\) and 1 more\n✖ 5 objects of 200 kB checked, 1 damaged: moved to cache/quarantine; repro makes anew what it needs\n$`,
      ),
    );
    expect(readdirSync(project.path('cache/quarantine'))).toEqual([hash]);
    const again = jsonLines((await project.cli('verify', '--json')).stdout).at(-1);
    expect(again).toMatchObject({ type: 'verified', objects: 4, damaged: [] });
    await project.remove('big.txt');
    expect((await project.repro()).summary.executed).toEqual(['big']);
    expect((await project.read('big.txt')).length).toBe(100_000);
    expect(existsSync(project.path(object))).toBe(true);
    await project.cli('gc', '--quarantine', '--workspace');
    expect(existsSync(project.path('cache/quarantine'))).toBe(false);
  });

  it('has nothing to say of an empty store', async () => {
    const project = await Project.create(files);
    expect(await project.cli('verify')).toMatchObject({
      exitCode: 0,
      stdout: '✔ 0 objects of 0 B checked, none damaged\n',
    });
  });
});
