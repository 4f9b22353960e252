// What `npm run check` lets pass and what it stops, through the real command in real repositories.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params, replicated } from './project.ts';

const file = 'metrics/cnn1/a.json';

async function study(
  gates = accuracyGate,
  document: unknown = metrics(300),
): Promise<{ project: Project; short: string }> {
  const project = await Project.repository();
  await project.write({ [file]: document, 'params.yaml': params(gates) });
  return { project, short: (await project.commit()).slice(0, 8) };
}

const firstLine = (text: string): string => text.split('\n')[0]!;

test('a change within the tolerance passes with a sentence', async () => {
  const { project, short } = await study();
  await project.write({ [file]: metrics(292) }); // 0.75 → 0.73, exactly the tolerance
  const { exitCode, stdout, stderr } = await project.rodada(['check']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(firstLine(stdout)).toBe(`✔ Passed (1 gate, 1 metric of the workspace against main (${short})).`);
});

test('one training: a loss beyond the tolerance is stopped only if it differs on the images', async () => {
  const { project } = await study();
  await project.write({ [file]: metrics(284) }); // 0.75 → 0.71
  const noise = await project.rodada(['check']);
  expect(noise.exitCode).toBe(0);
  expect(noise.stdout).toContain('worse within noise on these images (p = 0.12)');
  await project.write({ [file]: metrics(240, 0.1) });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('✖ Failed: 1 regressed');
  expect(stdout).toMatch(
    /metrics\/cnn1\/a\.json:accuracy +0\.7500 +0\.6000 +-0\.1500 +regressed on these images \(p < 0\.001\) +\*\*:accuracy: at most 0\.02 lower/,
  );
  const { event } = await project.json('check');
  expect(event).toMatchObject({
    ok: false,
    offenders: [{ path: file, key: 'accuracy', verdict: 'regressed', evidence: { test: "Fisher's exact" } }],
    judged: 1,
  });
});

test('seeds: a loss beyond the tolerance is stopped only if it is significant', async () => {
  const gates = `${accuracyGate}\n  - { metric: "**:loss", better: lower, tolerance: 10% }`;
  const before = {
    accuracy: replicated([0.8, 0.84, 0.76, 0.82, 0.78]),
    loss: replicated([0.5, 0.52, 0.48, 0.51, 0.49]),
  };
  const { project } = await study(gates, before);
  await project.write({
    [file]: {
      accuracy: replicated([0.77, 0.75, 0.79, 0.74, 0.79]),
      loss: replicated([0.7, 0.75, 0.71, 0.69, 0.72]),
    },
  });
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(1);
  expect(event.offenders).toMatchObject([
    { key: 'loss', verdict: 'regressed', evidence: { test: 'paired t', family: 2 } },
  ]);
  expect(event.withinNoise).toMatchObject([{ key: 'accuracy', verdict: 'worse within noise' }]);
  expect(event.detectable).toHaveLength(2);
  expect(event.detectable[0].smallest).toBeGreaterThan(0.02);
  const { stdout } = await project.rodada(['check']);
  expect(stdout).toContain('the smallest loss that a gate finds in 80 % of cases\n  **:accuracy: 0.0');
  expect(stdout).toContain('p is adjusted for the 2 tests of gated metrics (Holm), one-sided.');
});

test('the smallest loss that a gate finds is also said if nothing was measured again', async () => {
  const { project } = await study(accuracyGate, { accuracy: replicated([0.8, 0.84, 0.76, 0.82, 0.78]) });
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(0);
  // Two groups of five with a standard deviation of 0.0316: 0.02 × (t of 0.95 + t of 0.8, with 8 degrees of freedom).
  expect(event.detectable).toMatchObject([{ smallest: expect.closeTo(0.02 * (1.8595 + 0.8889), 4) }]);
});

test('a metric without anything to test it with is stopped by its tolerance, and that is said', async () => {
  const { project } = await study(
    '  - { metric: "metrics/{cnn1,cnn2}/*.json:loss", better: lower, tolerance: 10% }\n' +
      '  - { metric: "**:perClass.*.f1", better: higher, tolerance: 0 }',
  );
  await project.write({ [file]: metrics(300, 0.55) });
  expect((await project.rodada(['check'])).exitCode).toBe(0);
  await project.write({ [file]: metrics(299, 0.56) });
  const { event } = await project.json('check');
  expect(event.offenders.map(({ key, verdict }: Record<string, string>) => [key, verdict])).toEqual([
    ['loss', 'regressed'],
    ['perClass.car.f1', 'regressed'],
  ]);
  expect((await project.rodada(['check'])).stdout).toContain('regressed, not tested');
});

test('a gated metric that is gone is missing, a new one passes', async () => {
  const { project } = await study();
  await project.write({ 'metrics/cnn2/a.json': metrics(210), [file]: { loss: 1 } });
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(1);
  expect(event).toMatchObject({
    offenders: [{ path: file, key: 'accuracy', new: null, verdict: 'missing' }],
    judged: 2,
  });
});

test('NaN, null and broken JSON are reported for their file, and the rest is compared', async () => {
  const { project } = await study(accuracyGate);
  const [b, c, d] = ['b', 'c', 'd'].map((name) => `metrics/${name}.json`) as [string, string, string];
  await project.write({ [b]: metrics(300), [c]: metrics(300), [d]: metrics(300) });
  await project.commit();
  await project.write({
    [file]: '{"accuracy": NaN, "loss": 0.4}',
    [b]: { accuracy: null, loss: 0.4 },
    [c]: '{"accuracy": 0.7',
    [d]: metrics(200),
  });
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(1);
  expect(event.offenders.map(({ path, verdict }: Record<string, string>) => [path, verdict])).toEqual([
    [b, 'not comparable'],
    [c, 'not comparable'],
    [file, 'not comparable'],
    [d, 'regressed'],
  ]);
  const { stdout } = await project.rodada(['check']);
  expect(stdout).toContain(`${file} in the workspace: accuracy is NaN`);
  expect(stdout).toContain(`${b} in the workspace: accuracy is null`);
  expect(stdout).toMatch(/metrics\/c\.json in the workspace: it isn't JSON: /);
  const compared = await project.rodada(['compare']);
  expect(compared.exitCode).toBe(0);
  expect(compared.stdout).toContain('worse, differs on these images');
  expect(compared.stdout).toContain(`${file} in the workspace: accuracy is NaN`);
});

test('a mended NaN passes, and so do the same bytes, whatever they hold', async () => {
  const { project } = await study(accuracyGate, '{"accuracy": NaN}');
  expect((await project.rodada(['check'])).exitCode).toBe(0);
  await project.write({ [file]: metrics(300) });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('accuracy is NaN');
});

test('an infinite metric is no number, either', async () => {
  const { project } = await study();
  await project.write({ [file]: '{"accuracy": Infinity}' });
  const { exitCode, event } = await project.json('check');
  expect(exitCode).toBe(1);
  expect(event.offenders).toMatchObject([{ verdict: 'not comparable' }]);
});

test('as many seeds may diverge as in the baseline', async () => {
  const { project } = await study(accuracyGate, { accuracy: replicated([0.8, null, 0.82, 0.83, 0.81]) });
  await project.write({ [file]: { accuracy: replicated([0.81, 0.8, 0.82, null, 0.83]) } });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('accuracy is not a number for seed 23');
});

test('a seed that diverged is not averaged away', async () => {
  const { project } = await study(accuracyGate, { accuracy: replicated([0.8, 0.81, 0.82, 0.83]) });
  await project.write({ [file]: { accuracy: replicated([0.8, null, 0.82, 0.83]) } });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('accuracy is not a number for seed 21');
});

test('a gate that matches nothing, and gates that were changed, are said', async () => {
  const { project, short } = await study();
  await project.write({
    'params.yaml': params(`${accuracyGate}\n  - { metric: "**:acuracy", better: higher, tolerance: 0 }`),
  });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`The gates in params.yaml are not those of main (${short}).`);
  expect(stdout).toContain('Gate **:acuracy matches no metric; patterns are PATH:KEY, such as **:accuracy.');
});

test('Markdown is a table for a pull request, of at most 64 kB; CSV has a line for each finding', async () => {
  const { project } = await study();
  const names = Array.from({ length: 1500 }, (_, i) => `metrics/many/${'x'.repeat(60)}${i}.json`);
  await project.write(Object.fromEntries(names.map((name) => [name, metrics(300)])));
  await project.commit();
  await project.write({
    [file]: metrics(240),
    ...Object.fromEntries(names.map((name) => [name, metrics(200)])),
  });
  const { stdout } = await project.rodada(['check', '--format', 'md']);
  expect(stdout).toContain('**stopped by a gate**\n\n| metric ');
  expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(65_536);
  expect(stdout).toMatch(/… and 1,[34]\d\d more/);
  const csv = await project.rodada(['check', '--format', 'csv']);
  expect(csv.exitCode).toBe(1);
  expect(csv.stdout.split('\n')).toHaveLength(1 + 1501);
});
