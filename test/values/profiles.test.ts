// What a profile does to params.yaml: mappings are merged, mappings whose keys are data are replaced, and null deletes.
import { describe, expect, it, onTestFinished } from 'vitest';
import { Project } from '../support/project.ts';
import { copyStudy } from '../support/study.ts';

const pipeline = `params: schema.ts
stages:
  show:
    cmd: cat "$RODADA_STAGE" > \${outs.shown}
    params: [classes, train]
    outs: { shown: shown.json }
`;
const params = `classes: { bus: [bus], car: [car], truck: [lorry] }
train:
  rate: 1
  limit: 5
  optimizer: { name: sgd, momentum: 0.9 }
`;
const schema = `
import { z } from 'zod';
console.error('loaded');
export default z.strictObject({
  classes: z.record(z.string(), z.array(z.string()).min(1)),
  train: z
    .strictObject({
      rate: z.number(),
      limit: z.int().nullable(),
      extra: z.record(z.string(), z.number().nullable()).default({}),
      optimizer: z.discriminatedUnion('name', [
        z.strictObject({ name: z.literal('sgd'), momentum: z.number().optional() }),
        z.strictObject({ name: z.literal('adam') }),
      ]),
    })
    .refine(({ rate }) => rate > 0),
});
`;

async function withProfile(profile: string): Promise<Project> {
  return Project.create({
    'pipeline.yaml': pipeline,
    'params.yaml': params,
    'schema.ts': schema,
    'package.json': '{"type":"module"}',
    'profiles/own.yaml': profile,
  });
}

async function resolved(profile: string, change: (project: Project) => Promise<void> = async () => {}) {
  const project = await withProfile(profile);
  await change(project);
  const { exitCode, stdout } = await project.cli('repro', '--profile', 'own');
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  return JSON.parse(await project.read('shown.json')).params;
}

const classes = { bus: ['bus'], car: ['car'], truck: ['lorry'] };
const train = { rate: 1, limit: 5, optimizer: { name: 'sgd', momentum: 0.9 } };

