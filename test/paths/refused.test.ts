// What the file system refuses, and names that are no text: each verb says in a sentence which path it is and what to do.
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const make = {
  'pipeline.yaml': "stages: { m: { cmd: 'echo 1 > ${outs.o}', outs: { o: a/b.txt } } }\n",
  'params.yaml': '',
};

/** No text of the system's or of Node's. */
const raw = /\bE[A-Z]{4,}\b|node:internal|\n {4}at /;

async function eachVerb(project: Project, verbs: readonly string[], sentence: string): Promise<void> {
  for (const verb of verbs) {
    const { exitCode, stdout, stderr } = await project.cli(...verb.split(' '));
    expect(stdout, verb).toContain(sentence);
    expect(stdout + stderr, verb).not.toMatch(raw);
    if (verb !== 'why m') expect(exitCode, verb).not.toBe(0);
  }
}

describe('a file in the place of a folder', () => {
  it('on the way to an output stays, and is named by each verb', async () => {
    const project = await Project.create(make);
    await project.repro();
    await project.remove('a');
    await project.write('a', 'mine\n');
    await eachVerb(project, ['status', 'repro', 'why m'], '`a` exists, but no run made it');
    await eachVerb(
      project,
      ['checkout', 'checkout --force'],
      'The output `a/b.txt` needs the folder `a`, but that is a file. Move it away, or give the output another path.',
    );
    expect(await project.read('a')).toBe('mine\n');
    await project.remove('a');
    expect((await project.repro()).summary.restored).toEqual(['m']);
  });

  it.each(['cache', 'cache/runs', 'cache/objects', 'cache/logs'])('is named: %s', async (path) => {
    const project = await Project.create({ ...make, [path]: 'mine\n' });
    const { exitCode, stdout, stderr } = await project.cli('repro');
    expect(stdout).toContain(`${path} is a file, but must be a folder. Move it away and run it again.`);
    expect(stdout + stderr).not.toMatch(raw);
    expect(exitCode).toBe(1);
  });
});

describe('a folder in the place of a file', () => {
  it.each([
    ['pipeline.lock', 'pipeline.lock is a folder, but must be a file. Move it away and run it again.'],
    ['params.yaml', 'params.yaml: It is a folder, not a file.'],
    ['pipeline.yaml', 'pipeline.yaml: It is a folder, not a file.'],
  ])('is named: %s', async (path, sentence) => {
    const project = await Project.create(make);
    rmSync(project.path(path), { force: true });
    mkdirSync(project.path(path));
    await eachVerb(project, ['status', 'repro'], sentence);
  });
});

it('an output that is a link to itself is made again', async () => {
  const project = await Project.create(make);
  await project.repro();
  await project.remove('a/b.txt');
  symlinkSync('b.txt', project.path('a/b.txt'));
  expect((await project.cli('status')).stdout).toContain('a/b.txt is missing');
  expect((await project.repro()).summary.restored).toEqual(['m']);
  expect(await project.read('a/b.txt')).toBe('1\n');
});

it('a name that is too long for the file system is refused before anything starts', async () => {
  const name = 'ä'.repeat(200);
  const project = await Project.create({
    ...make,
    'pipeline.yaml': make['pipeline.yaml'].replace('a/b.txt', name),
  });
  await eachVerb(
    project,
    ['status', 'repro'],
    `The path \`${name}\` has a name of 400 bytes; file systems allow 255.`,
  );
});

