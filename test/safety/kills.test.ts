// kill -9 at any point: the next run ends with the bytes of a clean build, and the store is sound.
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CrashPoint, crashPoints } from '../../engine/store/crash-point.ts';
import { Project } from '../support/project.ts';
import { repeat, seed } from '../support/seed.ts';
import { copyOf, expectSoundStore, files, snapshot } from './pipeline.ts';
import { isRunning, startRepro } from './processes.ts';

/** Kills at a random moment, besides those at each named point; `npm run campaign` does 200. */
const randomKills = Number(process.env.RODADA_KILLS ?? 10);
/** Whether each point is tried in every situation, as `npm run campaign` does. */
const everywhere = process.env.RODADA_CRASHES === 'everywhere';

/** What was done, for whoever reads the test's output. */
const counts = { points: 0, elsewhere: 0, random: 0 };

/** What a project may be like when a run starts, each made once. */
type Situation = 'empty' | 'edited' | 'undone' | 'damaged' | 'cut off' | 'left over';
const projects = new Map<Situation, Project>();
/** The outs of a clean build, by the parameter. */
const clean = new Map<string, Record<string, string>>();

const paramsOf = (project: Project): string => readFileSync(project.path('params.yaml'), 'utf8');

beforeAll(async () => {
  const project = await Project.createForSuite(files);
  projects.set('empty', await copyOf(project));
  expect((await project.repro()).exitCode).toBe(0);
  clean.set(paramsOf(project), snapshot(project.root));
  await project.write('params.yaml', 'size: 2\n');
  projects.set('edited', await copyOf(project));

  const other = await Project.createForSuite({ ...files, 'params.yaml': 'size: 2\n' });
  expect((await other.repro()).exitCode).toBe(0);
  clean.set(paramsOf(other), snapshot(other.root));
  await other.dispose();

  expect((await project.repro()).exitCode).toBe(0);
  await project.write('params.yaml', 'size: 1\n');
  projects.set('undone', await copyOf(project));

  const damaged = await copyOf(project);
  for (const prefix of readdirSync(damaged.path('cache/objects')))
    for (const name of readdirSync(damaged.path(`cache/objects/${prefix}`))) {
      const object = damaged.path(`cache/objects/${prefix}/${name}`);
      const bytes = readFileSync(object);
      if (bytes.length % 2 === 0) truncateSync(object, bytes.length >> 1);
      else writeFileSync(object, Buffer.from(bytes).fill(0, 0, 1));
    }
  projects.set('damaged', damaged);

  const cut = await copyOf(projects.get('edited')!);
  const { ended } = startRepro(cut, [], { RODADA_CRASH_AT: 'object-rename' });
  expect((await ended).signal).toBe('SIGKILL');
  projects.set('cut off', cut);
  // A label and an output of the last run are gone.
  const more = await copyOf(projects.get('empty')!);
  await more.edit('pipeline.yaml', '[left, right]', '[left, middle, right]');
  await more.edit('pipeline.yaml', 'note: note.txt', 'note: data/old/note.txt');
  expect((await more.repro()).exitCode).toBe(0);
  await more.write('pipeline.yaml', files['pipeline.yaml']);
  projects.set('left over', more);
  await project.dispose();
});

afterAll(async () => {
  const { points, elsewhere, random } = counts;
  console.log(
    `${points + elsewhere + random} kills: ${points} at named points, ${elsewhere} at these elsewhere, ${random} at random moments`,
  );
  for (const project of projects.values()) await project.dispose();
});

/** What must hold after a run that was killed: the next one brings all in order, and the one after has nothing to do. */
async function expectNothingLost(project: Project, situation: Situation): Promise<void> {
  const next = await project.repro();
  expect(next.summary).toMatchObject({ failed: [], skipped: [] });
  expect(snapshot(project.root)).toEqual(clean.get(paramsOf(project)));
  // What was damaged before, and no run had to read since, is found by looking for it.
  if (situation === 'damaged') expect((await project.cli('verify')).stdout).toContain('quarantine');
  expectSoundStore(project.root, situation !== 'damaged');
  expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [], failed: [] });
}

async function killedAt(situation: Situation, crashAt: string): Promise<boolean> {
  const project = await copyOf(projects.get(situation)!);
  try {
    const { ended } = startRepro(project, ['--jobs', '2'], { RODADA_CRASH_AT: crashAt });
    const { signal, exitCode } = await ended;
    if (signal === null) expect(exitCode).toBe(0);
    else expect(signal).toBe('SIGKILL');
    await expectNothingLost(project, situation);
    return signal !== null;
  } finally {
    await project.dispose();
  }
}

/** Where a point is passed; all others are when a parameter was edited. */
const passedIn: Partial<Record<CrashPoint, Situation>> = {
  quarantine: 'damaged',
  'restore-file': 'undone',
  restored: 'undone',
  'leftovers-found': 'cut off',
  'object-renamed': 'empty',
  'leftover-kept': 'left over',
  'leftover-moved': 'left over',
  'leftover-forgotten': 'left over',
};

describe('a run that is killed loses nothing', () => {
  it.each(crashPoints)('at %s', async (point) => {
    const situation = passedIn[point] ?? 'edited';
    expect(await killedAt(situation, point)).toBe(true);
    counts.points++;
    if (!everywhere) return;
    for (const other of projects.keys())
      for (const count of [1, 3]) if (await killedAt(other, `${point}#${count}`)) counts.elsewhere++;
  }, 600_000);

  it(`at ${randomKills} random moments`, async () => {
    // The same seed draws the same shares of a run. The moments themselves also depend on how fast the machine is.
    console.log(`Repeat these kills with ${repeat}.`);
    const random = xoroshiro128plus(seed);
    const situations = [...projects.keys()];
    // How long a whole run takes, by the situation.
    const seconds = new Map<Situation, number>();
    let kills = 0;
    for (let i = 0; kills < randomKills; i++) {
      expect(i).toBeLessThan(10 * randomKills + 10);
      const situation = situations[i % situations.length]!;
      const project = await copyOf(projects.get(situation)!);
      const started = performance.now();
      const { child, ended } = startRepro(project, ['--jobs', '2']);
      const longest = seconds.get(situation);
      const share = uniformFloat64(random);
      const timer =
        longest === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), longest * share);
      const { signal } = await ended;
      clearTimeout(timer);
      if (signal === null) seconds.set(situation, performance.now() - started);
      else kills++;
      await expectNothingLost(project, situation);
      await project.dispose();
    }
    counts.random = kills;
  }, 3_600_000);
});

it('ends the commands of a run that was killed', async () => {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  long: { cmd: 'echo $$ > pid.txt; mkdir \${outs.out}; if [ -e stay ]; then touch waiting; exec sleep 600; fi', outs: { out: out } }
`,
    'params.yaml': '',
    stay: '',
  });
  const { child, ended, event } = startRepro(project);
  await event(({ type }) => type === 'started');
  await until(() => readdirSync(project.root).includes('waiting'));
  const pid = Number(await project.read('pid.txt'));
  child.kill('SIGKILL');
  await ended.catch(() => undefined);
  expect(isRunning(pid)).toBe(true); // nobody was there to end it
  rmSync(project.path('stay'));
  expect((await project.repro()).summary.executed).toEqual(['long']);
  expect(isRunning(pid)).toBe(false);
});

/** Waits for something outside that tells nobody when it happens. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
