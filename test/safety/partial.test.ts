// What a stage leaves while it runs is there again when the very same run starts again, and for nobody else.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../engine/event.ts';
import { Project } from '../support/project.ts';
import { startRepro } from './processes.ts';

/** Counts to five in steps that it keeps. At step 3 it does what the file `at3` says, if there is one. */
const counting = `
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
const { partial, outs, deps, params } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
if (partial !== process.env.RODADA_PARTIAL) throw new Error('two places');
const file = partial + '/steps';
const steps = existsSync(file) ? readFileSync(file, 'utf8').split(' ') : [];
const at3 = existsSync('at3') ? readFileSync('at3', 'utf8') : '';
const text = readFileSync(deps.text, 'utf8');
for (let step = steps.length + 1; step <= 5; step++) {
  steps.push(text + params.size + step);
  console.log('step ' + step);
  if (at3 === 'fail' && step === 3) process.exit(1);
  writeFileSync(file + '.new', steps.join(' '));
  renameSync(file + '.new', file);
  if (at3 === 'stay' && step === 3) await new Promise((resolve) => {
    setInterval(() => {}, 1000);
    process.send({ type: 'progress', done: step });
  });
}
writeFileSync(outs.steps, steps.join('\\n'));
`;

const files = {
  'pipeline.yaml': `
stages:
  count:
    cmd: node count.mjs
    params: [size]
    deps: { text: text.txt }
    outs: { steps: steps.txt }
`,
  'params.yaml': 'size: 1\n',
  'text.txt': 'a',
  'count.mjs': counting,
};
const whole = 'a11\na12\na13\na14\na15';

const started = (events: readonly Event[]): Extract<Event, { type: 'started' }> =>
  events.find((event) => event.type === 'started') as Extract<Event, { type: 'started' }>;

/** The first step of the run with these events. */
async function firstStep(project: Project, events: readonly Event[]): Promise<string> {
  return (await project.read(started(events).log)).split('\n')[0]!;
}

const kept = (project: Project): string[] => readdirSync(project.path('cache/partial'));

/** Starts a run and gives it when it is at step 3, where it stays. */
async function atStep3(project: Project, ...args: string[]): Promise<ReturnType<typeof startRepro>> {
  await project.write('at3', 'stay');
  const run = startRepro(project, args);
  await run.event(({ type }) => type === 'progress');
  return run;
}

/** A project whose run ended at step 3 by a signal. */
async function cutOff(signal: NodeJS.Signals, changed: Partial<typeof files> = {}): Promise<Project> {
  const project = await Project.create({ ...files, ...changed });
  const run = await atStep3(project);
  run.child.kill(signal);
  await run.ended;
  await project.remove('at3');
  return project;
}

