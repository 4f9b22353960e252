// Commands that name outputs by their path: another stage's must be a dependency, and their own is written by template.
import { existsSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

/** Two stages: `make` makes made.txt, a folder and parts; `read` has the given fields and makes o.txt. */
const withReader = async (fields: string): Promise<Project> => {
  const project = await Project.create({
    'pipeline.yaml': `stages:
  make:
    cmd: echo \${text} > \${outs.made} && mkdir \${outs.data} && cp \${outs.made} \${outs.data}/f.txt && cp \${outs.made} \${outs.part}
    outs: { made: made.txt, data: sub/data, part: parts/one.csv }
  read:
    ${fields.replaceAll('\n', '\n    ')}
    outs: { o: o.txt }
`,
    'params.yaml': 'text: one\n',
    'sub/x.txt': 'x\n',
  });
  symlinkSync('made.txt', project.path('latest.txt'));
  symlinkSync('sub', project.path('alias'));
  await project.edit('pipeline.yaml', 'ROOT', project.root).catch(() => undefined);
  return project;
};

describe('an output of another stage that a command names without a dependency is refused', () => {
  it.each([
    ['cmd: cat made.txt > ${outs.o}', 'made.txt'],
    ['cmd: cat ./made.txt > ${outs.o}', 'made.txt'],
    ['cmd: cat ROOT/made.txt > ${outs.o}', 'made.txt'],
    ["cmd: cat 'made.txt' > ${outs.o}", 'made.txt'],
    ['cmd: cat latest.txt > ${outs.o}', 'made.txt'],
    ['cmd: sort < made.txt > ${outs.o}', 'made.txt'],
    ['cmd: tool --in=made.txt > ${outs.o}', 'made.txt'],
    ['cmd: sh -c "cat made.txt" > ${outs.o}', 'made.txt'],
    ['cmd: \'python3 -c "print(open(\\"made.txt\\").read())" > ${outs.o}\'', 'made.txt'],
    ['cmd: echo $(cat made.txt) > ${outs.o}', 'made.txt'],
    ['cmd: [echo 1, "cat made.txt > ${outs.o}"]', 'made.txt'],
    ['cmd: cd sub && cat ../made.txt > ${outs.o}', 'made.txt'],
    ['cmd: cat sub/data/f.txt > ${outs.o}', 'sub/data/f.txt'],
    ['cmd: cat sub//data/ > ${outs.o}', 'sub/data'],
    ['cmd: cat alias/data/f.txt > ${outs.o}', 'sub/data/f.txt'],
    ['cmd: cd sub && ls data > ${outs.o}', 'sub/data'],
    ['cmd: cat parts/*.csv > ${outs.o}', 'parts/one.csv'],
    ['cmd: python3 join.py parts > ${outs.o}', 'parts'],
    // A dependency on something else of the same stage is not enough.
    ['cmd: cat ${deps.made} parts/one.csv > ${outs.o}\ndeps: { made: made.txt }', 'parts/one.csv'],
  ])('%s', async (fields, path) => {
    const project = await withReader(fields);
    for (const verb of ['status', 'repro']) {
      const { exitCode, stdout } = await project.cli(verb);
      expect(stdout).toContain(`The command of \`read\` names \`${path}\`, `);
      expect(stdout).toContain(
        `Add \`${path}\` to \`deps\` of \`read\`, so that it waits for \`make\` and runs again when that changes.`,
      );
      expect(exitCode).toBe(2);
    }
    expect(existsSync(project.path('made.txt'))).toBe(false);
  });

  it('in a wdir', async () => {
    const project = await withReader('wdir: sub\ncmd: cat data/f.txt > ${outs.o}');
    expect((await project.cli('repro')).stdout).toContain('The command of `read` names `sub/data/f.txt`, ');
  });

  it('and so is one that it writes', async () => {
    const project = await withReader('cmd: echo 1 > ${outs.o} && echo 2 > made.txt');
    const { exitCode, stdout } = await project.cli('repro');
    expect(stdout).toContain('The command of `read` writes to `made.txt`, an output of `make`.');
    expect(exitCode).toBe(2);
  });
});

describe('no mistake is', () => {
  it.each([
    'cmd: cat ${deps.made} > ${outs.o}\ndeps: { made: made.txt }',
    'cmd: cat made.txt > ${outs.o}\ndeps: [./made.txt]',
    'cmd: cat latest.txt > ${outs.o}\ndeps: [latest.txt]',
    'cmd: cd sub/data && cat f.txt > ${outs.o}\ndeps: [sub/data/f.txt]',
    'cmd: cat sub/data/f.txt > ${outs.o}\ndeps: [sub/data/]',
    'cmd: cat parts/*.csv > ${outs.o}\ndeps: { p: "parts/*.csv" }',
    'cmd: cat parts/*.csv > ${outs.o}\ndeps: { p: "${stages.make.part}" }',
    // Longer words, and other words.
    'cmd: echo unmade.txt made.txt.bak xmade.txt made > ${outs.o}',
    'cmd: echo x > ${outs.o} # made.txt',
  ])('%s', async (fields) => {
    const project = await withReader(fields);
    expect((await project.repro()).summary.failed).toEqual([]);
    expect((await project.repro()).summary.fresh).toEqual(['make', 'read']);
  });

  it('the name of a program that is also that of an output', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:
  make: { cmd: 'echo 1 > \${outs.o}', outs: { o: cat } }
  read: { cmd: 'cat \${deps.i} > \${outs.o}', deps: { i: in.txt }, outs: { o: o.txt } }
`,
      'params.yaml': '',
      'in.txt': 'in\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect((await project.repro()).summary.fresh).toEqual(['make', 'read']);
  });
});

describe('a command that writes to the path of its own output is told what to write instead', () => {
  it.each([
    ['cp in.txt out.txt', 'outs: [out.txt]', '${outs.out.txt}'],
    ['cat in.txt > out.txt', 'outs: { o: ./out.txt }', '${outs.o}'],
    ['python3 make.py in.txt out.txt', 'outs: { o: out.txt }', '${outs.o}'],
    ['python3 make.py --out=./out.txt', 'outs: { o: out.txt }', '${outs.o}'],
    ['mkdir -p out.txt && cp in.txt out.txt/a.txt', 'outs: { o: out.txt/ }', '${outs.o}'],
  ])('%s', async (cmd, outs, template) => {
    const project = await Project.create({
      'pipeline.yaml': `stages: { prep: { cmd: '${cmd}', deps: [in.txt], ${outs} } }\n`,
      'params.yaml': '',
      'in.txt': 'in\n',
      'make.py': 'import shutil, sys\nshutil.copy("in.txt", sys.argv[-1].split("=")[-1])\n',
    });
    for (let run = 0; run < 2; run++) {
      const { exitCode, stdout } = await project.cli('repro');
      expect(stdout).toContain('The command of `prep` names its own output `out.txt` by its path.');
      expect(stdout).toContain(
        `If the command makes it, write \`${template}\` in its place: the engine puts what is made there to \`out.txt\`.`,
      );
      expect(exitCode).toBe(2);
    }
    expect(existsSync(project.path('out.txt'))).toBe(false);
  });

  it('and one that also has the template may read its last result', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        "stages: { add: { cmd: 'if [ -e out.txt ]; then cat out.txt; fi > ${outs.o}; cat in.txt >> ${outs.o}', deps: [in.txt], outs: { o: out.txt } } }\n",
      'params.yaml': '',
      'in.txt': 'in\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['add']);
    expect((await project.repro()).summary.fresh).toEqual(['add']);
  });
});
