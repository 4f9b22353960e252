// Outputs that differ on every run: they live in the store and the workspace, and git never sees them.
import { expect, test } from 'vitest';
import { git } from '../support/git.ts';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';

/** measure leaves a result and its time; report reads the times, result only the result. */
const files = {
  'pipeline.yaml': `
stages:
  measure:
    matrix: { size: [1, 2] }
    cmd: echo "size \${size} of $(cat \${deps.text})" > \${outs.result} && date +%s%N > \${outs.time}
    deps: { text: in.txt }
    outs:
      result: 'data/\${size}.txt'
      time: { path: 'times/\${size}.txt', varies: true }
  report:
    cmd: cat \${lists.times} > \${outs.report}
    deps: { times: '\${stages.measure.time}' }
    outs: { report: { path: times/all.txt, varies: true } }
  join:
    cmd: cat \${lists.results} > \${outs.joined}
    deps: { results: '\${stages.measure.result}' }
    outs: { joined: joined.txt }
`,
  'params.yaml': 'seed: 1\n',
  'in.txt': 'one\n',
  '.gitignore': 'cache/\ntimes/\nnode_modules\n',
};

/** A project in a repository of its own, with its first results committed. */
async function committed(changes: Readonly<Record<string, string>> = {}): Promise<Project> {
  const project = await Project.create({ ...files, ...changes });
  git(project, 'init', '-q', '-b', 'main');
  expect((await project.repro()).exitCode).toBe(0);
  commit(project);
  return project;
}

function commit(project: Project): void {
  git(project, 'add', '-A');
  git(project, 'commit', '-qm', 'Results');
}

const dirty = (project: Project): string => git(project, 'status', '--porcelain');

test('a run that differs only in varying outputs leaves git clean', async () => {
  const project = await committed();
  const [time, report] = [await project.read('times/1.txt'), await project.read('times/all.txt')];
  expect((await project.repro('--force')).summary.executed).toHaveLength(4);
  expect(await project.read('times/1.txt')).not.toBe(time);
  expect(await project.read('times/all.txt')).not.toBe(report);
  expect(dirty(project)).toBe('');
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  expect((await project.cli('status')).exitCode).toBe(0);
  expect(dirty(project)).toBe('');
});

test('what reads a varying output runs when that changed, and git stays clean', async () => {
  const project = await committed();
  const { summary } = await project.repro('--force', 'measure');
  expect(summary.executed).toEqual(['measure:1', 'measure:2']);
  expect((await project.cli('why', 'report')).stdout).toContain('times/1.txt changed');
  const after = await project.repro();
  expect(after.summary).toMatchObject({ executed: ['report'], fresh: ['measure:1', 'measure:2', 'join'] });
  expect(await project.read('times/all.txt')).toBe(
    (await project.read('times/1.txt')) + (await project.read('times/2.txt')),
  );
  expect(dirty(project)).toBe('');
});

test('a varying output that was edited or removed is restored', async () => {
  const project = await committed();
  const time = await project.read('times/1.txt');
  await project.write('times/1.txt', 'by hand\n');
  await project.remove('times/all.txt');
  expect((await project.cli('status')).exitCode).toBe(1);
  expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['measure:1', 'report'] });
  expect(await project.read('times/1.txt')).toBe(time);
  await project.remove('times');
  expect((await project.cli('checkout')).exitCode).toBe(0);
  expect(await project.read('times/1.txt')).toBe(time);
});

test('an older commit gets the varying outputs of its own run', async () => {
  const project = await committed();
  const times = [await project.read('times/1.txt'), await project.read('times/all.txt')];
  await project.write('in.txt', 'two\n');
  await project.repro();
  commit(project);
  expect(await project.read('times/1.txt')).not.toBe(times[0]);
  git(project, 'checkout', '-q', 'HEAD~1');
  const { summary } = await project.repro();
  expect(summary.executed).toEqual([]);
  expect([await project.read('times/1.txt'), await project.read('times/all.txt')]).toEqual(times);
  expect(dirty(project)).toBe('');
});

test('an older commit of a stage that makes nothing else gets them, too', async () => {
  const pipeline = `
stages:
  time:
    cmd: cat \${deps.text} > \${outs.time} && date +%s%N >> \${outs.time}
    deps: { text: in.txt }
    outs: { time: { path: times/1.txt, varies: true } }
`;
  const project = await committed({ 'pipeline.yaml': pipeline });
  const time = await project.read('times/1.txt');
  await project.write('in.txt', 'two\n');
  await project.repro();
  commit(project);
  git(project, 'checkout', '-q', 'HEAD~1');
  expect((await project.cli('status')).exitCode).toBe(1);
  expect((await project.repro()).summary.restored).toEqual(['time']);
  expect(await project.read('times/1.txt')).toBe(time);
});

test('checkout --rev brings the varying outputs of a revision as long as the store has its run', async () => {
  const project = await committed();
  const time = await project.read('times/1.txt');
  await project.write('in.txt', 'two\n');
  await project.repro();
  const { exitCode, stderr } = await project.cli('checkout', '--rev', 'HEAD', 'measure');
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(await project.read('times/1.txt')).toBe(time);
});