describe('a name that is not UTF-8', () => {
  /** `PREFIX/caf\xe9.txt` in Latin-1. */
  const latin1 = (project: Project, folder: string): Buffer =>
    Buffer.concat([Buffer.from(`${project.path(folder)}/caf`), Buffer.from([0xe9]), Buffer.from('.txt')]);
  const shown = (folder: string): string =>
    `\`${folder}/caf\\xe9.txt\` has a name that is not UTF-8. Rename it; in bash: mv $'${folder}/caf\\xe9.txt' NEW-NAME`;

  it('in a dependency is shown, and the stage runs once it is renamed', async () => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml':
        "stages: { m: { cmd: 'ls ${deps.i} > ${outs.o}', deps: { i: in }, outs: { o: o.txt } } }\n",
      'in/deep/ok.txt': '',
    });
    writeFileSync(latin1(project, 'in/deep'), '');
    await eachVerb(project, ['status', 'repro', 'why m'], shown('in/deep'));
    rmSync(latin1(project, 'in/deep'));
    expect((await project.repro()).summary.executed).toEqual(['m']);
  });

  it.each(['in/*.txt', 'in/**/*.txt'])('is not passed over by the glob %s', async (glob) => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml': `stages: { m: { cmd: 'ls \${lists.i} > \${outs.o}', deps: { i: ${glob} }, outs: { o: o.txt } } }\n`,
      'in/ok.txt': '',
    });
    writeFileSync(latin1(project, 'in'), '');
    await eachVerb(project, ['status', 'repro', 'why m'], `\`m\` depends on \`${glob}\`. ${shown('in')}`);
  });

  it('in an output fails the stage by the name of its place, and leaves nothing behind', async () => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml':
        'stages: { m: { cmd: "mkdir ${outs.o} && touch ${outs.o}/$(printf \'caf\\\\351\')", outs: { o: b } } }\n',
    });
    await eachVerb(
      project,
      ['repro', 'repro'],
      "Its command made an output that can't be kept: `b/caf\\xe9` has a name that is not UTF-8. It must write names in UTF-8.",
    );
    expect((await project.cli('log', 'm', '--runs')).stdout).not.toContain('lost');
    expect(readdirSync(project.path('cache'))).not.toContain('tmp');
  });

  it('that somebody put into an output is shown by each verb', async () => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml': "stages: { m: { cmd: 'mkdir ${outs.o} && touch ${outs.o}/a', outs: { o: b } } }\n",
    });
    await project.repro();
    writeFileSync(latin1(project, 'b'), '');
    await eachVerb(project, ['status', 'repro', 'why m', 'checkout --force', 'commit m'], shown('b'));
  });

  it('that a link in an output leads to is not changed', async () => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml':
        'stages: { m: { cmd: "mkdir ${outs.o} && ln -s $(printf \'caf\\\\351\') ${outs.o}/l", outs: { o: b } } }\n',
    });
    await eachVerb(
      project,
      ['repro'],
      "Its command made an output that can't be kept: `b/l` is a symbolic link to `caf\\xe9`, a name that is not UTF-8. It must write names in UTF-8.",
    );
  });

  it('is told from one that has the replacement character in it', async () => {
    const project = await Project.create({
      ...make,
      'pipeline.yaml':
        "stages: { m: { cmd: 'cp -R ${deps.i} ${outs.o}', deps: { i: in }, outs: { o: out } } }\n",
      'in/caf\uFFFD.txt': 'text\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['m']);
    expect(readFileSync(project.path('out/caf\uFFFD.txt'), 'utf8')).toBe('text\n');
  });
});

it('an output may become a folder of outputs, and a folder an output', async () => {
  const project = await Project.create({
    ...make,
    'pipeline.yaml': make['pipeline.yaml'].replace('a/b.txt', 'a'),
  });
  await project.repro();
  await project.write('pipeline.yaml', make['pipeline.yaml']);
  expect((await project.cli('status')).stdout).toContain('m would run');
  expect((await project.repro()).summary.executed).toEqual(['m']);
  expect(await project.read('a/b.txt')).toBe('1\n');
  await project.write('pipeline.yaml', make['pipeline.yaml'].replace('a/b.txt', 'a'));
  expect((await project.repro()).summary).toMatchObject({ failed: [] });
  expect(await project.read('a')).toBe('1\n');
});
