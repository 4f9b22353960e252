// pipeline.lock has code that many stages run once, whatever branches do with it.

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { expect, it } from 'vitest';
import type { Fingerprint } from '../../engine/fingerprint/fingerprint.ts';
import { Entries, entryOf } from '../../engine/lock/entries.ts';
import { parseLock } from '../../engine/lock/read.ts';
import type { RunRecord } from '../../engine/store/run-records.ts';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';

const modules = Array.from({ length: 40 }, (_, i) => `module${i}`);
const importAll = modules.map((name) => `import { ${name} } from './lib/${name}.mjs';\n`).join('');
const sumAll = `console.log(process.argv[2], ${modules.join(' + ')});\n`;

/** A project with a stage for each of `items`, all of one script that imports 40 modules. */
function filesFor(items: readonly string[]): Record<string, string> {
  return {
    'pipeline.yaml': `stages:\n  show:\n    matrix: { item: [${items.join(', ')}] }\n    cmd: 'node show.mjs \${item} > \${outs.out}'\n    outs: { out: 'out/\${item}.txt' }\n`,
    'params.yaml': '',
    '.gitignore': 'cache/\nout/\nnode_modules\n',
    'show.mjs': importAll + sumAll,
    ...Object.fromEntries(modules.map((name, i) => [`lib/${name}.mjs`, `export const ${name} = ${i};\n`])),
  };
}

async function committed(project: Project): Promise<void> {
  git(project, 'init', '-q', '-b', 'main');
  await project.repro();
  git(project, 'add', '-A');
  git(project, 'commit', '-q', '-m', 'main');
}

/** Makes a branch from main, with an edit and what was made of it. */
async function branch(project: Project, name: string, edit: () => Promise<void>): Promise<void> {
  git(project, 'switch', '-q', '-c', name, 'main');
  await edit();
  await project.repro();
  git(project, 'add', '-A');
  git(project, 'commit', '-q', '-m', name);
}

/** Programs of a lock: the parts that name code. */
const programsOf = (lock: string): string[] => lock.match(/"part": "\w+",\n {2}"code"/g) ?? [];

interface Earlier {
  readonly stage: string;
  readonly key: string;
  readonly fingerprint: Fingerprint;
  readonly outs: Readonly<Record<string, object>>;
}

/** The blocks as earlier versions had them: with all hashes in full. */
async function earlierBlocks(project: Project): Promise<Earlier[]> {
  const { blocks } = parseLock(await project.read('pipeline.lock'));
  return Promise.all(
    [...blocks.values()].map(async ({ stage, key, outs }) => {
      const { fingerprint } = JSON.parse(await project.read(`cache/runs/${key}.json`)) as RunRecord;
      return { stage, key, fingerprint, outs };
    }),
  );
}

const lockOf = (values: readonly object[]): string =>
  `# lock\n\n${values.map((value) => `${JSON.stringify(value, null, 2)}\n`).join('\n')}`;

/** What the first version wrote: whole fingerprints. */
const inWholeBlocks = async (project: Project): Promise<string> => lockOf(await earlierBlocks(project));

/** What a later version wrote: code folder by folder, in parts that blocks share. */
async function inParts(project: Project): Promise<string> {
  const parts = new Map<string, Readonly<Record<string, string>>>();
  const blocks = (await earlierBlocks(project)).map(({ fingerprint, ...block }) => {
    const entries = Object.entries(fingerprint.code);
    const folders = new Set(entries.map(([path]) => posix.dirname(path)));
    const code = [...folders].map((folder) => {
      const part = Object.fromEntries(entries.filter(([path]) => posix.dirname(path) === folder));
      const name = createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
      parts.set(name, part);
      return name;
    });
    return { ...block, fingerprint: { ...fingerprint, code } };
  });
  return lockOf([...blocks, ...[...parts].map(([part, entries]) => ({ part, entries }))]);
}

