// Which instances a matrix has: exclude, vars and templates in its values.
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const pipeline = (matrix: string, vars = ''): string => `${vars}
stages:
  make:
    matrix: ${matrix}
    cmd: echo \${size.pixels} > \${outs.o}
    outs: { o: 'out/\${model}-\${size}.txt' }
`;
const params = 'sizes:\n  - { pixels: 32, fit: contain }\n  - { pixels: 64, fit: fill }\n';

const create = (matrix: string, vars?: string): Promise<Project> =>
  Project.create({ 'pipeline.yaml': pipeline(matrix, vars), 'params.yaml': params });

describe('exclude', () => {
  it.each([
    ['a field of the value', '{ model: a, size: { pixels: 64 } }'],
    ['the whole value', '{ model: a, size: { pixels: 64, fit: fill } }'],
    ['a label', '{ model: a, size: pixels64-fitfill }'],
  ])('leaves out what has %s', async (_, entry) => {
    const project = await create(`{ model: [a, b], size: '\${sizes}', exclude: [${entry}] }`);
    expect((await project.repro()).summary.executed).toEqual([
      'make:a:pixels32-fitcontain',
      'make:b:pixels32-fitcontain',
      'make:b:pixels64-fitfill',
    ]);
  });

  it('leaves out all values of the axes that it does not name', async () => {
    const project = await create(`{ model: [a, b], size: '\${sizes}', exclude: [{ model: b }] }`);
    expect((await project.repro()).summary.executed).toHaveLength(2);
  });

  it('says which axis it does not know, and when nothing is left', async () => {
    const unknown = await create(`{ model: [a, b], size: '\${sizes}', exclude: [{ modle: b }] }`);
    expect((await unknown.cli('repro')).stdout).toContain('error: The matrix has no axis `modle`.\n');
    const nothing = await create(
      `{ model: [a, b], size: '\${sizes}', exclude: [{ model: a }, { model: b }] }`,
    );
    const { exitCode, stdout } = await nothing.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('`exclude` leaves nothing of the matrix of `make`.');
  });

  it('warns of an entry that leaves out nothing', async () => {
    const project = await create(`{ model: [a, b], size: '\${sizes}', exclude: [{ model: c }] }`);
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'pipeline.yaml:4:58 warning: This leaves out no combination of the matrix of `make`.\n',
    );
  });
});

describe('vars', () => {
  it('name parameters and the vars before them, and are named in the values of a matrix', async () => {
    const project = await create(
      `{ model: ['\${prefix}1', '\${vars.prefix}2'], size: '\${chosen}' }`,
      "vars:\n  size: 32\n  prefix: cnn\n  chosen: [{ pixels: '${size}', from: '${sizes}' }]\n".replace(
        ", from: '${sizes}'",
        '',
      ),
    );
    const { summary } = await project.repro();
    expect(summary.executed).toEqual(['make:cnn1:pixels32', 'make:cnn2:pixels32']);
    expect(await project.read('out/cnn1-pixels32.txt')).toBe('32\n');
  });

  it.each([
    ["vars: { chosen: '${szes}' }", 'Nothing is called `szes`.', 'Did you mean `sizes`?'],
    ["vars: { a: '${b}', b: 1 }", 'Nothing is called `b`.', 'Known: sizes.'],
    ['vars: { sizes: [] }', 'The var `sizes` is a parameter too.', 'Call it something else.'],
    [
      'vars: { outs: [] }',
      'The var `outs` is a name with a meaning of its own in templates.',
      'Call it something else.',
    ],
  ])('are checked: %s', async (vars, message, hint) => {
    const project = await create(`{ model: [a], size: '\${sizes}' }`, vars);
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(`error: ${message}`);
    expect(stdout).toContain(hint);
  });
});

describe('a range', () => {
  const ranged = (seed: string): Promise<Project> =>
    Project.create({
      'pipeline.yaml': `stages:\n  make:\n    matrix: { seed: ${seed} }\n    cmd: echo \${seed} > \${outs.o}\n    outs: { o: 'out/\${seed}.txt' }\n`,
      'params.yaml': 'seed: 20\nseeds: 3\n',
    });

  it('stands for consecutive integers, and a longer one runs only what is new', async () => {
    const project = await ranged("{ from: '${seed}', count: '${seeds}' }");
    expect((await project.repro()).summary.executed).toEqual(['make:20', 'make:21', 'make:22']);
    const more = await project.repro('--set', 'seeds=4');
    expect(more.summary).toMatchObject({ executed: ['make:23'], fresh: ['make:20', 'make:21', 'make:22'] });
    expect((await project.repro()).summary.executed).toEqual([]);
  });

  it.each([
    ['{ from: 0, count: 0 }', '`count` is 0, not an integer from 1 to 100000.'],
    ["{ from: '${seed}', count: '${seedz}' }", 'seedz'],
    ["{ from: 1.5, count: '${seeds}' }", '1.5'],
  ])('says what is wrong with %s', async (range, message) => {
    const { exitCode, stdout } = await (await ranged(range)).cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(message);
  });
});
