// What `npm run check` lets pass and what it stops, through the real command in real repositories.
import { expect, test } from 'vitest';
import { accuracyGate, metrics, Project, params } from './project.ts';

const file = 'metrics/cnn1/a.json';

async function study(gates = accuracyGate): Promise<{ project: Project; short: string }> {
  const project = await Project.repository();
  await project.write({ [file]: metrics(300), 'params.yaml': params(gates) });
  return { project, short: (await project.commit()).slice(0, 8) };
}

test('a change within the tolerance passes with a sentence', async () => {
  const { project, short } = await study();
  await project.write({ [file]: metrics(292) }); // 0.75 → 0.73, exactly the tolerance
  const { exitCode, stdout, stderr } = await project.rodada(['check']);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: `1 gate passed: 1 metric against main (${short}).`,
    stderr: '',
  });
});

test('a regression is exit code 1 and the offending row', async () => {
  const { project, short } = await study();
  await project.write({ [file]: metrics(240, 0.1) });
  const { exitCode, stdout } = await project.rodada(['check']);
  expect(exitCode).toBe(1);
  expect(stdout).toBe(`1 metric got worse than the gates allow (1 gate, 1 metric against main (${short})).

metrics/cnn1/a.json
  metric       old     new    delta         gate                             real?
  accuracy  0.7500  0.6000  -0.1500  worse  **:accuracy: at most 0.02 lower  real (p < 0.001, n = 400)`);
  const json = await project.rodada(['check', '--format', 'json']);
  expect(json.exitCode).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    baseline: `main (${short})`,
    offenders: [{ path: file, key: 'accuracy', old: 0.75, new: 0.6, better: false }],
    judged: 1,
  });
});

test('a gated metric that is gone is a regression, a new one passes', async () => {
  const { project } = await study();
  await project.write({ 'metrics/cnn2/a.json': metrics(210), [file]: { loss: 1, accuracy: null } });
  const { exitCode, stdout } = await project.rodada(['check', '--format', 'json']);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    offenders: [{ path: file, key: 'accuracy', old: 0.75, new: null, delta: null, better: null }],
    judged: 2,
  });
});

test('a tolerance in % is of the old value, and a gate reaches into the key', async () => {
  const { project } = await study(
    '  - { metric: "metrics/{cnn1,cnn2}/*.json:loss", better: lower, tolerance: 10% }\n' +
      '  - { metric: "**:perClass.*.f1", better: higher, tolerance: 0 }',
  );
  await project.write({ [file]: metrics(300, 0.55) });
  expect((await project.rodada(['check'])).exitCode).toBe(0);
  await project.write({ [file]: metrics(299, 0.56) });
  const { stdout } = await project.rodada(['check', '--format', 'json']);
  const { offenders } = JSON.parse(stdout);
  expect(offenders.map(({ key }: { key: string }) => key)).toEqual(['loss', 'perClass.car.f1']);
});

test('a gate that matches nothing, and gates that were changed, are said', async () => {
  const { project, short } = await study();
  await project.write({
    'params.yaml': params(`${accuracyGate}\n  - { metric: "**:acuracy", better: higher, tolerance: 0 }`),
  });
  const { exitCode, stderr } = await project.rodada(['check']);
  expect(exitCode).toBe(0);
  expect(stderr).toBe(
    `The gates in params.yaml are not those of main (${short}).\n` +
      'Gate **:acuracy matches no metric; patterns are PATH:KEY, such as **:accuracy.',
  );
});

test('Markdown is a table for a pull request', async () => {
  const { project } = await study();
  await project.write({ [file]: metrics(240) });
  const { stdout } = await project.rodada(['check', '--format', 'md']);
  expect(stdout).toContain('**metrics/cnn1/a.json**\n\n| metric   |    old |    new |   delta |');
});
