// pipeline.lock has code that many stages run once, whatever branches do with it.
import { expect, it } from 'vitest';
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

const partsOf = (lock: string): string[] => lock.match(/"part": "\w+"/g) ?? [];

/** Undoes the sharing: what an earlier version wrote. */
function inOneBlockEach(lock: string): string {
  const values = lock
    .split('\n\n')
    .slice(1)
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  const entries = new Map(values.filter(({ part }) => part).map(({ part, entries }) => [part, entries]));
  const joined = (names: unknown): unknown =>
    Array.isArray(names) ? Object.assign({}, ...names.map((name) => entries.get(name))) : names;
  const blocks = values.filter(({ stage }) => stage) as { fingerprint: Record<string, unknown> }[];
  const whole = blocks.map((block) => {
    const { code, packages } = block.fingerprint;
    const fingerprint = { ...block.fingerprint, code: joined(code), packages: joined(packages) };
    return `${JSON.stringify({ ...block, fingerprint }, null, 2)}\n`;
  });
  return `# lock\n\n${whole.join('\n')}`;
}

it('grows by less than 800 bytes with a stage, however much code that runs', async () => {
  const few = await Project.create(filesFor(['a1', 'a2']));
  await few.repro();
  const many = await Project.create(filesFor(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']));
  await many.repro();
  const [small, large] = [await few.read('pipeline.lock'), await many.read('pipeline.lock')];
  expect(large.length - small.length).toBeLessThan(4 * 800);
  for (const lock of [small, large]) {
    expect(lock.split('"lib/module7.mjs"')).toHaveLength(2);
    expect(partsOf(lock)).toHaveLength(2);
  }
});

it('still names the file of code that changed, and what it was made of leaves the lock', async () => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const before = partsOf(await project.read('pipeline.lock'));
  await project.edit('lib/module7.mjs', '= 7', '= 8');
  expect((await project.cli('status')).stdout).toContain('▶ show:a would run (lib/module7.mjs changed)');
  await project.repro();
  const after = partsOf(await project.read('pipeline.lock'));
  expect(after).toHaveLength(2);
  expect(after.filter((part) => before.includes(part))).toHaveLength(1); // the part of the script's own folder
});

it('reads blocks that have all of their code, and writes shared parts with the next change', async () => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const lock = await project.read('pipeline.lock');
  const old = inOneBlockEach(lock);
  expect(old.split('"lib/module7.mjs"')).toHaveLength(3);
  await project.write('pipeline.lock', old);
  expect((await project.repro()).summary.fresh).toEqual(['show:a', 'show:b']);
  await project.remove('out/a.txt');
  expect((await project.repro()).summary).toMatchObject({ restored: ['show:a'], fresh: ['show:b'] });
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

it('takes a damaged part for no part: only the stages that name it are rebuilt, without executing', async () => {
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
    (text: string) => text.replace(/("lib\/module7.mjs": ")\w/, '$1x'),
    (text: string) => text.replace('"lib/module7.mjs"', '<<<<<<< ours\n"lib/module7.mjs"'),
    (text: string) =>
      text.replace(/\n\{\n {2}"part": "\w+",\n {2}"entries": \{\n {4}"lib\/module0.mjs"[^}]*\}\n\}\n/, ''),
  ]) {
    const damaged = damage(lock);
    expect(damaged).not.toBe(lock);
    await project.write('pipeline.lock', damaged);
    expect((await project.repro()).summary).toMatchObject({
      executed: [],
      restored: ['show:a', 'show:b'],
      fresh: ['other'],
    });
    expect(await project.read('pipeline.lock')).toBe(lock);
  }
});

it('takes a part from either side of a conflict', async () => {
  const project = await Project.create(filesFor(['a', 'b']));
  await project.repro();
  const lock = await project.read('pipeline.lock');
  const at = lock.indexOf('\n{\n  "part"');
  const parts = lock.slice(at);
  for (const conflict of [
    `<<<<<<< ours\n=======\n${parts}>>>>>>> theirs\n`,
    `<<<<<<< ours\n${parts}=======\n>>>>>>> theirs\n`,
  ]) {
    await project.write('pipeline.lock', lock.slice(0, at) + conflict);
    expect((await project.repro()).summary.fresh).toEqual(['show:a', 'show:b']);
    expect(await project.read('pipeline.lock')).toBe(lock);
  }
});
