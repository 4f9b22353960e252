// Outs over the project's own sources are refused before anything runs, and what a run has made may be made again.
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { Project } from '../support/project.ts';

const files = {
  'pipeline.yaml': `
stages:
  make:
    cmd: node --import tsx code/make.ts
    outs: { made: made }
`,
  'params.yaml': 'seed: 1\n',
  'package.json': '{"type":"module"}',
  'code/make.ts': `
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from './lib/text.ts';
writeFileSync(JSON.parse(readFileSync(process.env.RODADA_STAGE!, 'utf8')).outs.made, text);
`,
  'code/lib/text.ts': "export const text = 'made';\n",
};

async function refusal(project: Project): Promise<string> {
  const before = await project.read('code/lib/text.ts');
  const { exitCode, stdout } = await project.cli('repro');
  expect(exitCode).toBe(2);
  expect(stdout).not.toContain('▶');
  expect(await project.read('code/lib/text.ts')).toBe(before);
  return stdout;
}

describe('an out is refused', () => {
  it.each(['pipeline.yaml', 'params.yaml', 'package.json'])('over %s', async (path) => {
    const project = await Project.create(files);
    await project.edit('pipeline.yaml', 'made: made', `made: ${path}`);
    expect(await refusal(project)).toContain(
      `error: The out \`${path}\` of \`make\` would replace the project's own \`${path}\`.`,
    );
  });

  it('over code that a stage runs, at any depth, also as a folder around it', async () => {
    const project = await Project.create(files);
    await project.edit('pipeline.yaml', 'made: made', 'made: code/lib');
    expect(
      await refusal(project),
    ).toBe(`pipeline.yaml:5:19 error: The out \`code/lib\` of \`make\` would replace \`code/lib/text.ts\`, which \`make\` runs.
  5 │     outs: { made: code/lib }
    │                   ^^^^^^^^
Give the out a path of its own.
`);
    await project.edit('pipeline.yaml', 'made: code/lib', 'made: code/make.ts');
    expect(await refusal(project)).toContain(
      'The out `code/make.ts` of `make` would replace `code/make.ts`, which `make` runs.',
    );
  });

  it('over a folder with a file in it that another stage reads and that nobody has made', async () => {
    const project = await Project.create({
      ...files,
      'made/by-hand.txt': 'by hand',
      'pipeline.yaml': `${files['pipeline.yaml']}  read: { cmd: 'cat made/by-hand.txt > \${outs.o}', deps: [made/by-hand.txt], outs: { o: o.txt } }\n`,
    });
    expect(await refusal(project)).toContain(
      'The out `made` of `make` would replace `made/by-hand.txt`, which a stage reads and which no run has made.',
    );
    expect(await project.read('made/by-hand.txt')).toBe('by hand');
  });

  it('over what git tracks, unless a lock names it or a run has made it', async () => {
    const project = await Project.create({ ...files, made: 'written by hand' });
    git(project, 'init', '-q');
    git(project, 'add', 'made');
    git(project, 'commit', '-q', '-m', 'Write it');
    expect(await refusal(project)).toContain(
      'The out `made` of `make` would replace `made`, which git tracks and which no run has made.',
    );
    expect(await project.read('made')).toBe('written by hand');

    // Made by a run, then committed with the lock: a fresh clone, a renamed stage and a lost lock may make it again.
    await project.remove('made');
    await project.repro();
    git(project, 'add', 'made', 'pipeline.lock');
    git(project, 'commit', '-q', '-m', 'Make it');
    await project.edit('pipeline.yaml', '  make:', '  build:');
    await project.remove('cache');
    await project.edit('code/lib/text.ts', "'made'", "'made again'");
    expect((await project.repro()).summary).toMatchObject({ executed: ['build'] });
    await project.remove('pipeline.lock');
    await project.edit('code/lib/text.ts', "'made again'", "'made once more'");
    expect((await project.repro()).summary).toMatchObject({ executed: ['build'] });
    expect(await project.read('made')).toBe('made once more');
  });
});

describe('an out is let be', () => {
  it('that is code another stage generates, and that its user depends on', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': `
stages:
  generate: { cmd: 'echo "echo \${text}" > \${outs.script}', outs: { script: say.sh } }
  say: { cmd: 'sh say.sh > \${outs.said}', deps: [say.sh], outs: { said: said.txt } }
`,
      'params.yaml': 'text: hello\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['generate', 'say']);
    expect((await project.repro()).summary.executed).toEqual([]);
    const { summary } = await project.repro('--set', 'text=bye');
    expect(summary.executed).toEqual(['generate', 'say']);
    expect(await project.read('said.txt')).toBe('bye\n');
    // The first look after an edit must be the last: nothing was fingerprinted before its script was made.
    expect((await project.repro('--set', 'text=bye')).summary.executed).toEqual([]);
  });
});
