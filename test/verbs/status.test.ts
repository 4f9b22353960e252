// `status` and `why`: what repro would do and for which reasons, with and without the data at hand.
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';
import { all, jsonLines, textProject } from './text-project.ts';

describe('status', () => {
  it('ends with 1 while anything is to be done, with 0 after it', async () => {
    const project = await Project.create(textProject);
    expect((await project.cli('status')).exitCode).toBe(1);
    await project.repro();
    const clean = await project.cli('status');
    expect(clean).toMatchObject({ exitCode: 0, stdout: '✔ Nothing to do: all 6 stages are fresh\n' });
    await project.edit('params.yaml', 'times: 2', 'times: 3');
    const edited = await project.cli('status');
    expect(edited.exitCode).toBe(1);
    expect(edited.stdout).toBe(`▶ count:c would run (times 2 → 3)
▶ count:w would run (times 2 → 3)
? total may run, its inputs are not known yet (after count:c, count:w)
2 would run, 1 may run, 3 fresh
`);
    expect(await project.cli('status', 'words')).toMatchObject({ exitCode: 0 });
    expect(await project.cli('status', '--set', 'times=2')).toMatchObject({ exitCode: 0 });
    expect((await project.cli('status', '--profile', 'big')).stdout).toContain('(times 2 → 100)');
    await project.edit('params.yaml', 'times: 3', 'times: 2');
    await project.remove('out/side.txt');
    const gone = await project.cli('status', '--json');
    expect(gone.exitCode).toBe(1);
    expect(jsonLines(gone.stdout)).toEqual([
      ...all.map((stage) =>
        stage === 'side'
          ? {
              type: 'forecast',
              stage,
              action: 'restore',
              reasons: [{ what: 'out', path: 'out/side.txt', state: 'missing' }],
            }
          : { type: 'forecast', stage, action: 'fresh', reasons: [] },
      ),
      {
        type: 'outlook',
        run: [],
        restore: ['side'],
        mayRun: [],
        blocked: [],
        fresh: all.filter((stage) => stage !== 'side'),
      },
    ]);
  });

  it('ends with 2 on a mistake', async () => {
    const project = await Project.create(textProject);
    expect(await project.cli('status', 'cuont')).toMatchObject({
      exitCode: 2,
      stdout: 'error: There is no stage `cuont`.\nDid you mean `count`?\n',
    });
    expect(await project.cli('status', 'count:d')).toMatchObject({
      exitCode: 2,
      stdout: 'error: There is no stage `count:d`.\nDid you mean `count:c`?\n',
    });
    // The stage is right: what it has, not what else is spelt alike.
    expect(await project.cli('status', 'count:words')).toMatchObject({
      exitCode: 2,
      stdout: 'error: There is no stage `count:words`.\nKnown: count:c, count:w.\n',
    });
  });
});

describe('status --allow-missing', () => {
  /** Like a fresh clone: pipeline.lock and the code, neither cache nor outs nor the data. */
  let clone: Project;
  beforeAll(async () => {
    clone = await Project.createForSuite(textProject);
    await clone.repro();
    for (const path of ['cache', 'out', 'total', 'text.txt']) await clone.remove(path);
  });
  afterAll(() => clone.dispose());

  it('takes what is absent from the lock', async () => {
    expect(await clone.cli('status', '--allow-missing')).toMatchObject({
      exitCode: 0,
      stdout: '✔ Nothing to do: all 6 stages are fresh\n',
    });
    const without = await clone.cli('status');
    expect(without.exitCode).toBe(2);
    expect(without.stdout).toContain(
      '`upper` depends on `text.txt`, which no stage makes and which does not exist.',
    );
  });

  it('finds that code or parameters are not those of the results', async () => {
    await clone.edit('lib/scale.mjs', 'n * by', 'n * by * 1');
    expect(await clone.cli('status', '--allow-missing')).toMatchObject({
      exitCode: 1,
      stdout: `▶ count:c would run (lib/scale.mjs changed)
▶ count:w would run (lib/scale.mjs changed)
? total may run, its inputs are not known yet (after count:c, count:w)
2 would run, 1 may run, 3 fresh
`,
    });
    await clone.edit('lib/scale.mjs', 'n * by * 1', 'n * by');
    expect((await clone.cli('status', '--allow-missing', '--set', 'by.w=7')).stdout).toContain(
      '▶ count:w would run (by.w 1 → 7)',
    );
  });

  it('still looks at what is there', async () => {
    await clone.write('text.txt', 'other\n');
    expect((await clone.cli('status', '--allow-missing')).stdout).toContain(
      '▶ upper would run (text.txt changed)',
    );
    await clone.remove('text.txt');
  });

  it('finds a stage whose recorded input is not what its maker left', async () => {
    const lock = await clone.read('pipeline.lock');
    const blocks = lock.split('\n\n');
    const words = blocks.findIndex((text) => text.includes('"stage": "words"'));
    const { hash } = await lockedOut(clone, 'out/words.txt');
    blocks[words] = blocks[words]!.replace(hash, '0'.repeat(64));
    await clone.write('pipeline.lock', blocks.join('\n\n'));
    const { exitCode, stdout } = await clone.cli('status', '--allow-missing');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('▶ count:c would run (out/words.txt changed)');
    await clone.write('pipeline.lock', lock);
  });

  it('takes the files of a glob from the lock, too', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:
  join: { cmd: 'cat \${lists.texts} > \${outs.o}', deps: { texts: 'texts/*.txt' }, outs: { o: joined.txt } }
`,
      'params.yaml': '',
      'texts/a.txt': 'a\n',
      'texts/b.txt': 'b\n',
    });
    await project.repro();
    for (const path of ['texts/a.txt', 'joined.txt', 'cache']) await project.remove(path);
    expect((await project.cli('status', '--allow-missing')).exitCode).toBe(0);
    expect((await project.cli('status')).stdout).toContain('(texts/a.txt removed');
    await project.remove('texts');
    expect((await project.cli('status', '--allow-missing')).exitCode).toBe(0);
    await project.write('texts/c.txt', 'c\n');
    expect((await project.cli('status', '--allow-missing')).stdout).toContain('(texts/c.txt added)');
  });

  it('says that a part of a directory can not be told from its hash', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:
  make: { cmd: 'mkdir \${outs.d} && echo b > \${outs.d}/b', outs: { d: dir } }
  part: { cmd: 'cat \${deps.b} > \${outs.o}', deps: { b: dir/b }, outs: { o: part.txt } }
`,
      'params.yaml': '',
    });
    await project.repro();
    for (const path of ['dir', 'part.txt']) await project.remove(path);
    expect((await project.cli('status', '--allow-missing')).exitCode).toBe(0); // the manifest is in the store
    await project.remove('cache');
    expect(await project.cli('status', '--allow-missing')).toMatchObject({
      exitCode: 1,
      stdout: '? part may run, its inputs are not known yet (after make)\n1 may run, 1 fresh\n',
    });
  });
});