/** The same pipeline, with a script that joins the times: its code is part of what the stage depends on. */
const scripted = {
  'pipeline.yaml': files['pipeline.yaml'].replace(
    'cat ${lists.times} > ${outs.report}',
    'sh join.sh ${lists.times} > ${outs.report}',
  ),
  'join.sh': 'cat "$@"\n',
};

test.each([
  ['command', {}],
  ['script', scripted],
])('a clone without data is up to date for status --allow-missing, and repro makes its outputs, with a %s', async (_, changes) => {
  const project = await committed(changes);
  const clone = await Project.create({});
  git(clone, 'init', '-q', '-b', 'main');
  git(clone, 'fetch', '-q', project.root, 'main');
  git(clone, 'checkout', '-q', '-f', 'FETCH_HEAD');
  for (const file of ['data', 'joined.txt']) await clone.remove(file);
  const status = await clone.cli('status', '--allow-missing');
  expect([status.exitCode, status.stdout]).toEqual([0, expect.stringContaining('all 4 stages are fresh')]);
  expect((await clone.repro()).summary.executed).toHaveLength(4);
  expect(dirty(clone)).toBe('');
  await clone.write('in.txt', 'two\n');
  expect((await clone.cli('status', '--allow-missing')).exitCode).toBe(1);
});

test('without cache, the outputs in the workspace count, and only stages that read varying ones run', async () => {
  const project = await committed();
  const time = await project.read('times/1.txt');
  await project.remove('cache');
  expect((await project.repro()).summary.executed).toEqual(['report']);
  expect(await project.read('times/1.txt')).toBe(time);
  expect(dirty(project)).toBe('');
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  await project.write('times/1.txt', 'by hand\n');
  expect((await project.cli('status')).exitCode).toBe(1);
});

test('what reads a varying output says of each of its own outputs whether it varies', async () => {
  const project = await Project.create({
    ...files,
    'pipeline.yaml': files['pipeline.yaml'].replace('{ path: times/all.txt, varies: true }', 'report.txt'),
  });
  const { exitCode, stdout } = await project.cli('repro');
  expect(exitCode).toBe(2);
  expect(stdout).toContain(
    '`report` reads `times/1.txt`, which varies from run to run, so its output `report.txt` may vary, too.',
  );
  expect(stdout).toContain('pipeline.yaml:13');
  expect(stdout).toContain('`{ path: report.txt, varies: true }`');
  await project.edit('pipeline.yaml', 'report: report.txt', 'report: { path: report.txt, varies: false }');
  await project.edit('pipeline.yaml', 'cat ${lists.times} >', 'cat ${lists.times} | wc -l >');
  git(project, 'init', '-q', '-b', 'main');
  expect((await project.repro()).exitCode).toBe(0);
  commit(project);
  expect((await lockedOut(project, 'report.txt')).varies).toBeUndefined();
  expect((await project.repro('--force', 'measure')).exitCode).toBe(0);
  expect((await project.repro()).summary.executed).toEqual(['report']);
  expect(dirty(project)).toBe('');
});

test('a folder that holds a varying output varies, and so does a part of a varying folder', async () => {
  const project = await committed({
    'pipeline.yaml': `
stages:
  time:
    cmd: mkdir \${outs.logs} && date +%s%N > \${outs.logs}/time.txt && date +%s%N > \${outs.more}
    outs:
      logs: { path: times/logs, varies: true }
      more: { path: times/more.txt, varies: true }
  whole:
    cmd: ls -R \${deps.times} | wc -l > \${outs.count}
    deps: { times: times }
    outs: { count: { path: count.txt, varies: false } }
  part:
    cmd: wc -l < \${deps.time} > \${outs.count}
    deps: { time: times/logs/time.txt }
    outs: { count: { path: part.txt, varies: false } }
`,
  });
  expect((await project.repro('--force')).summary.executed).toEqual(['time', 'whole', 'part']);
  expect(dirty(project)).toBe('');
  const clone = await Project.create({});
  git(clone, 'init', '-q', '-b', 'main');
  git(clone, 'fetch', '-q', project.root, 'main');
  git(clone, 'checkout', '-q', '-f', 'FETCH_HEAD');
  expect((await clone.cli('status', '--allow-missing')).stdout).toContain('all 3 stages are fresh');
});

test('gc keeps what varying outputs hold', async () => {
  const project = await committed();
  await project.repro('--force');
  const time = await project.read('times/1.txt');
  expect((await project.cli('gc', '--workspace')).exitCode).toBe(0);
  expect((await project.cli('gc', '--branches')).exitCode).toBe(0);
  await project.remove('times');
  expect((await project.repro()).summary.executed).toEqual([]);
  expect(await project.read('times/1.txt')).toBe(time);
});

