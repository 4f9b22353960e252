// What counts of the study's own code: a model that is added trains itself alone.
import { cpSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CodeClosures } from '../../engine/fingerprint/code-closure.ts';
import { FileClock } from '../../engine/store/file-clock.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const folders = ['engine', 'models', 'params', 'pictures', 'report', 'sources', 'stages', 'training'];

/** The code and packages of all stages' scripts, or those given. */
async function closures(root: string, only?: readonly string[]): Promise<Record<string, unknown>> {
  const found = await readdir(join(root, 'stages'), { recursive: true });
  const scripts = only ?? found.filter((file) => file.endsWith('.ts')).map((file) => `stages/${file}`);
  const computed = await new CodeClosures(
    root,
    join(root, 'cache/none.json'),
    new FileClock(root),
    () => false,
  ).of(scripts);
  if (!computed.ok) throw new Error(JSON.stringify(computed));
  return Object.fromEntries(
    [...computed.value].map(([script, { code, packages }]) => [script, { code, packages }]),
  );
}

it('changes nothing for the other stages when a fourth model is added', async () => {
  const project = await Project.create({});
  for (const name of [...folders, 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(projectRoot, name), project.path(name), { recursive: true });
  const before = await closures(project.root);
  expect(Object.keys(before).length).toBeGreaterThan(10);
  await project.write('models/cnn3.ts', await project.read('models/cnn1.ts'));
  await project.edit(
    'params/models.ts',
    'export const ModelsParams',
    'export const Cnn3Params = CnnParams.extend({ extra: z.int() });\n\nexport const ModelsParams',
  );
  await project.edit('params/models.ts', 'cnn2: CnnParams,', 'cnn2: CnnParams, cnn3: Cnn3Params,');
  await project.write(
    'stages/train/cnn3.ts',
    (await project.read('stages/train/cnn1.ts')).replaceAll('cnn1', 'cnn3'),
  );
  const after = await closures(project.root);
  const { 'stages/train/cnn3.ts': added, ...others } = after;
  expect(added).toBeDefined();
  expect(others).toEqual(before);
  expect(await closures(project.root, ['stages/train/cnn1.ts'])).toEqual({
    'stages/train/cnn1.ts': before['stages/train/cnn1.ts'],
  });
});