describe('why', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.createForSuite({
      ...textProject,
      'pipeline.yaml': `${textProject['pipeline.yaml']}
  read:
    cmd: 'cat \${deps.total}/* > \${outs.read}'
    deps: { total: total }
    outs: { read: out/read.txt }
`,
    });
    await project.repro();
  });
  afterAll(() => project.dispose());

  it('says that a stage is fresh, and when it ran', async () => {
    const { exitCode, stdout } = await project.cli('why', 'words');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^✔ words is fresh: its inputs and outs are what pipeline\.lock says, last run \d{4}-\d\d-\d\dT[\d:.]+Z \([\d.]+ m?s\)\n$/,
    );
  });

  it('names params, code, command, dependencies and outs', async () => {
    await project.edit('params.yaml', 'w: 1', 'w: 3');
    await project.edit('lib/scale.mjs', 'n * by', 'by * n');
    await project.write('out/count-w', 'by hand\n');
    await project.edit('pipeline.yaml', 'node count.mjs', 'node ./count.mjs');
    const { stdout } = await project.cli('why', 'count:w');
    expect(stdout.replace(/last run .*\)/, 'last run T')).toBe(`count:w would run, last run T:
  by.w 1 → 3
  lib/scale.mjs changed
  command \`node count.mjs\` → \`node ./count.mjs\`
  out/count-w is edited
`);
    expect((await project.cli('why', 'total')).stdout.replace(/last run .*\)/, 'last run T')).toBe(
      'total may run, its inputs are not known yet, last run T:\n  after count:c, count:w\n',
    );
    await project.edit('params.yaml', 'w: 3', 'w: 1');
    await project.edit('lib/scale.mjs', 'by * n', 'n * by');
    await project.edit('pipeline.yaml', 'node ./count.mjs', 'node count.mjs');
  });

  it('names the files of a directory that was edited, for its maker and its reader', async () => {
    await project.repro();
    appendFileSync(project.path('total/note.txt'), 'more\n');
    await project.write('total/new file.txt', '');
    await project.remove('total/total.txt');
    const { stdout } = await project.cli('why', 'total');
    expect(
      stdout.replace(/last run .*\)/, 'last run T'),
    ).toBe(`total would be restored from an earlier run, last run T:
  total is edited
    ~ note.txt
    + new file.txt
    - total.txt
`);
    // It will read what is restored, which is what it has read before.
    expect((await project.cli('why', 'read')).stdout).toContain('read is fresh');
    const single = jsonLines((await project.cli('repro', '--dry', '--single-item', 'read', '--json')).stdout);
    expect(single[0]).toMatchObject({
      stage: 'read',
      action: 'run',
      reasons: [{ what: 'dep', path: 'total', change: 'changed' }],
    });
    await project.repro();
  });

  it('gives all of it to a program, for each instance of a stage', async () => {
    await project.edit('params.yaml', 'times: 2', 'times: 5');
    const lines = jsonLines((await project.cli('why', 'count', '--json')).stdout);
    expect(lines.map(({ stage }) => stage)).toEqual(['count:c', 'count:w']);
    expect(lines[0]).toEqual({
      type: 'why',
      stage: 'count:c',
      action: 'run',
      reasons: [{ what: 'param', name: 'times', old: 2, new: 5 }],
      files: [],
      lastRun: { ended: expect.stringMatching(/Z$/), seconds: expect.any(Number) },
    });
    await project.edit('params.yaml', 'times: 5', 'times: 2');
  });

  it('needs a stage that exists', async () => {
    expect((await project.cli('why')).exitCode).toBe(2);
    expect((await project.cli('why', 'totl')).stdout).toBe(
      'error: There is no stage `totl`.\nDid you mean `total`?\n',
    );
  });
});
