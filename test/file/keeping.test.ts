// What becomes of outs and stages by their fields: always, frozen, `cache: false`, metrics and plots.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockedBlock } from '../support/lock.ts';
import { Project } from '../support/project.ts';

describe('always', () => {
  const files = {
    'pipeline.yaml': `
stages:
  look: { cmd: 'cat clock > \${outs.seen}; echo looked >> $PWD/looks', always: true, outs: { seen: seen.txt } }
  use: { cmd: 'cp \${deps.seen} \${outs.used}', deps: { seen: seen.txt }, outs: { used: used.txt } }
`,
    'params.yaml': '',
    clock: 'one',
  };

  it('runs every time, and what follows only if its outs changed', async () => {
    const project = await Project.create(files);
    expect((await project.repro()).summary.executed).toEqual(['look', 'use']);
    const again = await project.repro();
    expect(again.summary).toMatchObject({ executed: ['look'], fresh: ['use'] });
    expect(again.events).toContainEqual(
      expect.objectContaining({ type: 'started', stage: 'look', reasons: [{ what: 'always' }] }),
    );
    await project.write('clock', 'two');
    expect((await project.repro()).summary.executed).toEqual(['look', 'use']);
    await project.write('clock', 'one');
    expect((await project.repro()).summary).toMatchObject({ executed: ['look'], restored: ['use'] });
    expect(await project.read('looks')).toBe('looked\n'.repeat(4));
  });
});

describe('frozen', () => {
  const pipeline = `
stages:
  source: { cmd: 'tr a-z A-Z < \${deps.text} > \${outs.upper}', deps: { text: text.txt }, outs: { upper: upper.txt } }
  ice: { cmd: 'cp \${deps.upper} \${outs.cold}', frozen: false, deps: { upper: upper.txt }, outs: { cold: cold.txt } }
  after: { cmd: 'cat \${deps.cold} > \${outs.end}', deps: { cold: cold.txt }, outs: { end: end.txt } }
`;
  const frozen = pipeline.replace('frozen: false', 'frozen: true');

  it('never runs; what stands counts, also when it is edited', async () => {
    const project = await Project.create({ 'pipeline.yaml': pipeline, 'params.yaml': '', 'text.txt': 'a\n' });
    await project.repro();
    const block = await lockedBlock(project, 'ice');
    await project.write('pipeline.yaml', frozen);
    await project.write('text.txt', 'b\n');
    expect((await project.repro()).summary).toMatchObject({ executed: ['source'], fresh: ['ice', 'after'] });
    expect((await project.repro('--force', 'ice')).summary).toMatchObject({ executed: [], fresh: ['ice'] });
    // A target after it needs nothing before it.
    await project.write('cold.txt', 'by hand\n');
    expect((await project.repro('after')).summary).toMatchObject({ executed: ['after'], fresh: ['ice'] });
    expect(await project.read('end.txt')).toBe('by hand\n');
    expect(await lockedBlock(project, 'ice')).toEqual(block);
    await project.write('pipeline.yaml', pipeline);
    expect((await project.repro()).summary.executed).toEqual(['ice', 'after']);
    expect(await project.read('end.txt')).toBe('B\n');
  });

  it('comes back as the lock has it, else says what to do', async () => {
    const project = await Project.create({ 'pipeline.yaml': pipeline, 'params.yaml': '', 'text.txt': 'a\n' });
    await project.repro();
    await project.write('pipeline.yaml', frozen);
    await project.write('text.txt', 'b\n');
    await project.remove('cold.txt');
    expect((await project.repro()).summary).toMatchObject({ executed: ['source'], restored: ['ice'] });
    expect(await project.read('cold.txt')).toBe('A\n');
    await project.remove('cold.txt');
    await project.remove('cache/objects');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      "✖ ice failed. It is frozen, and `cold.txt` can't be brought back; make it by hand, or run `rodada unfreeze ice`.",
    );
    expect(stdout).toContain('Skipped, because they need it: after');
  });
});