it('grows by less than 500 bytes with a stage, however much code that runs', async () => {
  const few = await Project.create(filesFor(['a1', 'a2']));
  await few.repro();
  const many = await Project.create(filesFor(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']));
  await many.repro();
  const [small, large] = [await few.read('pipeline.lock'), await many.read('pipeline.lock')];
  expect(large.length - small.length).toBeLessThan(4 * 500);
  for (const lock of [small, large]) {
    expect(lock.split('"module7.mjs"')).toHaveLength(2);
    expect(programsOf(lock)).toHaveLength(1);
  }
});

it('has a file or a package once, and a few bytes for each stage that uses it, as in a study of many scripts', async () => {
  const count = 80;
  const packages = Array.from({ length: count }, (_, i) => `package-number-${i}`);
  const version = (i: number): string => `1.${i}.0`;
  const scripts = Array.from({ length: 10 }, (_, i) => `stage${i}`);
  const files: Record<string, string> = {
    'pipeline.yaml': `stages:\n${scripts
      .map(
        (name) => `  ${name}:
    matrix: { batch: [32, 64, 128] }
    cmd: 'node ${name}.mjs > \${outs.out}'
    outs: { out: 'out/${name}-\${batch}.txt' }
`,
      )
      .join('')}`,
    'params.yaml': '',
    'package-lock.json': JSON.stringify({
      packages: Object.fromEntries(
        packages.map((name, i) => [
          `node_modules/${name}`,
          // The first needs the second, that the third …
          { version: version(i), dependencies: i + 1 < count ? { [packages[i + 1]!]: '*' } : {} },
        ]),
      ),
    }),
  };
  for (const [i, name] of packages.entries()) {
    files[`node_modules/${name}/package.json`] = JSON.stringify({
      name,
      version: version(i),
      main: 'main.js',
    });
    files[`node_modules/${name}/main.js`] = '';
  }
  for (const name of modules) files[`lib/${name}.mjs`] = `export const ${name} = 1;\n`;
  for (const [i, name] of scripts.entries()) {
    const used = modules.slice(i); // another closure for each script, most of it in common
    const imports = used.map((module) => `import { ${module} } from './lib/${module}.mjs';\n`).join('');
    files[`${name}.mjs`] = `import '${packages[i]}';\n${imports}console.log(${used.join(' + ')});\n`;
  }
  const project = await Project.create({});
  await project.remove('node_modules');
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  expect((await project.repro()).summary.executed).toHaveLength(30);
  const lock = await project.read('pipeline.lock');
  for (const name of ['"module30.mjs"', 'package-number-40@1.40.0']) expect(lock.split(name)).toHaveLength(2);
  // 30 blocks, 10 programs of about 120 entries, 50 files and 80 packages
  expect(lock.length).toBeLessThan(30 * 350 + 10 * 550 + 50 * 60 + count * 30);
  await project.edit('package-lock.json', '"version":"1.79.0"', '"version":"1.79.1"');
  expect((await project.cli('status', 'stage9')).stdout).toContain(
    'stage9:32 would run (package-number-79 1.79.0 → 1.79.1)',
  );
  await project.edit('package-lock.json', '"version":"1.79.1"', '"version":"1.79.0"');
  await project.edit('lib/module39.mjs', '= 1', '= 2');
  expect((await project.cli('status', 'stage9')).stdout).toContain(
    'stage9:32 would run (lib/module39.mjs changed)',
  );
});

it('still names the file of code that changed, and what it was made of leaves the lock', async () => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const before = await project.read('pipeline.lock');
  await project.edit('lib/module7.mjs', '= 7', '= 8');
  expect((await project.cli('status')).stdout).toContain('▶ show:a would run (lib/module7.mjs changed)');
  await project.repro();
  const after = await project.read('pipeline.lock');
  expect(programsOf(after)).toHaveLength(1);
  expect(programsOf(after)).not.toEqual(programsOf(before));
  const lines = (lock: string): string[] => lock.split('\n').filter((line) => line.includes('.mjs": "'));
  const others = lines(after).filter((line) => !lines(before).includes(line));
  expect(others).toEqual([expect.stringContaining('"module7.mjs"')]);
});

it.each([
  { version: 'the first version', write: inWholeBlocks },
  { version: 'a version that shared code by folder', write: inParts },
])('reads what $version wrote, and writes the present form with the next change', async ({ write }) => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const lock = await project.read('pipeline.lock');
  const old = await write(project);
  expect(old.length).toBeGreaterThan(lock.length);
  await project.write('pipeline.lock', old);
  expect((await project.repro()).summary.fresh).toEqual(['show:a', 'show:b']);
  await project.edit('lib/module7.mjs', '= 7', '= 8');
  expect((await project.cli('status')).stdout).toContain('▶ show:a would run (lib/module7.mjs changed)');
  await project.edit('lib/module7.mjs', '= 8', '= 7');
  await project.remove('out/a.txt');
  expect((await project.repro()).summary).toMatchObject({ restored: ['show:a'], fresh: ['show:b'] });
  expect(await project.read('pipeline.lock')).toBe(lock);
});

it('tells entries that begin alike apart by the hash of the whole', () => {
  const all = Array.from({ length: 5000 }, (_, i) => entryOf('code', `src/${i}.ts`, 'hash'));
  const entries = new Entries();
  for (const entry of all) entries.add(entry);
  for (const few of [all.slice(0, 20), all.slice(1000, 1500), all]) {
    const list = entries.write(few);
    const readings = [...entries.read('code', list)];
    expect(readings).toContainEqual(few);
    expect(readings.length).toBeLessThanOrEqual(64);
  }
});