describe('a profile', () => {
  it.each<[string, string, object]>([
    ['merges fields', 'train: { rate: 2 }', { classes, train: { ...train, rate: 2 } }],
    ['replaces a mapping of data', 'classes: { coche: [coche] }', { classes: { coche: ['coche'] }, train }],
    [
      'drops the nulls of a mapping that it replaces',
      'classes: { coche: [coche], bus: null, car: null }',
      { classes: { coche: ['coche'] }, train },
    ],
    [
      'deletes the keys of data whose values are all null',
      'classes: { bus: null, car: }',
      { classes: { truck: ['lorry'] }, train },
    ],
    [
      'keeps null as a value that the schema accepts',
      'train: { limit: null }',
      { classes, train: { ...train, limit: null } },
    ],
    [
      'keeps it in a mapping of data, too',
      'train: { extra: { a: null } }',
      { classes, train: { ...train, extra: { a: null } } },
    ],
    [
      'deletes a field with null',
      'train: { optimizer: { name: adam, momentum: null } }',
      { classes, train: { ...train, optimizer: { name: 'adam' } } },
    ],
    [
      'replaces a mapping with the tag !replace',
      'train: { optimizer: !replace { name: adam } }',
      { classes, train: { ...train, optimizer: { name: 'adam' } } },
    ],
    [
      'may be written with anchors and merge keys',
      'classes:\n  coche: &words [coche]\n  auto: *words\ntrain: { <<: { rate: 3 } }',
      { classes: { coche: ['coche'], auto: ['coche'] }, train: { ...train, rate: 3 } },
    ],
  ])('%s', async (_, profile, expected) => {
    expect(await resolved(`${profile}\n`)).toEqual(expected);
  });

  it('that deletes what the schema requires is shown where it does', async () => {
    const project = await withProfile('train:\n  rate: null\n');
    const { exitCode, stdout } = await project.cli('status', '--profile', 'own');
    expect(exitCode).toBe(2);
    expect(stdout).toBe(
      `profiles/own.yaml:2:3 error: Missing parameter \`train.rate\`: a number.
  2 │   rate: null
    │   ^^^^
`,
    );
  });

  it('that deletes a key which is not there is shown where it does', async () => {
    const project = await withProfile('classes: { lorry: null }\n');
    const { exitCode, stdout } = await project.cli('status', '--profile', 'own');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('profiles/own.yaml:1:19 error: `classes.lorry` is null; it must be a list.');
  });

  it('without a schema merges, deletes with null, and replaces with the tag', async () => {
    const profile = 'classes: !replace { coche: [coche] }\ntrain: { limit: null }\n';
    const { limit: _, ...others } = train;
    expect(
      await resolved(profile, (project) => project.edit('pipeline.yaml', 'params: schema.ts\n', '')),
    ).toEqual({ classes: { coche: ['coche'] }, train: others });
  });

  it('needs the schema no second time', async () => {
    const project = await withProfile('classes: { coche: [coche] }\n');
    expect((await project.cli('repro', '--profile', 'own')).stderr).toBe('loaded\n');
    await project.write('profiles/own.yaml', 'classes: { coche: [auto] }\n');
    expect((await project.cli('repro', '--profile', 'own')).stderr).toBe('loaded\n');
    const again = await project.cli('repro', '--profile', 'own');
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    // Another schema says otherwise what is data.
    await project.edit('schema.ts', 'z.record(z.string(), z.array(z.string()).min(1))', 'z.looseObject({})');
    expect((await project.cli('repro', '--profile', 'own')).exitCode).toBe(0);
    expect(Object.keys(JSON.parse(await project.read('shown.json')).params.classes)).toEqual([
      'bus',
      'car',
      'truck',
      'coche',
    ]);
  });

  it('leaves the meaning of --set: the value that it names is replaced', async () => {
    const project = await withProfile('train: { rate: 2 }\n');
    const assigned = 'classes={ coche: [coche] }';
    expect((await project.cli('repro', '--profile', 'own', '--set', assigned)).exitCode).toBe(0);
    expect(JSON.parse(await project.read('shown.json')).params).toEqual({
      classes: { coche: ['coche'] },
      train: { ...train, rate: 2 },
    });
  });

  it('is laid over the parameters of a baseline in the same way', async () => {
    const project = await withProfile('classes: { coche: [coche] }\n');
    await project.write('metrics/a.json', '{"accuracy":1}');
    for (const file of ['pipeline.yaml', 'params.yaml', 'schema.ts', 'profiles/own.yaml', 'metrics/a.json'])
      await project.write(`old/${file}`, await project.read(file));
    await project.write('old/profiles/own.yaml', 'classes: { auto: [auto] }\n');
    const { exitCode, stdout } = await project.cli(
      ...['compare', '--baseline', './old', '--profile', 'own', '--json'],
    );
    expect(exitCode).toBe(0);
    const { identity } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      identity: { changes: { reason: { name: string } }[] };
    };
    const named = identity.changes
      .map(({ reason }) => reason.name)
      .filter((key) => key.startsWith('classes'));
    expect(named.every((key) => /auto|coche/.test(key))).toBe(true);
    expect(named.length).toBeGreaterThan(0);
  });
});

describe('a profile of the study', () => {
  it('has just the classes that it names', async () => {
    const study = await copyStudy();
    onTestFinished(() => study.dispose());
    const profile = `source: { kind: folder, folder: { root: photos } }
filter: { classes: { coche: [coche], moto: [moto, scooter] } }
`;
    await study.write('profiles/own.yaml', profile);
    for (const name of ['coche', 'moto', 'scooter']) await study.write(`photos/${name}/a.txt`, '');
    const dry = await study.cli('repro', '--profile', 'own', '--dry', 'filter');
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toContain('download would run');
    // The same parameters and their schema, shown by a stage.
    await study.write(
      'pipeline.yaml',
      `${pipeline.replace('schema.ts', 'params/index.ts').replace('[classes, train]', '[filter]')}`,
    );
    expect((await study.cli('repro', '--profile', 'own')).exitCode).toBe(0);
    expect(JSON.parse(await study.read('shown.json')).params.filter.classes).toEqual({
      coche: ['coche'],
      moto: ['moto', 'scooter'],
    });
  });
});
