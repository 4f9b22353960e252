// Who knows DVC, or another tool, gets our word for each field, file, target, command and option of theirs.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dvcOptions, dvcVerbs, foreignVerb } from '../../engine/commands/foreign-verbs.ts';
import { dvcFields } from '../../engine/config/dvc-words.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const guide = readFileSync(join(projectRoot, 'docs/from-dvc.md'), 'utf8');

/** Whether the guide has the word, marked as code. */
const isExplained = (word: string): boolean =>
  new RegExp(`^\\|.*\`[^\`|]*(?<![\\w-])${word}(?![\\w-])`, 'm').test(guide);

/** What `status` says of a pipeline.yaml, from the line below the caret on, by the entry that it names. */
async function answers(pipeline: string, others: Record<string, string> = {}): Promise<string> {
  const project = await Project.create({ 'pipeline.yaml': pipeline, ...others });
  const { exitCode, stdout } = await project.cli('status');
  expect(exitCode).toBe(2);
  return stdout;
}

describe('a field of DVC', () => {
  it('`foreach` and `do` are `matrix`, and the command is not missing', async () => {
    const said = await answers(`
stages:
  train:
    foreach: [cnn1, cnn2]
    do:
      cmd: echo \${item} > \${outs.out}
      outs: [out]
`);
    expect(said).toContain('pipeline.yaml:4:5 error: Unknown field `stages.train.foreach`.');
    expect(said).toContain('\n`foreach` is `matrix` here: `matrix: { item: [a, b] }`; then `${item}` in');
    expect(said).toContain(
      '\nThere is no `do` here: its fields belong to the stage itself, beside `matrix`.\n',
    );
    expect(said).not.toContain('Missing');
  });

  it('what the answer to `foreach` says works', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  one: { matrix: { item: [a, b] }, cmd: 'echo \${item} > \${outs.o}', outs: { o: 'one/\${item}' } }
  two: { matrix: { item: { a: { n: 1 } } }, cmd: 'echo \${item} \${item.n} > \${outs.o}', outs: { o: 'two/\${item}' } }
`,
    });
    expect((await project.repro()).exitCode).toBe(0);
    expect([await project.read('one/b'), await project.read('two/a')]).toEqual(['b\n', 'a 1\n']);
  });

  it('at the top, of a stage and of an out, each gets its answer and no guess', async () => {
    const entry = (place: keyof typeof dvcFields, indent: string): string =>
      Object.keys(dvcFields[place])
        .map((name) => `${indent}${name}: 1\n`)
        .join('');
    const said = await answers(
      `${entry('pipeline', '')}stages:\n  s:\n    cmd: echo > \${outs.o}\n    outs:\n      o:\n        path: o\n${entry('out', '        ')}${entry('stage', '    ')}`,
    );
    for (const [place, at] of [
      ['pipeline', ''],
      ['stage', 'stages.s.'],
      ['out', 'stages.s.outs.o.'],
    ] as const)
      for (const [name, answer] of Object.entries(dvcFields[place])) {
        const start = said.indexOf(`Unknown field \`${at}${name}\`.`);
        expect(start, at + name).toBeGreaterThan(0);
        expect(said.slice(start).split('\n')[3], at + name).toBe(answer);
      }
    expect(said).not.toContain('Did you mean');
    expect(said).not.toContain('Known:');
  });

  it('an element of a list with fields becomes an out with a name', async () => {
    const said = await answers(`
stages:
  train:
    cmd: echo > \${outs.o}
    outs: [plain, { models/m.h5: { cache: false, persist: true } }]
    metrics: [{ m.json: { cache: false } }]
    plots: [{ p.csv: { x: epoch, template: linear } }, { q.csv: }]
`);
    expect(said).toContain('`outs: { NAME: { path: models/m.h5, cache: false } }`');
    expect(said).toContain('An out is never there when its command starts.');
    expect(said).toContain('`metrics: { NAME: { path: m.json, cache: false } }`');
    expect(said).toContain('`plots: { NAME: { path: p.csv } }`');
    expect(said).toContain('Here the stage itself draws its plots');
    expect(said.match(/error:/g)).toHaveLength(4);
  });

  it('files of parameters and of vars, and URLs, say where that goes', async () => {
    const said = await answers(`
vars: [more.yaml, { a: 1 }]
params: [params.yaml]
stages:
  train: { cmd: 'echo > \${outs.o}', params: [lr, { other.yaml: [n] }], outs: [o] }
`);
    expect(said).toContain('`vars` is a mapping here');
    expect(said).toContain('Stages name their parameters themselves.');
    expect(said).toContain('All parameters are in params.yaml, with profiles/NAME.yaml as variants.');
    const deps = await answers(
      `stages: { s: { cmd: 'echo > \${outs.o}', deps: ['https://x.org/a.csv', 's3://b/c', d.csv], outs: [o] } }`,
      { 'd.csv.dvc': 'outs: []\n' },
    );
    expect(deps).toContain('`s` depends on `https://x.org/a.csv`, and no URL can be a dependency.');
    expect(deps).toContain('`s` depends on `s3://b/c`, and no URL');
    expect(deps).toContain('Write a stage that downloads it, and depend on the out of that.');
    expect(deps).toContain('Get it with `dvc pull d.csv.dvc`: rodada has no remotes.');
  });

  it('is explained in the guide, too', () => {
    const names = Object.values(dvcFields).flatMap((fields) => Object.keys(fields));
    expect(names.filter((name) => !isExplained(name))).toEqual([]);
  });
});