it('leaves the contents of dependencies to the block of the stage that made them, and does without it', async () => {
  const project = await Project.create({
    'pipeline.yaml': `stages:
  make: { cmd: 'cp \${deps.in} \${outs.made}', deps: { in: in.txt }, outs: { made: made.txt } }
  read: { cmd: 'cat \${deps.made} > \${outs.o}', deps: { made: made.txt }, outs: { o: o.txt } }
`,
    'in.txt': 'one\n',
  });
  await project.repro();
  const lock = await project.read('pipeline.lock');
  expect(lock).toContain('"deps": { "made": "made.txt" }');
  await project.edit('in.txt', 'one', 'two');
  await project.repro('make');
  const { stdout } = await project.cli('status');
  expect(stdout).toContain('▶ read would run (made.txt changed)');
  expect(await project.read('pipeline.lock')).not.toContain('"deps": { "made": "made.txt" }');
  await project.edit('in.txt', 'two', 'one');
  expect((await project.repro()).summary).toMatchObject({
    executed: [],
    restored: ['make'],
    fresh: ['read'],
  });
  expect(await project.read('pipeline.lock')).toBe(lock);
  // Of a block in a conflict nothing is known; the one that reads its output has its key.
  const [, maker] = lock.split('\n\n');
  await project.write(
    'pipeline.lock',
    lock.replace(maker!, `<<<<<<< ours\n${maker}\n=======\n>>>>>>> theirs`),
  );
  expect((await project.repro()).summary).toMatchObject({
    executed: [],
    restored: ['make'],
    fresh: ['read'],
  });
  expect(await project.read('pipeline.lock')).toBe(lock);
});

it('merges branches that add parts', async () => {
  const project = await Project.create(filesFor(['a']));
  await committed(project);
  const stage = (name: string): string =>
    `  ${name}:\n    cmd: 'node ${name}.mjs > \${outs.out}'\n    outs: { out: 'out/${name}.txt' }\n`;
  const add = (name: string, from: readonly string[]) => async () => {
    const imports = from.map((module) => `import { ${module} } from './lib/${module}.mjs';\n`).join('');
    await project.write(`${name}.mjs`, `${imports}console.log(${from.join(' * ')});\n`);
    const pipeline = await project.read('pipeline.yaml');
    const placed =
      name < 'show' ? pipeline.replace('stages:\n', `stages:\n${stage(name)}`) : `${pipeline}${stage(name)}`;
    await project.write('pipeline.yaml', placed);
  };
  await branch(project, 'left', add('left', ['module1', 'module2', 'module3']));
  await branch(project, 'times', add('times', ['module1', 'module2', 'module3']));
  git(project, 'merge', '-q', '-m', 'both', 'left');
  const status = await project.cli('status');
  expect(status.stdout).toBe(
    '↺ left would be restored (out/left.txt is missing)\n1 would be restored, 2 fresh\n',
  );
  await project.repro();
  expect(git(project, 'status', '--porcelain')).toBe('');
});

it('takes a damaged part for no part: the stages that name it are rebuilt, without executing', async () => {
  const project = await Project.create({
    ...filesFor(['a', 'b']),
    'other.mjs': "import { module1 } from './lib/module1.mjs';\nconsole.log(module1);\n",
  });
  await project.edit(
    'pipeline.yaml',
    'stages:\n',
    "stages:\n  other:\n    cmd: 'node other.mjs > ${outs.out}'\n    outs: { out: out/other.txt }\n",
  );
  await project.repro();
  const lock = await project.read('pipeline.lock');
  for (const damage of [
    (text: string) => text.replace(/("module7.mjs": ")\w/, '$1x'),
    (text: string) => text.replace(/"module7.mjs": .*\n/, ''),
    (text: string) => text.replace(/("code": "3:...)\w/, '$1x'),
    (text: string) => text.replace('"module7.mjs"', '<<<<<<< ours\n"module7.mjs"'),
  ]) {
    const damaged = damage(lock);
    expect(damaged).not.toBe(lock);
    await project.write('pipeline.lock', damaged);
    const { executed, restored } = (await project.repro()).summary;
    expect(executed).toEqual([]);
    expect(restored.length).toBeGreaterThan(0);
    expect(await project.read('pipeline.lock')).toBe(lock);
  }
});

it.each([
  { what: 'a program', from: '\n{\n  "part"', to: '\n{\n  "stage": "show:b"' },
  { what: 'a table', from: '\n# What the programs', to: '' },
])('takes $what from either side of a conflict', async ({ from, to }) => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const lock = await project.read('pipeline.lock');
  const start = lock.indexOf(from);
  const end = to === '' ? lock.length : lock.indexOf(to);
  const [before, part, after] = [lock.slice(0, start), lock.slice(start, end), lock.slice(end)];
  expect(part).not.toBe('');
  for (const conflict of [
    `<<<<<<< ours\n=======\n${part}>>>>>>> theirs\n`,
    `<<<<<<< ours\n${part}=======\n>>>>>>> theirs\n`,
  ]) {
    await project.write('pipeline.lock', before + conflict + after);
    expect((await project.repro()).summary.fresh).toEqual(['show:a', 'show:b']);
    expect(await project.read('pipeline.lock')).toBe(lock);
  }
});
