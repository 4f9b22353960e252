// Which edits of JavaScript and TypeScript make a stage run again, and which do not.
import { rename, symlink, utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

/** Writes to the out what the last line of the script puts into `result`. */
const writing =
  "\nimport { writeFileSync } from 'node:fs';\nwriteFileSync(process.argv[2], String(result));\n";

const oneStage = (cmd: string): string =>
  `stages:\n  s:\n    cmd: ${cmd} \${outs.o}\n    outs: { o: o.txt }\n`;

/** A project whose stage `s` runs `main`, with packages of its own. */
async function projectOf(files: Readonly<Record<string, string>>, cmd = 'node main.mjs'): Promise<Project> {
  const project = await Project.create({ 'params.yaml': '{}\n', 'pipeline.yaml': oneStage(cmd), ...files });
  return project;
}

/** Replaces the repository's packages by those given. */
async function withPackages(project: Project, files: Readonly<Record<string, string>>): Promise<void> {
  await project.remove('node_modules');
  for (const [path, content] of Object.entries(files)) await project.write(`node_modules/${path}`, content);
}

/** Names of the stages that a repro runs. */
async function run(project: Project): Promise<string[]> {
  const { exitCode, events } = await project.repro();
  expect(exitCode, JSON.stringify(events)).toBe(0);
  return events.flatMap((event) => (event.type === 'started' ? [event.stage] : []));
}

/** Checks that an edit makes `s` run and changes its out, and that the memo has the same verdict as a computation anew. */
async function expectCounts(project: Project, edit: () => Promise<unknown>, out: string): Promise<void> {
  expect(await run(project)).toEqual(['s']);
  expect(await run(project)).toEqual([]);
  await edit();
  expect(await run(project)).toEqual(['s']);
  expect(await project.read('o.txt')).toBe(out);
  await project.remove('cache/memo');
  expect(await run(project)).toEqual([]);
}

/** Checks that an edit makes nothing run. */
async function expectNoMatter(project: Project, edit: () => Promise<unknown>): Promise<void> {
  expect(await run(project)).toEqual(['s']);
  await edit();
  expect(await run(project)).toEqual([]);
  await project.remove('cache/memo');
  expect(await run(project)).toEqual([]);
}

describe('files that are no modules', () => {
  it('counts JSON that is imported', async () => {
    const project = await projectOf({
      'main.mjs': `import data from './d.json' with { type: 'json' };\nconst result = data.x;${writing}`,
      'd.json': '{ "x": 1 }',
    });
    await expectCounts(project, () => project.write('d.json', '{ "x": 2 }'), '2');
  });

  it('counts JSON that one script imports with attributes and another without', async () => {
    const stage = (name: string): string =>
      `  ${name}: { cmd: 'node --import tsx ${name}.ts > \${outs.o}', outs: { o: ${name}.txt } }\n`;
    const project = await Project.create({
      'package.json': '{ "type": "module" }',
      'params.yaml': '',
      'pipeline.yaml': `stages:\n${stage('a')}${stage('b')}`,
      'a.ts': "import data from './d.json' with { type: 'json' };\nconsole.log(data.x);\n",
      'b.ts': "import data from './d.json';\nconsole.log(data.x);\n",
      'd.json': '{ "x": 1 }',
    });
    expect((await run(project)).sort()).toEqual(['a', 'b']);
    await project.write('d.json', '{ "x": 2 }');
    expect((await run(project)).sort()).toEqual(['a', 'b']);
    expect([await project.read('a.txt'), await project.read('b.txt')]).toEqual(['2\n', '2\n']);
    await project.remove('cache/memo');
    expect(await run(project)).toEqual([]);
  });

  it('does not count the formatting of JSON that is imported', async () => {
    const project = await projectOf({
      'main.mjs': `import data from './d.json' with { type: 'json' };\nconst result = data.x;${writing}`,
      'd.json': '{ "x": 1 }',
    });
    await expectNoMatter(project, () => project.write('d.json', '{\n  "x": 1\n}\n'));
  });

  it('counts JSON that CommonJS requires', async () => {
    const project = await projectOf(
      {
        'main.cjs':
          "const result = require('./d').x;\nrequire('fs').writeFileSync(process.argv[2], String(result));\n",
        'd.json': '{ "x": 1 }',
      },
      'node main.cjs',
    );
    await expectCounts(project, () => project.write('d.json', '{ "x": 2 }'), '2');
  });

  it.each([
    ['new URL', "new URL('./d.txt', import.meta.url)"],
    ['new URL of a name', 'new URL(`./$' + "{'d'}.txt`, import.meta.url)"],
    ['import.meta.dirname', "join(import.meta.dirname, 'd.txt')"],
    ['dirname of the file', "join(here, 'd.txt')"],
    ['a template', '`$' + '{here}/d.txt`'],
  ])('counts a file beside the code that it finds by %s', async (_, expression) => {
    const project = await projectOf(
      {
        'lib/main.mjs': `import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
const here = dirname(fileURLToPath(import.meta.url));
const result = readFileSync(${expression}, 'utf8');${writing.replace('import { writeFileSync }', 'import { writeFileSync }')}`,
        'lib/d.txt': 'one',
      },
      'node lib/main.mjs',
    );
    await expectCounts(project, () => project.write('lib/d.txt', 'two'), 'two');
  });
});

describe('modules that are loaded while the code runs', () => {
  it('counts those that a name with a variable may mean, and one that is added later', async () => {
    const project = await projectOf({
      'main.mjs': `import { readdirSync } from 'node:fs';
let result = '';
for (const file of readdirSync('plug').sort()) {
  const name = file.slice(0, -4);
  result += (await import(\`./plug/\${name}.mjs\`)).default;
}${writing}`,
      'plug/a.mjs': 'export default 1;',
    });
    await expectCounts(project, () => project.write('plug/a.mjs', 'export default 2;'), '2');
    await project.write('plug/b.mjs', 'export default 3;');
    expect(await run(project)).toEqual(['s']);
    expect(await project.read('o.txt')).toBe('23');
  });

  it('counts a worker and what it imports', async () => {
    const project = await projectOf(
      {
        'main.ts': `import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
const worker = new Worker(new URL('./w.mjs', import.meta.url));
const [result] = await once(worker, 'message');${writing}`,
        'w.mjs':
          "import { parentPort } from 'node:worker_threads';\nimport { x } from './x.mjs';\nparentPort.postMessage(x);\n",
        'x.mjs': 'export const x = 1;',
        'package.json': '{ "type": "module" }',
      },
      'node --import tsx main.ts',
    );
    await expectCounts(project, () => project.write('x.mjs', 'export const x = 2;'), '2');
  });

  it.each([
    [
      'createRequire',
      "import { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);\nconst result = load('./x.cjs');",
    ],
    [
      'import.meta.resolve',
      "import { createRequire } from 'node:module';\nconst { default: result } = await import(import.meta.resolve('./x.cjs'));",
    ],
    ['a constant', "const name = './x.cjs';\nconst { default: result } = await import(name);"],
    [
      'a choice',
      "const { default: result } = await import(process.argv.length > 9 ? './y.cjs' : './x.cjs');",
    ],
  ])('counts a module that %s finds', async (_, code) => {
    const project = await projectOf({
      'main.mjs': code + writing,
      'x.cjs': 'module.exports = 1;',
      'y.cjs': 'module.exports = 0;',
    });
    await expectCounts(project, () => project.write('x.cjs', 'module.exports = 2;'), '2');
  });
});

describe('how an import is resolved', () => {
  it('counts a package of the workspace that is linked into node_modules', async () => {
    const project = await projectOf({
      'main.mjs': `import { x as result } from 'own/part';${writing}`,
      'packages/own/package.json':
        '{ "name": "own", "version": "1.0.0", "exports": { "./part": "./src/part.mjs" } }',
      'packages/own/src/part.mjs': "export { x } from './x.mjs';\n",
      'packages/own/src/x.mjs': 'export const x = 1;\n',
    });
    await withPackages(project, { '.keep': '' });
    await symlink('../packages/own', project.path('node_modules/own'));
    await expectCounts(project, () => project.write('packages/own/src/x.mjs', 'export const x = 2;\n'), '2');
  });

  it('counts a linked package whose `exports` lead elsewhere', async () => {
    const project = await projectOf({
      'main.mjs': `import { x as result } from 'own';${writing}`,
      'packages/own/package.json': '{ "name": "own", "version": "1.0.0", "exports": "./a.mjs" }',
      'packages/own/a.mjs': 'export const x = 1;\n',
      'packages/own/b.mjs': 'export const x = 2;\n',
    });
    await withPackages(project, { '.keep': '' });
    await symlink('../packages/own', project.path('node_modules/own'));
    await expectCounts(project, () => project.edit('packages/own/package.json', 'a.mjs', 'b.mjs'), '2');
  });

  it('counts by content what a link leads to outside of the project', async () => {
    const sibling = await Project.create({
      'package.json': '{ "name": "own", "version": "1.0.0", "main": "./x.mjs" }',
      'x.mjs': 'export const x = 1;\n',
    });
    const project = await projectOf({ 'main.mjs': `import { x as result } from 'own';${writing}` });
    await withPackages(project, { '.keep': '' });
    await symlink(sibling.root, project.path('node_modules/own'));
    await expectCounts(project, () => sibling.write('x.mjs', 'export const x = 2;\n'), '2');
  });

  it('counts what `paths` of tsconfig.json lead to, and an edit of them', async () => {
    const project = await projectOf(
      {
        'main.ts': `import { x as result } from '@lib/x.ts';${writing}`,
        'a/x.ts': 'export const x: number = 1;\n',
        'b/x.ts': 'export const x: number = 3;\n',
        'base.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./a/*"] } } }',
        'tsconfig.json': '{ "extends": "./base.json" }',
        'package.json': '{ "type": "module" }',
      },
      'node --import tsx main.ts',
    );
    await expectCounts(project, () => project.write('a/x.ts', 'export const x: number = 2;\n'), '2');
    await project.edit('base.json', './a/*', './b/*');
    expect(await run(project)).toEqual(['s']);
    expect(await project.read('o.txt')).toBe('3');
  });

  it('counts what `imports` of package.json lead to', async () => {
    const project = await projectOf({
      'main.mjs': `import { x as result } from '#lib/x';${writing}`,
      'package.json': '{ "imports": { "#lib/*": "./a/*.mjs" } }',
      'a/x.mjs': 'export const x = 1;\n',
      'b/x.mjs': 'export const x = 2;\n',
    });
    await expectCounts(project, () => project.edit('package.json', './a/', './b/'), '2');
  });

  it('notices a file that takes the place of another', async () => {
    const project = await projectOf(
      {
        'main.cjs':
          "const result = require('./x');\nrequire('fs').writeFileSync(process.argv[2], String(result));\n",
        'x/index.js': 'module.exports = 1;\n',
      },
      'node main.cjs',
    );
    await expectCounts(project, () => project.write('x.js', 'module.exports = 2;\n'), '2');
  });

  it('notices a link that leads to another folder', async () => {
    const project = await projectOf({
      'main.mjs': `import { x as result } from './lib/x.mjs';${writing}`,
      'a/x.mjs': 'export const x = 1;\n',
      'b/x.mjs': 'export const x = 2;\n',
    });
    await symlink('a', project.path('lib'));
    await expectCounts(
      project,
      async () => {
        await symlink('b', project.path('new'));
        await rename(project.path('new'), project.path('lib'));
      },
      '2',
    );
  });

  it('sees an edit that keeps size and time of the file', async () => {
    const project = await projectOf({ 'main.mjs': `const result = 1;${writing}` });
    const old = new Date('2020-01-01');
    await utimes(project.path('main.mjs'), old, old);
    await expectCounts(
      project,
      async () => {
        await project.write('new.mjs', `const result = 2;${writing}`);
        await utimes(project.path('new.mjs'), old, old);
        await rename(project.path('new.mjs'), project.path('main.mjs'));
      },
      '2',
    );
  });
});

describe('packages', () => {
  const lockfile = (inner: string): string =>
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': {},
        'node_modules/outer': { version: '1.0.0', dependencies: { inner: '*' } },
        'node_modules/inner': { version: '9.0.0' },
        'node_modules/outer/node_modules/inner': { version: inner },
        'node_modules/other': { version: '1.0.0' },
      },
    });
  const files = {
    'outer/package.json': '{ "name": "outer", "version": "1.0.0", "dependencies": { "inner": "*" } }',
    'outer/index.js': "module.exports = require('inner');",
    'outer/node_modules/inner/package.json': '{ "name": "inner", "version": "1.0.0" }',
    'outer/node_modules/inner/index.js': 'module.exports = 1;',
    'inner/package.json': '{ "name": "inner", "version": "9.0.0" }',
    'inner/index.js': 'module.exports = 9;',
  };

  it('counts the version in package-lock.json of what an imported package needs', async () => {
    const project = await projectOf({
      'main.mjs': `import result from 'outer';${writing}`,
      'package-lock.json': lockfile('1.0.0'),
    });
    await withPackages(project, files);
    await expectCounts(project, () => project.write('package-lock.json', lockfile('1.0.1')), '1');
    expect((await project.cli('why', 's')).stdout).not.toContain('9.0.0');
    await project.write('package-lock.json', lockfile('1.0.2'));
    expect((await project.cli('status')).stdout).toContain('inner');
  });

  it('does not count packages that the code does not need', async () => {
    const project = await projectOf({
      'main.mjs': `import result from 'outer';${writing}`,
      'package-lock.json': lockfile('1.0.0'),
    });
    await withPackages(project, files);
    await expectNoMatter(project, () =>
      project.write('package-lock.json', lockfile('1.0.0').replace('"9.0.0"', '"9.0.1"')),
    );
  });

  it('counts what is installed if there is no package-lock.json', async () => {
    const project = await projectOf({ 'main.mjs': `import result from 'outer';${writing}` });
    await withPackages(project, files);
    await expectCounts(
      project,
      async () => {
        await project.write('node_modules/outer/node_modules/inner/package.json', '{ "version": "1.1.0" }');
        await project.write('node_modules/outer/node_modules/inner/index.js', 'module.exports = 2;');
      },
      '2',
    );
  });

  it('follows the links of pnpm', async () => {
    const project = await projectOf({ 'main.mjs': `import result from 'outer';${writing}` });
    await withPackages(project, {
      '.pnpm/outer@1/node_modules/outer/package.json': files['outer/package.json'],
      '.pnpm/outer@1/node_modules/outer/index.js': files['outer/index.js'],
      '.pnpm/inner@1/node_modules/inner/package.json': files['outer/node_modules/inner/package.json'],
      '.pnpm/inner@1/node_modules/inner/index.js': 'module.exports = 1;',
      '.pnpm/inner@2/node_modules/inner/package.json': '{ "name": "inner", "version": "2.0.0" }',
      '.pnpm/inner@2/node_modules/inner/index.js': 'module.exports = 2;',
    });
    await symlink('.pnpm/outer@1/node_modules/outer', project.path('node_modules/outer'));
    const inner = project.path('node_modules/.pnpm/outer@1/node_modules/inner');
    await symlink('../../inner@1/node_modules/inner', inner);
    await expectCounts(
      project,
      async () => {
        await symlink('../../inner@2/node_modules/inner', `${inner}.new`);
        await rename(`${inner}.new`, inner);
      },
      '2',
    );
  });
});