test('an output can become a varying one and cease to be one, and nothing runs for that', async () => {
  const plain = files['pipeline.yaml'].replace(/\{ path: (\S+), varies: true \}/g, '$1');
  const project = await committed({ 'pipeline.yaml': plain });
  await project.write('pipeline.yaml', files['pipeline.yaml']);
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  commit(project);
  await project.repro('--force');
  expect(dirty(project)).toBe('');
  await project.write('pipeline.yaml', plain);
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  expect((await project.cli('status', '--allow-missing')).exitCode).toBe(0);
  expect(await project.read('pipeline.lock')).not.toContain('varies');
});

test('a varying output that the store does not keep stays out of git, too', async () => {
  const uncached = files['pipeline.yaml'].replaceAll('varies: true', 'varies: true, cache: false');
  const project = await committed({ 'pipeline.yaml': uncached });
  await project.repro('--force');
  expect(dirty(project)).toBe('');
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  await project.write('times/1.txt', 'by hand\n');
  expect((await project.repro()).summary.executed).toEqual(['measure:1', 'report']);
  expect(dirty(project)).toBe('');
});

test('two branches that differ only in their varying outputs merge without a conflict', async () => {
  const project = await committed();
  git(project, 'checkout', '-q', '-b', 'other');
  await project.repro('--force');
  await project.write('note.txt', 'other\n');
  commit(project);
  git(project, 'checkout', '-q', 'main');
  await project.repro('--force');
  git(project, 'merge', '-q', 'other');
  expect((await project.repro()).summary.fresh).toHaveLength(4);
  expect(dirty(project)).toBe('');
});

test('compare and check say that git does not keep metrics that vary', async () => {
  const project = await committed({
    'pipeline.yaml': `
stages:
  measure:
    cmd: echo '{"accuracy":0.5}' > \${outs.score} && echo "{\\"ns\\":$(date +%s%N)}" > \${outs.time}
    metrics:
      score: metrics/score.json
      time: { path: metrics/time.json, varies: true }
`,
    'params.yaml': 'gates:\n  - { metric: "**:ns", better: lower, tolerance: 5% }\n',
    '.gitignore': 'cache/\nmetrics/time.json\nnode_modules\n',
  });
  await project.repro('--force');
  const plain = await project.cli('compare');
  expect(plain.stdout + plain.stderr).not.toContain('time.json');
  const note = 'metrics/time.json varies from run to run, and git does not keep it';
  const timed = await project.cli('compare', '--timing');
  expect(timed.exitCode).toBe(0);
  expect(timed.stdout).toContain(note);
  expect(timed.stdout.split('time.json')).toHaveLength(2);
  const checked = await project.cli('check', '--timing');
  expect(checked.stdout).toContain(note);
});

test('repro warns if git does not ignore a varying output that it made', async () => {
  const project = await committed({ '.gitignore': 'cache/\nnode_modules\n' });
  const warnings = async (...args: string[]) =>
    (await project.repro(...args)).events.flatMap((event) =>
      event.type === 'warning' && event.warning.what === 'varying-in-git' ? event.warning.paths : [],
    );
  const times = ['times/1.txt', 'times/2.txt'];
  expect(await warnings()).toEqual([]);
  expect(await warnings('--force', 'measure')).toEqual(times);
  const { stdout } = await project.cli('repro');
  expect(stdout).toContain('`times/all.txt` varies from run to run, but git does not ignore it.');
  await project.write('.gitignore', 'cache/\nnode_modules\ntimes\n');
  expect(await warnings('--force', 'measure')).toEqual(times);
  git(project, 'rm', '-qr', '--cached', 'times');
  expect(await warnings('--force')).toEqual([]);
});

test('a lock of the workspace that is damaged or gone is found again from the records of the runs', async () => {
  const project = await committed();
  const times = [await project.read('times/1.txt'), await project.read('times/all.txt')];
  for (const spoil of [
    () => project.write('cache/local.lock', '{\n'),
    () => project.remove('cache/local.lock'),
  ]) {
    await spoil();
    await project.write('times/1.txt', 'by hand\n');
    const { summary } = await project.repro();
    expect(summary).toMatchObject({ executed: [], restored: ['measure:1', 'report'] });
    expect((await project.repro()).summary.fresh).toHaveLength(4);
    expect([await project.read('times/1.txt'), await project.read('times/all.txt')]).toEqual(times);
    expect(dirty(project)).toBe('');
  }
});

test('a run that is killed before it writes pipeline.lock is taken up, and git is clean', async () => {
  const project = await committed();
  for (const moment of ['lock-write', 'lock-rename', 'lock-renamed']) {
    expect(
      (await project.cliWith({ RODADA_CRASH_AT: moment }, 'repro', '--force', '--jobs', '1')).exitCode,
    ).not.toBe(0);
    const { exitCode, summary } = await project.repro();
    expect([exitCode, summary.failed]).toEqual([0, []]);
    expect(await project.read('times/all.txt')).toBe(
      (await project.read('times/1.txt')) + (await project.read('times/2.txt')),
    );
    expect((await project.repro()).summary.fresh).toHaveLength(4);
    expect(dirty(project)).toBe('');
  }
});
