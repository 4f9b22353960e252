// Verdicts through the real command: over seeds, over images, and the images that flipped.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params, replicated } from './project.ts';

const families = 40;
const perFamily = 3;

/** A list of images of two classes; `shift` names other images. */
const imageList = (shift = 0): object => ({
  classes: ['bus', 'car'],
  images: Array.from({ length: families * perFamily }, (_, i) => ({
    path: `images/${i + shift}.png`,
    class: i % 2,
    family: `set${Math.floor(i / perFamily)}`,
  })),
});

/** Answers that are wrong for these images. */
const answers = (wrong: ReadonlySet<number>): string =>
  Array.from({ length: families * perFamily }, (_, i) => (wrong.has(i) ? 1 - (i % 2) : i % 2)).join('');

/** A run with its predictions: seed → the images that it gets wrong. */
function run(name: string, wrong: Record<number, readonly number[]>): Record<string, object> {
  const seeds = Object.entries(wrong);
  const accuracies = seeds.map(([, images]) => 1 - images.length / (families * perFamily));
  return {
    [`metrics/${name}.json`]: { accuracy: replicated(accuracies, Number(seeds[0]![0])) },
    [`metrics/${name}.predictions.json`]: {
      images: 'metrics/validation.json',
      predicted: Object.fromEntries(seeds.map(([seed, images]) => [seed, answers(new Set(images))])),
    },
  };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function study(files: Record<string, unknown>): Promise<Project> {
  const project = await Project.repository();
  await project.write({
    'metrics/validation.json': imageList(),
    'params.yaml': params(accuracyGate),
    ...files,
  });
  await project.commit();
  return project;
}

test('five seeds: a loss that all show is real, its interval is over images and seeds, and the family is named', async () => {
  const before = { 20: range(0, 10), 21: range(0, 12), 22: range(0, 9), 23: range(0, 11), 24: range(0, 10) };
  const after = { 20: range(0, 40), 21: range(0, 43), 22: range(0, 38), 23: range(0, 42), 24: range(0, 40) };
  const project = await study({ ...run('one', before), ...run('two', before) });
  await project.write({ ...run('one', after), ...run('two', { ...before, 24: range(0, 9) }) });
  const { event } = await project.json('compare');
  const [one, two] = event.rows;
  expect(one).toMatchObject({
    path: 'metrics/one.json',
    verdict: 'real',
    better: false,
    intervalOver: 'images and seeds',
    evidence: { test: 'paired t', family: 2 },
    flips: { lost: range(10, 40).map((i) => `images/${i}.png`), won: [] },
  });
  expect(one.interval[1]).toBeLessThan(0);
  expect(two).toMatchObject({ verdict: 'within noise', flips: { lost: [], won: [] } });
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toContain('worse, real (p < 0.001)');
  expect(stdout).toContain('p is adjusted for the 2 comparisons of accuracy (Holm)');
  expect(stdout).toMatch(/one .*−30 \+0/);
  expect(stdout).not.toContain('images/12.png');
  const named = (await project.rodada(['compare', '--only', 'one'])).stdout;
  expect(named).toContain('one: 30 images from right to wrong\n  images/10.png\n');
});

test('a run that is the same byte by byte is no comparison: adding one changes no verdict', async () => {
  const before = { accuracy: replicated([0.8, 0.82, 0.78, 0.81, 0.79]) };
  const project = await study({ 'metrics/one.json': before });
  await project.write({ 'metrics/one.json': { accuracy: replicated([0.82, 0.85, 0.8, 0.82, 0.815]) } });
  const alone = (await project.json('compare')).event.rows[0];
  expect(alone).toMatchObject({ verdict: 'real', evidence: { family: 1 } });
  const others = Object.fromEntries(range(0, 9).map((i) => [`metrics/other${i}.json`, before]));
  await project.write({ 'metrics/one.json': before, ...others });
  await project.commit();
  await project.write({ 'metrics/one.json': { accuracy: replicated([0.82, 0.85, 0.8, 0.82, 0.815]) } });
  expect((await project.json('compare')).event.rows[0].evidence).toEqual(alone.evidence);
  // Models that were measured again count, and if that changes the verdict, it is said.
  for (const i of range(0, 9))
    await project.write({
      [`metrics/other${i}.json`]: { accuracy: replicated([0.81, 0.8, 0.8, 0.79, 0.8]) },
    });
  const rows = (await project.json('compare')).event.rows as {
    path: string;
    verdict: string;
    evidence: object;
  }[];
  const one = rows.find(({ path }) => path === 'metrics/one.json')!;
  expect(one).toMatchObject({ evidence: { family: 10 } });
  expect((await project.rodada(['compare'])).stdout).toContain('adjusted for the 10 comparisons of accuracy');
});

test('one seed with predictions is tested by sign flips over families, and is never called real', async () => {
  const project = await study(run('one', { 20: range(0, 10) }));
  await project.write(run('one', { 20: range(0, 60) }));
  const { event } = await project.json('compare');
  expect(event.rows[0]).toMatchObject({
    verdict: 'differs on these images',
    evidence: { test: 'sign flips' },
    intervalOver: 'images',
  });
  // The same two families, all in one direction, are nothing.
  await project.write(run('one', { 20: range(0, 16) }));
  const { stdout } = await project.rodada(['compare']);
  expect(stdout).toContain('no difference on these images');
  expect(stdout).not.toMatch(/\breal/);
  expect((await project.rodada(['check'])).exitCode).toBe(0);
  await project.write(run('one', { 20: range(0, 60) }));
  expect((await project.rodada(['check'])).exitCode).toBe(1);
});

test('other validation images are said, and tested as unpaired', async () => {
  const seeds = { 20: range(0, 10), 21: range(0, 12), 22: range(0, 9) };
  const project = await study(run('one', seeds));
  await project.write({ 'metrics/validation.json': imageList(500) });
  await project.write(run('one', { 20: range(0, 11), 21: range(0, 12), 22: range(0, 9) }));
  const { event } = await project.json('compare');
  expect(event.rows[0]).toMatchObject({
    images: 'other',
    evidence: { test: "Welch's t" },
    intervalOver: 'seeds',
    flips: null,
  });
  expect((await project.rodada(['compare'])).stdout).toContain(
    'is about other validation images than in main',
  );
});

test('class sizes in confusion matrices tell other images, too', async () => {
  const project = await study({ 'metrics/one.json': metrics(300) });
  await project.write({
    'metrics/one.json': {
      accuracy: 0.9,
      confusion: {
        labels: ['a', 'b'],
        matrix: [
          [90, 10],
          [10, 90],
        ],
      },
    },
  });
  expect((await project.rodada(['compare'])).stdout).toContain(
    'is about other validation images than in main',
  );
});

test('a baseline of one seed without predictions is compared with several seeds', async () => {
  const project = await study({ 'metrics/one.json': metrics(300) });
  const five = [0.755, 0.745, 0.75, 0.76, 0.74];
  const right = five.reduce((sum, each) => sum + 400 * each, 0);
  const matrix = [
    [right - 1000, 2000 - right],
    [0, 1000],
  ];
  await project.write({
    'metrics/one.json': { accuracy: replicated(five), confusion: { labels: ['bus', 'car'], matrix } },
  });
  const { event } = await project.json('compare');
  expect(event.rows[0]).toMatchObject({
    images: 'unknown',
    verdict: 'no difference on these images',
    evidence: { test: "Fisher's exact" },
  });
  expect((await project.rodada(['compare'])).stdout).toContain('1 → 5');
});

test('predictions that do not fit their images are reported', async () => {
  const project = await study(run('one', { 20: range(0, 10) }));
  await project.write({
    'metrics/one.predictions.json': { images: 'metrics/validation.json', predicted: { 20: '010' } },
  });
  expect((await project.rodada(['compare'])).stdout).toContain(
    'metrics/one.predictions.json in the workspace: it has not one answer for each of the 120 images',
  );
});