describe('what is used of a module', () => {
  it('counts an import that runs code, whatever `sideEffects` says', async () => {
    const project = await projectOf({
      'main.mjs': `import './effect.mjs';\nconst result = globalThis.x;${writing}`,
      'effect.mjs': 'globalThis.x = 1;\n',
      'package.json': '{ "type": "module", "sideEffects": false }',
    });
    await expectCounts(project, () => project.write('effect.mjs', 'globalThis.x = 2;\n'), '2');
  });

  it('counts a call that is annotated as pure', async () => {
    const project = await projectOf({
      'main.mjs': `globalThis.x = 0;\nconst set = (x) => (globalThis.x = x);\nconst y = /* @__PURE__ */ set(1);\nconst result = globalThis.x;${writing}`,
    });
    await expectCounts(project, () => project.edit('main.mjs', 'set(1)', 'set(2)'), '2');
  });

  it.each([
    ['a comment', 'x.ts', 'export const x', '// said\nexport const x'],
    ['a type', 'x.ts', 'x: number', 'x: 1'],
    ['formatting', 'x.ts', ': number = 1', ':number=1'],
    ['an unused function', 'x.ts', 'return 5', 'return 6'],
    ['an unused schema', 'x.ts', 'z.string()', 'z.string().optional()'],
    ['an unused schema of schemas', 'x.ts', '...fields', '...fields, another: X.extend({})'],
    ['an unused constant', 'x.ts', "['red'", "['blue'"],
    ['an unused enum', 'x.ts', 'B = 2', 'B = 3'],
  ])('does not count %s', async (_, file, from, to) => {
    const project = await projectOf(
      {
        'main.ts': `import { x as result } from './x.ts';${writing}`,
        'x.ts': `import { z } from 'zod';
import { fields } from './fields.ts';
export const x: number = 1;
export function f() { return 5; }
export const X = z.strictObject({ a: z.string(), b: z.array(z.int().min(1)) });
export const All = z.object({ X, ...fields });
export const colours = Object.freeze(['red', 'green'] as const);
export const byName = new Map(Object.entries({ red: 1 }));
export enum E { A = 1, B = 2 }
`,
        'fields.ts': "import { z } from 'zod';\nexport const fields = { c: z.number().optional() };\n",
        'package.json': '{ "type": "module" }',
      },
      'node --import tsx main.ts',
    );
    await expectNoMatter(project, () => project.edit(file, from, to));
  });

  it.each([
    ['a constant of a call', 'const y = set(1);', 'set(1)', 'set(2)'],
    ['a method on an array', '[1].map(set);', '[1]', '[2]'],
    ['the spread of an iterator', 'const y = [...numbers(1)];', 'numbers(1)', 'numbers(2)'],
    ['a static block', 'class C { static { set(1); } }', 'set(1)', 'set(2)'],
    ['a getter', 'const y = { get a() { return set(1); } }.a;', 'set(1)', 'set(2)'],
    ['a tagged template', 'const y = tag`1`;', '`1`', '`2`'],
    ['a conversion', 'const y = `${{ toString: () => set(1) }}`;', 'set(1)', 'set(2)'],
    ['a default of a pattern', 'const { y = set(1) } = {};', 'set(1)', 'set(2)'],
    ['a parsing schema', "const y = z.string().transform(() => set(1)).parse('');", 'set(1)', 'set(2)'],
  ])('counts %s whose value is not used', async (_, code, from, to) => {
    const project = await projectOf({
      'main.mjs': `import { z } from 'zod';
globalThis.x = 0;
function set(x) { globalThis.x = x; return x; }
function tag([text]) { return set(text); }
function* numbers(x) { set(x); yield x; }
void z;
${code}
const result = globalThis.x;${writing}`,
    });
    await expectCounts(project, () => project.edit('main.mjs', from, to), '2');
  });

  it('tells a swap of two imports', async () => {
    const project = await projectOf({
      'main.mjs': `import { a, b } from './index.mjs';\nconst result = \`\${a}\${b}\`;${writing}`,
      'index.mjs': "export { one as a, two as b } from './x.mjs';\n",
      'x.mjs': 'export const one = 1;\nexport const two = 2;\n',
    });
    await expectCounts(
      project,
      () => project.write('index.mjs', "export { two as a, one as b } from './x.mjs';\n"),
      '21',
    );
  });
});