it('templates of DVC get the name of the axis, and mappings the options to write', async () => {
  const said = (template: string): Promise<string> =>
    answers(
      `vars: { opt: { lr: 1, n: 2 } }\nstages: { s: { matrix: { model: [a, b] }, cmd: 'echo ${template} > \${outs.o}', outs: { o: '\${model}' } } }`,
    );
  expect(await said('${item}')).toContain('Here it is `${model}`.');
  expect(await said('${item.model}')).toContain('Here it is `${model}`.');
  expect(await said('${key}')).toContain("DVC's `${key}` is `${AXIS}`, the name of an axis of `matrix`.");
  expect(await said('${opt}')).toContain('Write them: `--lr ${opt.lr} --n ${opt.n}`.');
});

it('targets of DVC get the name of the stage', async () => {
  const project = await Project.create({
    'pipeline.yaml': `stages: { s: { matrix: { m: [a, b] }, cmd: 'echo > \${outs.o}', outs: { o: 'o/\${m}' } } }`,
  });
  for (const [target, answer] of [
    ['s@b', 'It is called `s:b` here.'],
    ['dvc.yaml:s', 'It is called `s` here.'],
    ['sub/dvc.yaml:s@a', 'It is called `s:a` here.'],
    ['o/a', '`s:a` makes it; name that stage.'],
    ['./o/a', '`s:a` makes it; name that stage.'],
    ['dvc.yaml', 'Targets are stages of pipeline.yaml'],
    ['data.dvc', 'Targets are stages of pipeline.yaml'],
    ['s@', 'Did you mean `s`?'],
  ]) {
    const { exitCode, stdout } = await project.cli('status', target!);
    expect([exitCode, stdout]).toEqual([
      2,
      expect.stringContaining(`error: There is no stage \`${target}\`.\n${answer}`),
    ]);
  }
});

it.each([
  'dvc.yaml',
  'dvc.lock',
  '.dvc/config',
  'data.csv.dvc',
])('a folder with `%s` and no pipeline.yaml is one of DVC', async (file) => {
  const project = await Project.create({ [file]: '' });
  for (const verb of ['repro', 'status', 'dag']) {
    const { exitCode, stdout } = await project.cli(verb);
    expect([exitCode, stdout]).toEqual([
      2,
      expect.stringMatching(
        /^error: There is no pipeline\.yaml in .*\n`\.?[\w.]+` is DVC's, which rodada does not read\. .*docs\/from-dvc\.md/,
      ),
    ]);
  }
});

describe('a command', () => {
  const type = async (project: Project, ...words: string[]) => {
    const { exitCode, stdout, stderr } = await project.cli(...words);
    expect([exitCode, stdout], words.join(' ')).toEqual([2, '']);
    return stderr;
  };

  it('of DVC or another tool gets the nearest of ours', async () => {
    const project = await Project.create({ 'pipeline.yaml': 'stages: {}\n' });
    for (const [words, answer] of [
      ['push', 'There are no remotes here'],
      ['exp run -S a=1', 'It is `rodada repro` here; `-S key=value` is `--set key=value`.'],
      ['exp gc', 'There is none: a branch is an experiment'],
      ['metrics diff', 'It is `rodada compare --baseline REV` here.'],
      ['stage add -n x', 'pipeline.yaml is written by hand'],
      ['run all', 'It is `rodada repro` here'],
      ['build', 'It is `rodada repro` here'],
    ] as const) {
      const [verb] = words.split(' ');
      expect(await type(project, ...words.split(' '))).toMatch(
        new RegExp(`^error: there is no command '${verb}'\n${answer.replaceAll(/[.\\$(){}]/g, '\\$&')}`),
      );
    }
  });

  it('of DVC has an answer, and stands in the guide', async () => {
    const names = Object.keys(dvcVerbs);
    expect(names.filter((name) => foreignVerb(name.split(' ')) !== dvcVerbs[name])).toEqual([]);
    const options = Object.values(dvcOptions).flatMap((all) => Object.keys(all));
    const words = [...options, ...names.map((name) => name.split(' ').at(-1)!)];
    expect(words.filter((word) => !isExplained(word))).toEqual([]);
  });

  it('that the answers name exists', async () => {
    const { stdout } = spawnSync(process.execPath, ['engine/rodada.mjs', '--help'], {
      cwd: projectRoot,
      encoding: 'utf8',
    });
    const texts = [
      ...Object.values(dvcVerbs),
      ...Object.values(dvcOptions).flatMap((all) => Object.values(all)),
    ];
    for (const [, verb] of texts.join(' ').matchAll(/`rodada ([a-z]\w+)/g))
      expect(stdout, verb).toMatch(new RegExp(`^ {2}${verb} `, 'm'));
  });

  it('that is misspelt is guessed, and a stage in its place is known', async () => {
    const project = await Project.create({ 'pipeline.yaml': `stages: { build: { cmd: 'true' } }\n` });
    expect(await type(project, 'stauts')).toContain('(Did you mean status?)');
    expect(await type(project, 'reprod')).toContain('(Did you mean repro?)');
    expect(await type(project, 'build')).toContain('`build` is a stage: `rodada repro build` runs it.');
    expect(await type(project, 'constructor')).toContain("unknown command 'constructor'");
  });

  it('with an option of DVC gets ours', async () => {
    const project = await Project.create({ 'pipeline.yaml': 'stages: {}\n' });
    for (const [words, answer] of [
      ['repro --pull', 'There are no remotes here'],
      ['repro --no-run-cache', 'It is `--no-restore` here.'],
      ['repro -P', 'Without targets `rodada repro` brings everything up to date.'],
      ['repro --set-param=a=1', 'It is `--set key=value` here.'],
      ['dag --md', 'It is `--mermaid` here.'],
      ['gc -w', 'What pipeline.lock names is always kept.'],
    ] as const) {
      const said = await type(project, ...words.split(' '));
      expect(said).toMatch(/^error: unknown option '/);
      expect(said).toContain(`\n${answer}`);
    }
  });
});