describe('a stage that was cut off', () => {
  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('by %s goes on', async (signal) => {
    const project = await cutOff(signal);
    expect(kept(project)).toHaveLength(1);
    const { events, summary } = await project.repro();
    expect(summary.executed).toEqual(['count']);
    expect(started(events)).toHaveProperty('continues', true);
    expect(await firstStep(project, events)).toBe('step 4');
    expect(await project.read('steps.txt')).toBe(whole);
    expect(kept(project)).toEqual([]);
    expect((await project.repro()).summary.fresh).toEqual(['count']);
  });

  it('says that it may, and may be cut off again', async () => {
    const project = await cutOff('SIGKILL');
    await project.edit('count.mjs', 'step === 3) await', 'step >= 3) await');
    const first = await atStep3(project); // other code: from scratch
    expect(started(first.events)).not.toHaveProperty('continues');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await atStep3(project);
    // What it prints takes another way than its progress.
    await expect.poll(() => firstStep(project, second.events), { timeout: 60_000 }).toBe('step 4');
    second.child.kill('SIGKILL');
    await second.ended;
    await project.remove('at3');
    const { stdout } = await project.cli('repro');
    expect(stdout).toContain('▶ count (not in pipeline.lock yet; may go on where it was cut off)');
    expect(await project.read('steps.txt')).toBe(whole);
  });

  it('starts from scratch where an input differs, and goes on when it is as it was', async () => {
    const project = await cutOff('SIGKILL');
    for (const [file, from, to] of [
      ['params.yaml', 'size: 1', 'size: 2'],
      ['text.txt', 'a', 'b'],
    ] as const) {
      await project.edit(file, from, to);
      const { events } = await project.repro();
      expect(started(events)).not.toHaveProperty('continues');
      expect(await firstStep(project, events)).toBe('step 1');
      await project.edit(file, to, from);
    }
    const { events } = await project.repro();
    expect(await firstStep(project, events)).toBe('step 4');
    expect(await project.read('steps.txt')).toBe(whole);
  });

  it.each([['--force'], ['--no-restore']])('starts from scratch with %s', async (option) => {
    const project = await cutOff('SIGKILL');
    const { events } = await project.repro(option);
    expect(await firstStep(project, events)).toBe('step 1');
    expect(kept(project)).toEqual([]);
  });

  it('starts from scratch where it runs every time: its key does not tell all that it depends on', async () => {
    const always = files['pipeline.yaml'].replace('    params', '    always: true\n    params');
    const project = await cutOff('SIGKILL', { 'pipeline.yaml': always });
    const { events } = await project.repro();
    expect(await firstStep(project, events)).toBe('step 1');
  });

  it('goes on after its timeout', async () => {
    const project = await Project.create({ ...files, at3: 'stay' });
    const steps = async (): Promise<string> => project.read(`cache/partial/${kept(project)[0]}/steps`);
    // A busy machine takes its time to come to step 3.
    for (let seconds = 2; ; seconds *= 3) {
      const timed = files['pipeline.yaml'].replace('    params', `    timeout: ${seconds}s\n    params`);
      await project.write('pipeline.yaml', timed);
      expect((await project.repro()).summary.failed).toEqual(['count']);
      if (kept(project).length > 0 && (await steps()) === 'a11 a12 a13') break;
      expect(seconds).toBeLessThan(30);
    }
    await project.remove('at3');
    const { events } = await project.repro();
    expect(await firstStep(project, events)).toBe('step 4');
  });

  it('starts from scratch after a dependency changed while it ran', async () => {
    const project = await Project.create(files);
    const run = await atStep3(project);
    await project.write('text.txt', 'b');
    run.child.kill('SIGINT');
    await run.ended;
    expect(kept(project)).toEqual([]);
  });
});

it('a stage that fails by itself may go on once; failing again it starts from scratch', async () => {
  const project = await Project.create({ ...files, at3: 'fail' });
  const steps: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { events, summary } = await project.repro();
    expect(summary.failed).toEqual(['count']);
    steps.push(await firstStep(project, events));
  }
  expect(steps).toEqual(['step 1', 'step 3', 'step 1']);
  await project.remove('at3');
  await project.repro();
  expect(await project.read('steps.txt')).toBe(whole);
});

it('a stage that leaves nothing has nothing kept, however it ends', async () => {
  const project = await Project.create({
    ...files,
    'pipeline.yaml': `
stages:
  good: { cmd: 'echo 1 > \${outs.o}', outs: { o: good.txt } }
  bad: { cmd: 'exit 3', outs: { o: bad.txt } }
`,
    'params.yaml': '',
  });
  expect((await project.repro('--keep-going')).summary).toMatchObject({
    executed: ['good'],
    failed: ['bad'],
  });
  expect(kept(project)).toEqual([]);
});

describe('gc', () => {
  const gc = async (project: Project, ...args: string[]): Promise<string> =>
    (await project.cli('gc', '--workspace', ...args)).stdout;

  it('removes what cut-off runs left, but not what is newer than it is told to keep', async () => {
    const project = await cutOff('SIGKILL');
    expect(await gc(project, '--newer-than', '1h')).not.toContain('cut-off');
    expect(await gc(project, '--dry')).toContain('1 state of cut-off runs would be removed: ');
    expect(kept(project)).toHaveLength(1);
    expect(await gc(project)).toContain('1 state of cut-off runs removed: ');
    expect(kept(project)).toEqual([]);
    const { events } = await project.repro();
    expect(await firstStep(project, events)).toBe('step 1');
  });

  it('within a limit lets it go before results', async () => {
    const project = await cutOff('SIGKILL', {
      'pipeline.yaml': `cache: { limit: 25 B }\n${files['pipeline.yaml']}`,
    });
    expect((await project.cli('gc')).stdout).not.toContain('cut-off'); // it is within the limit
    await project.write('params.yaml', 'size: 2\n');
    const { events } = await project.repro(); // 19 bytes more
    expect(events.find(({ type }) => type === 'gc')).toMatchObject({ removed: { runs: 0, partial: 1 } });
    expect(existsSync(project.path('steps.txt'))).toBe(true);
    expect(kept(project)).toEqual([]);
  });
});