describe('several scripts', () => {
  it('gives each the key that it has alone, whichever others share its modules', async () => {
    const scripts = ['a.mjs', 'b.mjs', 'c.mjs', 'd.cjs'];
    const stage = (script: string): string =>
      `  ${script[0]}:\n    cmd: node ${script} > \${outs.o}\n    outs: { o: ${script[0]}.txt }\n`;
    const project = await Project.create({
      'params.yaml': '{}\n',
      'pipeline.yaml': `stages:\n${scripts.map(stage).join('')}`,
      'a.mjs':
        "import { x, y } from './shared.mjs';\nimport d from './d.json' with { type: 'json' };\nconsole.log(x, y, d);\n",
      'b.mjs':
        "import { x } from './shared.mjs';\nimport { x as z } from './other.mjs';\nconsole.log(x, z);\n",
      'c.mjs':
        "import * as all from './other.mjs';\nimport d from './d.json' with { type: 'json' };\nconsole.log(all, d);\n",
      'd.cjs': "console.log(require('./d.json'));\n",
      'shared.mjs': 'export const x = 1;\nexport const y = 2;\n',
      'other.mjs': 'export const x = 3;\nexport const y = 4;\n',
      'd.json': '{ "n": 1 }',
    });
    expect((await run(project)).sort()).toEqual(['a', 'b', 'c', 'd']);
    const together = await project.read('pipeline.lock');
    for (const script of scripts) {
      await project.write('pipeline.yaml', `stages:\n${stage(script)}`);
      await project.remove('cache/memo');
      expect(await run(project)).toEqual([]);
    }
    await project.write('pipeline.yaml', `stages:\n${scripts.map(stage).join('')}`);
    expect(await run(project)).toEqual([]);
    expect(await project.read('pipeline.lock')).toBe(together);
  });
});

it('warns about a module that is loaded by a name that the code computes', async () => {
  const project = await projectOf({
    'main.mjs': `const { default: result } = await import(process.env.NAME ?? String('./x.mjs').trim());${writing}`,
    'x.mjs': 'export default 1;',
  });
  const { stdout, stderr } = await project.cli('repro');
  expect(stdout + stderr).toContain('`main.mjs`, which `s` runs, imports modules whose names it computes.');
});

it('does not warn about a package that is only found by a name that the code computes', async () => {
  const project = await projectOf({
    'main.mjs': `import { createRequire } from 'node:module';
const name = process.env.NAME ?? 'zo' + String('d').trim();
const result = createRequire(import.meta.url).resolve(\`\${name}/package.json\`);${writing}`,
  });
  const { stdout, stderr } = await project.cli('repro');
  expect(stdout + stderr).not.toContain('warning');
});
