// What is declared and nothing uses is reported, and stops nothing.
import { expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const files = {
  'pipeline.yaml': `
vars:
  shared: &shared { units: c }
  named: 1
  forgotten: { deep: 2 }
stages:
  count:
    matrix: { how: { first: *shared } }
    cmd: wc -\${how.units} < \${deps.text} > \${outs.count}; echo \${named}
    params: ['by.\${kind}', train]
    deps: { text: text.txt, other: other.txt }
    outs: { count: count.txt }
  script:
    cmd: node --import tsx script.ts
    params: [seed, rate]
    deps: { count: count.txt, more: text.txt }
    outs: { out: out.txt }
`,
  'params.yaml': `kind: fast
seed: 1
rate: 2
by: { fast: 1, slow: 2 }
train: { epochs: 1 }
old:
  a: 1
  b: 2
model:
  units: 3
  layers: [1, 2]
gates: []
`,
  'text.txt': 'a b\n',
  'other.txt': '',
  'package.json': '{"type":"module"}',
  'script.ts': `
import { readFileSync, writeFileSync } from 'node:fs';
import { rateOf } from './lib.ts';
const { params, deps, outs } = JSON.parse(readFileSync(process.env.RODADA_STAGE!, 'utf8'));
writeFileSync(outs.out, readFileSync(deps.count, 'utf8') + rateOf(params));
`,
  'lib.ts': 'export const rateOf = (params: { rate: number }): number => params.rate;\n',
};

it('names what nothing uses, where it stands', async () => {
  const project = await Project.create(files);
  await project.edit('pipeline.yaml', 'echo ${named}', 'echo ${named} ${model.units}');
  const warningsOf = (text: string): string[] => text.split('\n').filter((line) => line.includes('warning:'));
  const status = await project.cli('status');
  const { exitCode, stdout } = await project.cli('repro');
  expect(exitCode).toBe(0);
  // What the code reads is looked for once it has run.
  expect(warningsOf(status.stdout)).toEqual(warningsOf(stdout).slice(0, 4));
  expect(warningsOf((await project.cli('repro', '--dry')).stdout)).toEqual(warningsOf(status.stdout));
  expect(warningsOf(stdout)).toEqual([
    'params.yaml:6:1 warning: No stage uses the parameter `old`.',
    'params.yaml:11:3 warning: No stage uses the parameter `model.layers`.',
    'pipeline.yaml:5:3 warning: Nothing uses the var `forgotten`.',
    'pipeline.yaml:11:29 warning: The command of `count` does not use its dependency `other`.',
    'warning: `script` names the dependency `more`, but nothing in its code is called so; what it does not read needs not count.',
    'warning: `script` names the parameter `seed`, but nothing in its code is called so; what it does not read needs not count.',
  ]);
});

it('is silent about code that takes names as they come, and where all is used', async () => {
  const project = await Project.create({
    ...files,
    'script.ts': `${files['script.ts']}for (const name of ['more']) readFileSync(deps[name]);\nconsole.log(params.seed);\n`,
    'params.yaml': files['params.yaml'].replace(/old:(?:.|\n)*(?=gates)/, ''),
  });
  await project.edit('pipeline.yaml', '  forgotten: { deep: 2 }\n', '');
  await project.edit('pipeline.yaml', ', other: other.txt', '');
  const { events } = await project.repro();
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
});
