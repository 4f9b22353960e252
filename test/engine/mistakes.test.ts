// Mistakes in the files: found before any stage starts, shown in their line, with what was probably meant.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const schema = `
import { z } from 'zod';
export default z.strictObject({ rate: z.number().gt(0), model: z.strictObject({ kind: z.enum(['small', 'large']), units: z.int() }) });
`;
const params = 'rate: 0.5\nmodel:\n  kind: small\n  units: 3\n';
const pipeline = `params: schema.ts
stages:
  make:
    cmd: echo \${model.units} > \${outs.made}
    params: [rate]
    outs: { made: made.txt }
  use:
    cmd: cp \${deps.made} \${outs.used}
    deps: { made: made.txt }
    outs: { used: used.txt }
`;

async function mistake(files: Record<string, string>, ...args: string[]): Promise<string> {
  const project = await Project.create({
    'pipeline.yaml': pipeline,
    'params.yaml': params,
    'schema.ts': schema,
    'package.json': '{"type":"module"}',
    ...files,
  });
  const { exitCode, stdout } = await project.cli('repro', ...args);
  expect(exitCode).toBe(2);
  expect(existsSync(project.path('made.txt'))).toBe(false);
  return stdout;
}

const withPipeline = (from: string, to: string): Record<string, string> => {
  expect(pipeline).toContain(from);
  return { 'pipeline.yaml': pipeline.replace(from, to) };
};

describe('a mistake in pipeline.yaml', () => {
  it('is an unknown key', async () => {
    expect(await mistake(withPipeline('    deps: {', '    depz: {'))).toBe(
      `pipeline.yaml:9:5 error: Unknown field \`stages.use.depz\`.
  9 │     depz: { made: made.txt }
    │     ^^^^
Did you mean \`deps\`?
`,
    );
  });

  it('is a missing field', async () => {
    expect(await mistake(withPipeline('    cmd: cp ${deps.made} ${outs.used}\n', ''))).toContain(
      'Missing field `stages.use.cmd`',
    );
  });

  it('is a parameter that params.yaml does not have', async () => {
    expect(await mistake(withPipeline('[rate]', '[rat]'))).toBe(
      `pipeline.yaml:5:14 error: There is no parameter \`rat\` in params.yaml.
  5 │     params: [rat]
    │              ^^^
Did you mean \`rate\`?
`,
    );
  });

  it('is an unknown name in a template', async () => {
    expect(await mistake(withPipeline('${model.units}', '${model.unit}'))).toBe(
      `pipeline.yaml:4:15 error: Nothing is called \`model.unit\`.
  4 │     cmd: echo \${model.unit} > \${outs.made}
    │               ^^^^^^^^^^^^^
Did you mean \`model.units\`?
`,
    );
  });

  it('is an unknown name in the midst of a long command', async () => {
    const long = withPipeline(
      'cmd: cp ${deps.made} ${outs.used}',
      'cmd: |\n      echo first\n      cp ${deps.mad} ${outs.used}',
    );
    expect(await mistake(long)).toBe(
      `pipeline.yaml:10:10 error: \`use\` has no dependency \`mad\`.
  10 │       cp \${deps.mad} \${outs.used}
     │          ^^^^^^^^^^^
Did you mean \`made\`?
`,
    );
  });

  it('is a variable of the shell that is not marked as one', async () => {
    expect(
      await mistake(withPipeline('cp ${deps.made}', 'for i in 1; do echo ${i}; done; cp ${deps.made}')),
    ).toBe(
      `pipeline.yaml:8:30 error: Nothing is called \`i\`.
  8 │     cmd: for i in 1; do echo \${i}; done; cp \${deps.made} \${outs.used}
    │                              ^^^^
Known: rate, model.
For a variable of the shell write \`\\\${i}\`.
`,
    );
  });

  it.each([
    ['cmd: 3', 'pipeline.yaml:8:10 error: `stages.use.cmd` is 3; it must be a text or a list.'],
    ['cmd: [a, 3]', 'pipeline.yaml:8:14 error: `stages.use.cmd.1` is 3; it must be a text.'],
    ['slots: al', 'pipeline.yaml:8:12 error: `stages.use.slots` is "al"; it must be a number or "all".'],
    ['always: no thanks', '`stages.use.always` is "no thanks"; it must be true or false.'],
    ['matrix: { m: 3 }', '`stages.use.matrix.m` is 3; it must be a text, a list or a mapping.'],
    ['timeout: soon', '`stages.use.timeout` is "soon": a duration such as `90 s`, `30 min`, `2 h` or `1 d`.'],
  ])('is a value of the wrong kind: %s', async (field, message) => {
    const files = { 'pipeline.yaml': pipeline.replace(/ {4}cmd: cp.*/, `    ${field}\n    cmd: x`) };
    if (field.startsWith('cmd')) files['pipeline.yaml'] = pipeline.replace(/ {4}cmd: cp.*/, `    ${field}`);
    expect(await mistake(files)).toContain(message);
  });

  it('is a name with other letters, or a duplicate', async () => {
    expect(await mistake(withPipeline('  use:', '  "use it":'))).toBe(
      `pipeline.yaml:7:3 error: \`use it\` can't be a name here: letters, digits, _ and -, beginning with a letter.
  7 │   "use it":
    │   ^^^^^^^^
`,
    );
    expect(await mistake(withPipeline('  use:', '  make:'))).toContain(
      'pipeline.yaml:7:3 error: Duplicate key `make`.',
    );
  });

  it('is what a merge left', async () => {
    const text = pipeline.replace('  use:', '<<<<<<< HEAD\n  use:\n=======\n  take:\n>>>>>>> side');
    expect(await mistake({ 'pipeline.yaml': text })).toBe(
      `pipeline.yaml:7:1 error: A merge left conflict markers here.
  7 │ <<<<<<< HEAD
    │ ^^^^^^^^^^^^
Resolve them first; only pipeline.lock is healed by itself.
`,
    );
  });

  it('is a dependency that nobody makes', async () => {
    expect(await mistake(withPipeline('deps: { made: made.txt }', 'deps: { made: maed.txt }'))).toBe(
      `pipeline.yaml:9:19 error: \`use\` depends on \`maed.txt\`, which no stage makes and which does not exist.
  9 │     deps: { made: maed.txt }
    │                   ^^^^^^^^
Did you mean \`made.txt\`?
`,
    );
  });

  it('is a cycle', async () => {
    const out = await mistake(withPipeline('    params: [rate]', '    deps: { used: used.txt }'));
    expect(out).toContain('error: The stages form a cycle: make → use → make.');
  });

  it('is a second maker of a path', async () => {
    expect(await mistake(withPipeline('used: used.txt', 'used: made.txt'))).toContain(
      'pipeline.yaml:10:19 error: `made.txt` is an out of `use` and `make` too; each path has one maker.',
    );
  });

  it('is an out inside another, outside the project, or in the store', async () => {
    expect(await mistake(withPipeline('used: used.txt', 'used: made.txt/used'))).toContain(
      '`made.txt/used`, an out of `use`, lies inside `made.txt`, an out of `make`.',
    );
    expect(await mistake(withPipeline('used: used.txt', 'used: ../used.txt'))).toContain(
      'The out `../used.txt` lies outside the project.',
    );
    expect(await mistake(withPipeline('used: used.txt', 'used: cache/used.txt'))).toContain(
      'The out `cache/used.txt` lies in a folder that is not for outs.',
    );
  });

  it('is YAML that does not parse', async () => {
    expect(await mistake(withPipeline('outs: { used: used.txt }', 'outs: { used: used.txt'))).toMatch(
      /^pipeline\.yaml:\d+:\d+ error: .*\n {2}\d+ │ /,
    );
  });

  it('is that there is none', async () => {
    const project = await Project.create({ 'params.yaml': '' });
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(
      /^error: There is no pipeline\.yaml in .*\nChange to a project's folder, or run `.*\n$/,
    );
  });
});

