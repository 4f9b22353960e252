// Whatever the operating system refuses in the middle of a repro: it ends with what went wrong and a summary, and keeps what is done.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canBeRefused, canMount, cliWithoutRights, mountSmall } from '../safety/refusals.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

/** `first` is done when `damage` does its damage; `beside` runs meanwhile, and `last` needs both. */
const pipeline = (damage: string): string => `
stages:
  first: { cmd: 'echo 1 > \${outs.o}', outs: { o: o/first } }
  damage: { cmd: 'cat \${deps.f} > \${outs.o}; sh ${damage}', deps: { f: o/first }, outs: { o: o/damage } }
  beside: { cmd: 'cat \${deps.f} > \${outs.o}; until ls done; do sleep 0.02; done', deps: { f: o/first }, outs: { o: o/beside } }
  last: { cmd: 'cat \${deps.a} \${deps.b} > \${outs.o}', deps: { a: o/damage, b: o/beside }, outs: { o: o/last } }
`;

const summary = /^✖ (\d+) executed, .* in \S+ m?s$/m;

/** Runs repro while a stage does `damage` to the project, as somebody for whom permissions hold. */
async function damaged(damage: string) {
  const project = await Project.create({
    'damage.sh': `${damage}\ntouch done || mkdir /tmp/x/x`,
    'pipeline.yaml': '',
  });
  const script = `${project.root}-damage.sh`;
  writeFileSync(script, `${damage}\n: > ${project.root}-done\n`);
  await project.write('pipeline.yaml', pipeline(script).replace('ls done', `ls ${project.root}-done`));
  chmodSync(project.root, 0o755);
  onTestFinished(() => {
    for (const file of [script, `${project.root}-done`]) rmSync(file, { force: true });
    // The project is removed after this.
    spawnSync('chmod', ['-R', 'u+rwX', project.root]);
  });
  if (process.getuid?.() === 0) chmodSync(script, 0o755);
  const run = await cliWithoutRights(project, 'repro', '--jobs', '2');
  // From now on it does nothing.
  writeFileSync(script, '');
  return { project, ...run };
}

describe.skipIf(!canBeRefused)('a repro', () => {
  it.each([
    ['whose cache is forbidden', 'chmod 000 cache', /permission denied/],
    ['whose project is forbidden', 'chmod 000 .', /permission denied/],
    ['whose claim is forbidden', 'chmod 000 cache/run.lock', /permission denied/],
    [
      'whose store is forbidden',
      'chmod 000 cache/objects',
      /cache\/objects\S* can't be used: permission denied/,
    ],
    [
      'whose records are forbidden',
      'chmod 000 cache/runs',
      /cache\/runs\/\w+\.json can't be used: permission denied/,
    ],
    ['whose outputs are forbidden', 'chmod 000 o', /can't be used: permission denied/],
    ['whose store became a file', 'rm -r cache/objects; : > cache/objects', /cache\/objects is a file/],
  ])('%s says so, and ends with a summary', async (_, damage, said) => {
    const { exitCode, stdout } = await damaged(damage);
    expect(stdout).toMatch(said);
    expect(stdout).toMatch(summary);
    expect(stdout.trim().split('\n').at(-1)).toMatch(summary);
    expect(stdout).not.toMatch(/^ +at |node:internal/m);
    expect(exitCode).toBe(1);
  });

  it('whose cache is gone stops at once, and says what it had done', async () => {
    const { exitCode, stdout } = await damaged('rm -rf cache');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^✖ 1 executed, .* 3 skipped in .*\nerror: This run lost its lock in cache\/run\.lock/m,
    );
  });

  it('that may no longer write the lock keeps all results, and calls itself incomplete', async () => {
    const { project, exitCode, stdout } = await damaged('chmod 555 .');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^error: pipeline\.lock can't be used: permission denied\. What is finished is kept\.$/m,
    );
    expect(stdout).toMatch(/^✖ 4 executed/m);
    chmodSync(project.root, 0o755);
    const again = await cliWithoutRights(project, 'repro', '--json');
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      executed: [],
      failed: [],
      skipped: [],
    });
  });

  it('keeps in the lock what was complete before', async () => {
    const { project, stdout } = await damaged('chmod 000 cache/runs');
    expect(stdout).toMatch(/^✖ 1 executed, .* 2 failed, 1 skipped/m);
    expect(await project.read('pipeline.lock')).toContain('"stage": "first"');
    chmodSync(project.path('cache/runs'), 0o755);
    const again = await cliWithoutRights(project, 'repro', '--json');
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      fresh: ['first'],
      failed: [],
    });
  });

  it('whose cache was deleted starts again without trouble', async () => {
    const { project } = await damaged('rm -rf cache');
    const again = await cliWithoutRights(project, 'repro', '--json', '--force');
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).toMatchObject({ failed: [], skipped: [] });
    expect(readdirSync(project.path('cache/run.lock'))).toEqual([]);
  });
});

it.skipIf(!canMount)(
  '(needs root on Linux) a disk that fills up beside running stages leaves a summary',
  async () => {
    const project = await Project.create({});
    mountSmall(project.root, '1m');
    await project.write('damage.sh', 'head -c 2000000 /dev/zero > fill; : > done');
    await project.write('pipeline.yaml', pipeline('damage.sh'));
    const full = await project.cli('repro', '--jobs', '2');
    expect(full.stdout).toContain('There is no space left on the disk.');
    expect(full.stdout.trim().split('\n').at(-1)).toMatch(summary);
    expect([full.exitCode, full.stderr]).toEqual([1, '']);
    expect(await project.read('pipeline.lock')).toContain('"stage": "first"');
  },
);

it.skipIf(process.platform === 'win32')(
  'too few open files are said in a sentence, at the start, too',
  async () => {
    const project = await Project.create({ 'pipeline.yaml': `stages: { a: { cmd: 'true' } }\n` });
    mkdirSync(project.path('cache'), { recursive: true });
    for (const limit of [22, 30, 40, 60]) {
      const command = `ulimit -n ${limit}; exec "$0" "$@"`;
      const { status, stdout, stderr } = spawnSync(
        'sh',
        ['-c', command, process.execPath, join(projectRoot, 'engine/rodada.mjs'), 'repro'],
        { cwd: project.root, encoding: 'utf8' },
      );
      expect(stdout + stderr, String(limit)).not.toMatch(/^ +at |node:internal/m);
      if (status !== 0) expect(stdout + stderr).toMatch(/Too many files are open/);
      expect(existsSync(project.path('cache'))).toBe(true);
    }
  },
);