describe('an out with `cache: false`', () => {
  const files = {
    'pipeline.yaml': `
stages:
  make:
    cmd: echo \${size} > \${outs.big}; echo \${size} > \${outs.small}
    outs: { big: { path: big.bin, cache: false }, small: small.txt }
  use: { cmd: 'cp \${deps.big} \${outs.used}', deps: { big: big.bin }, outs: { used: used.txt } }
`,
    'params.yaml': 'size: 1\n',
  };

  it('is in the workspace and, by its hash, in the lock, but not in the store', async () => {
    const project = await Project.create(files);
    await project.repro();
    const lock = await project.read('pipeline.lock');
    const block = JSON.parse(lock.split('\n\n').find((part) => part.includes('"stage": "make"'))!) as {
      outs: Record<string, { path: string; hash: string; cache?: boolean }>;
    };
    expect(block.outs.big).toMatchObject({ path: 'big.bin', cache: false });
    expect(block.outs.small).not.toHaveProperty('cache');
    await project.write('params.yaml', 'size: 2\n');
    await project.repro('make');
    const { hash } = JSON.parse(
      (await project.read('pipeline.lock')).split('\n\n').find((part) => part.includes('"stage": "make"'))!,
    ).outs.big as { hash: string };
    // `small` and `used` have the same bytes, and bring them into the store; before `use` runs only `small` is there.
    expect(existsSync(project.path(`cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`))).toBe(true);
    expect((await project.repro()).summary).toMatchObject({ executed: ['use'], fresh: ['make'] });
  });

  it('is made again when it is deleted, edited or of another version', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace(
        'echo ${size} > ${outs.big}',
        'echo big ${size} > ${outs.big}',
      ),
    });
    await project.repro();
    expect((await project.repro()).summary).toMatchObject({
      executed: [],
      restored: [],
      fresh: ['make', 'use'],
    });
    await project.remove('big.bin');
    expect((await project.repro()).summary).toMatchObject({ executed: ['make'], fresh: ['use'] });
    await project.write('big.bin', 'edited');
    expect((await project.repro()).summary).toMatchObject({ executed: ['make'], fresh: ['use'] });
    await project.write('params.yaml', 'size: 2\n');
    await project.repro();
    await project.write('params.yaml', 'size: 1\n');
    expect((await project.repro()).summary).toMatchObject({ executed: ['make'], restored: ['use'] });
    // What it does keep comes back without a run as long as the workspace has the rest.
    await project.remove('small.txt');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['make'] });
    expect(await project.read('big.bin')).toBe('big 1\n');
  });
});

describe('metrics and plots', () => {
  const files = {
    'pipeline.yaml': `
stages:
  score:
    cmd: echo "{\\"accuracy\\":\${accuracy}}" > \${outs.scores}; echo plot > \${outs.curve}; echo other > \${outs.report/notes.txt}
    outs: [report/notes.txt]
    metrics: { scores: 'report/\${name}.json' }
    plots: { curve: { path: report/curve.svg } }
`,
    'params.yaml': 'accuracy: 0.5\nname: scores\n',
  };

  it('are outs like any other, named as such', async () => {
    const project = await Project.create(files);
    expect((await project.repro()).summary.executed).toEqual(['score']);
    expect(await project.read('report/curve.svg')).toBe('plot\n');
    await project.remove('report');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['score'] });
    // Under which name an out stands is no part of what a result depends on.
    await project.edit('pipeline.yaml', 'plots: { curve: { path: report/curve.svg } }', '');
    await project.edit(
      'pipeline.yaml',
      'outs: [report/notes.txt]',
      'outs: { report/notes.txt: report/notes.txt }',
    );
    await project.write(
      'pipeline.yaml',
      files['pipeline.yaml']
        .replace('plots: { curve:', 'PLOTS')
        .replace('metrics:', 'plots:')
        .replace('PLOTS', 'metrics: { curve:'),
    );
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [], fresh: ['score'] });
  });

  it('are compared wherever they are', async () => {
    const project = await Project.create(files);
    await project.repro();
    for (const file of ['pipeline.yaml', 'params.yaml', 'report/scores.json'])
      await project.write(`old/${file}`, await project.read(file));
    await project.edit('params.yaml', '0.5', '0.75');
    await project.repro();
    const { stdout } = await project.cli('compare', '--baseline', './old', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      rows: [{ path: 'report/scores.json', key: 'accuracy', old: { value: 0.5 }, new: { value: 0.75 } }],
    });
  });

  it('have names of their own among the outs', async () => {
    const project = await Project.create({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace('plots: { curve:', 'plots: { scores:'),
    });
    expect((await project.cli('repro')).stdout).toContain('error: Two outs of `score` are called `scores`.');
  });
});