describe('a mistake in the parameters', () => {
  it('is a value of the wrong type', async () => {
    expect(await mistake({ 'params.yaml': params.replace('units: 3', 'units: many') })).toBe(
      `params.yaml:4:10 error: \`model.units\` is "many"; it must be a number.
  4 │   units: many
    │          ^^^^
`,
    );
  });

  it('is a value of --set, which stands in no file', async () => {
    expect(await mistake({}, '--set', 'model.units=many')).toBe(
      'error: `model.units` is "many"; it must be a number.\n',
    );
  });

  it('is a list instead of a mapping', async () => {
    expect(await mistake({ 'params.yaml': '- 1\n' })).toContain(
      'params.yaml:1:1 error: params.yaml must be a mapping of names to values.',
    );
  });

  it('is a schema that can not be had', async () => {
    const hint =
      'pipeline.yaml names it under `params`; its default export is the zod schema of params.yaml.\n';
    expect(await mistake(withPipeline('params: schema.ts', 'params: scheme.ts'))).toBe(
      `error: scheme.ts: There is no such file.\n${hint}`,
    );
    expect(await mistake({ 'schema.ts': 'export default 1;\n' })).toBe(
      `error: schema.ts: It does not export a zod schema as its default.\n${hint}`,
    );
    expect(await mistake({ 'schema.ts': 'const = 1;\n' })).toMatch(
      /^error: schema\.ts: schema\.ts:1:6: ERROR: Expected identifier.*\n/,
    );
    expect(await mistake({ 'schema.ts': "import './gone.ts';\n" })).toMatch(
      /^error: schema\.ts: Cannot find module 'gone\.ts' imported from schema\.ts/,
    );
  });

  it('is an unknown choice', async () => {
    expect(await mistake({ 'params.yaml': params.replace('kind: small', 'kind: smal') })).toContain(
      'Did you mean `small`?',
    );
  });

  it('is a missing one, shown where it belongs', async () => {
    expect(await mistake({ 'params.yaml': params.replace('  units: 3\n', '') })).toMatch(
      /^params\.yaml:\d+:\d+ error: Missing parameter `model\.units`/,
    );
  });

  it('is an unknown one, in a profile', async () => {
    expect(await mistake({ 'profiles/quick.yaml': 'model:\n  unitz: 1\n' }, '--profile', 'quick')).toBe(
      `profiles/quick.yaml:2:3 error: Unknown parameter \`model.unitz\`.
  2 │   unitz: 1
    │   ^^^^^
Did you mean \`units\`?
`,
    );
  });

  it('is a profile that does not exist', async () => {
    expect(await mistake({ 'profiles/quick.yaml': 'rate: 1\n' }, '--profile', 'quik')).toBe(
      'error: There is no profile `quik`.\nDid you mean `quick`?\n',
    );
  });

  it('is a typo in --set', async () => {
    expect(await mistake({}, '--set', 'model.unit=4')).toBe(
      'error: `--set`: there is no parameter `model.unit`.\nDid you mean `model.units`?\n',
    );
  });
});

describe('a mistake in the code', () => {
  const files = withPipeline('echo ${model.units}', 'node --import tsx make.ts');

  it('is an import of a file that is not there', async () => {
    const code = "import { made } from './maker.ts';\nconsole.log(made);\n";
    expect(await mistake({ ...files, 'make.ts': code })).toBe(
      `make.ts:1:22 error: Could not resolve "./maker.ts".
  1 │ import { made } from './maker.ts';
    │                      ^^^^^^^^^^^^
`,
    );
  });

  it('is code that does not parse', async () => {
    expect(await mistake({ ...files, 'make.ts': 'const = 1;\n' })).toContain(
      'make.ts:1:7 error: Expected identifier',
    );
  });
});

describe('a mistake on the command line', () => {
  it('is an unknown target', async () => {
    expect(await mistake({}, 'mke')).toBe('error: There is no stage `mke`.\nDid you mean `make`?\n');
  });
});
