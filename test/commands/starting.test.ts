// Commands that are long or can't be started: lists of thousands of paths, and what a failed start says.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

/** A project whose stage reads so many files through a glob. */
async function withFiles(count: number, cmd: string, more = ''): Promise<Project> {
  const names = Array.from(
    { length: count },
    (_, i) => `in/a-rather-long-name-of-a-file-${i}-${'x'.repeat(30)}.txt`,
  );
  const files = Object.fromEntries(names.map((name, i) => [name, `${i}\n`]));
  return Project.create({
    'pipeline.yaml': `${more}
stages:
  a:
    cmd: |
      ${cmd.replaceAll('\n', '\n      ')}
    deps: { in: in/*.txt }
    outs: { o: o.txt }
`,
    'params.yaml': '',
    ...files,
  });
}

const lines = (project: Project): number =>
  readFileSync(project.path('o.txt'), 'utf8').split('\n').length - 1;

describe('a list of 2,500 files', () => {
  it.each([
    ['a program of the shell', 'cat ${lists.in} > ${outs.o}', ''],
    ['the shell itself', 'for f in ${lists.in}; do echo "$f"; done > ${outs.o}', ''],
    ['a chosen shell', 'cat ${lists.in} > ${outs.o}', 'shell: sh -eu'],
    ['a reader of its file', "xargs -d '\\n' cat < ${listfiles.in} > ${outs.o}", ''],
  ])('reaches %s', async (_, cmd, more) => {
    const project = await withFiles(2_500, cmd, more);
    const { events, summary } = await project.repro();
    expect(summary.executed).toEqual(['a']);
    expect(lines(project)).toBe(2_500);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
    expect((await project.repro()).summary.fresh).toEqual(['a']);
  });

  it('fails where a long command fails', async () => {
    const project = await withFiles(2_500, 'cat ${lists.in} nosuchfile | sort > ${outs.o}');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✖ a failed. Its command ended with exit code 1.\n');
    expect(stdout).toContain('nosuchfile');
  });
});

it('a list that is too long for a program says how to pass it in a file', async () => {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  a: { cmd: '/bin/echo \${lists.in} > \${outs.o}', deps: { in: '*/f' }, outs: { o: o.txt } }
`,
    'params.yaml': '',
  });
  const folder = (i: number): string => `${i}-${'x'.repeat(240)}/f`;
  for (let i = 0; i < 9_000; i++) await project.write(folder(i), '');
  const { stdout } = await project.cli('repro');
  expect(stdout).toContain(
    '✖ a failed. Its command ended with exit code 126. A program got more paths than the system allows as arguments. Give it a file that holds them, one a line, instead of `${lists.NAME}`: `${listfiles.NAME}`.',
  );
  await project.edit('pipeline.yaml', '/bin/echo ${lists.in}', 'wc -l < ${listfiles.in}');
  await project.repro();
  expect(Number(await project.read('o.txt'))).toBe(9_000);
});

describe('${listfiles.NAME}', () => {
  it('is a file for one path and for none, too', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  a:
    cmd: 'cat \${listfiles.one} \${listfiles.none} > \${outs.o}'
    deps: { one: "a name.txt", none: '\${extra}' }
    outs: { o: o.txt }
`,
      'params.yaml': 'extra: null\n',
      'a name.txt': '',
    });
    await project.repro();
    expect(await project.read('o.txt')).toBe(`${project.path('a name.txt')}\n`);
  });

  it('refuses a path with a line break, and a name that is not there', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        'stages: { a: { cmd: "cat ${listfiles.in} > ${outs.o}", deps: { in: "*.txt" }, outs: { o: o } } }\n',
      'params.yaml': '',
      'a\nb.txt': '',
    });
    expect((await project.cli('repro')).stdout).toContain(
      '✖ a failed. `${listfiles.in}` has one path a line, but a path has a line break in its name. Rename it, or read `lists` in the JSON file that RODADA_STAGE names.',
    );
    await project.edit('pipeline.yaml', 'listfiles.in', 'listfiles.inn');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('`a` has no dependency `inn`.');
  });
});

describe('a command that can not be started', () => {
  it('says that its environment is too long, and so does its log', async () => {
    const project = await Project.create({
      'pipeline.yaml': "environment: { big: big.mjs }\nstages: { a: { cmd: 'true', env: [big] } }\n",
      'params.yaml': '',
      'big.mjs': "export default async () => 'x'.repeat(200_000);\n",
    });
    const said =
      'Its command could not be started: the environment variables are too long for the system. Unset large ones (`env | wc -c` counts).';
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`✖ a failed. ${said}\n`);
    const { events } = await project.repro();
    expect(events).toContainEqual(
      expect.objectContaining({ failure: expect.objectContaining({ exitCode: null, message: said }) }),
    );
    const log = (await project.cli('log', 'a')).stdout;
    expect(log).toMatch(/^a #1: failed \(not started\), started/);
    expect(log).toContain(`\n  ${said}\n`);
  });

  it('says that its folder is gone', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  first: { cmd: 'rm -r sub; echo > \${outs.o}', outs: { o: o.txt } }
  a: { cmd: 'true', wdir: sub, deps: [../o.txt] }
`,
      'params.yaml': '',
      'sub/x': '',
    });
    expect((await project.cli('repro')).stdout).toContain(
      `✖ a failed. Its command could not be started: its folder \`${project.path('sub')}\` does not exist any more.\n`,
    );
  });
});

it('a run whose result can not be kept is on record as failed', async () => {
  const project = await Project.create({
    'pipeline.yaml':
      "stages: { a: { cmd: 'echo hi; rm -rf cache/objects; echo > cache/objects; echo > ${outs.o}', outs: { o: o.txt } } }\n",
    'params.yaml': '',
  });
  expect((await project.cli('repro')).exitCode).toBe(1);
  expect((await project.cli('log', 'a')).stdout).toMatch(
    /^a #1: failed \(exit code 0\), started .*\n {2}.*\nhi\n$/,
  );
});
