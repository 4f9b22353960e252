// The modules that pipeline.yaml names under `params:` and `environment:` are as they are now, whatever they rest on.
import { rename, symlink } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Project } from '../support/project.ts';

/** A project whose schema takes at most the `most` of `expression`. */
const projectOf = (
  files: Readonly<Record<string, string>>,
  imports: string,
  expression: string,
): Promise<Project> =>
  Project.create({
    'params.yaml': 'n: 5\n',
    'pipeline.yaml':
      'params: schema.ts\nstages:\n  s:\n    cmd: echo ${n} > ${outs.o}\n    params: [n]\n    outs: { o: o.txt }\n',
    'schema.ts': `import { z } from 'zod';\n${imports}\nexport default z.strictObject({ n: z.int().max(${expression}) });\n`,
    ...files,
  });

/** Checks that an edit makes the schema refuse what it took before. */
async function expectRefused(project: Project, edit: () => Promise<unknown>): Promise<void> {
  expect((await project.cli('repro')).exitCode).toBe(0);
  expect((await project.cli('status')).exitCode).toBe(0);
  await edit();
  expect((await project.cli('status')).exitCode).toBe(2);
  await project.remove('cache/memo');
  expect((await project.cli('status')).exitCode).toBe(2);
}

it('takes an edit of JSON that it imports', async () => {
  const imports = "import limits from './limits.json' with { type: 'json' };";
  const project = await projectOf({ 'limits.json': '{ "most": 9 }' }, imports, 'limits.most');
  await expectRefused(project, () => project.write('limits.json', '{ "most": 4 }'));
});

it('takes an edit of what it finds beside itself', async () => {
  const imports =
    "import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\nconst text = readFileSync(join(import.meta.dirname, 'most.txt'), 'utf8');";
  const project = await projectOf({ 'most.txt': '9' }, imports, 'Number(text)');
  await expectRefused(project, () => project.write('most.txt', '4'));
});

it('takes an edit of what `paths` of tsconfig.json lead to', async () => {
  const project = await projectOf(
    {
      'lib/limits.ts': 'export const most: number = 9;\n',
      'tsconfig.json': '{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }',
    },
    "import { most } from '~/limits.ts';",
    'most',
  );
  await expectRefused(project, () => project.edit('lib/limits.ts', '9', '4'));
});

it('takes an edit of a package that is linked, in TypeScript too', async () => {
  const project = await projectOf(
    {
      'packages/own/package.json':
        '{ "name": "own", "version": "1.0.0", "sideEffects": false, "exports": "./index.ts" }',
      'packages/own/index.ts':
        "import './effect.ts';\nexport const most = (): number => (globalThis as { most?: number }).most ?? 0;\n",
      'packages/own/effect.ts': '(globalThis as { most?: number }).most = 9;\n',
    },
    "import { most } from 'own';",
    'most()',
  );
  const packages = project.path('node_modules');
  await rename(packages, project.path('installed'));
  await project.write('node_modules/.keep', '');
  await symlink('../installed/zod', project.path('node_modules/zod'));
  await symlink('../packages/own', project.path('node_modules/own'));
  await expectRefused(project, () => project.edit('packages/own/effect.ts', '9', '4'));
});

it('takes a file that is found instead of another', async () => {
  const project = await projectOf(
    { 'limits/index.ts': 'export const most = 9;\n' },
    "import { most } from './limits';",
    'most',
  );
  await expectRefused(project, () => project.write('limits.ts', 'export const most = 4;\n'));
});
