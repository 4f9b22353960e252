// What disks do to a project: full, read-only, forbidden, damaged. Each is said in a sentence, and nothing is lost.
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { expectSoundStore, files, snapshot } from './pipeline.ts';
import { canBeRefused, canMount, cliWithoutRights, forbid, mountSmall, resize } from './refusals.ts';

const big = {
  'pipeline.yaml': `
stages:
  big: { cmd: 'sh big.sh \${size} > \${outs.big}', outs: { big: out/big.txt } }
  note: { cmd: 'wc -c < \${deps.big} > \${outs.note}', deps: { big: out/big.txt }, outs: { note: out/note.txt } }
`,
  'params.yaml': 'size: 1000\n',
  'big.sh': 'head -c "$1" /dev/zero\n',
};

describe('a full disk', () => {
  it.skipIf(!canMount)(
    '(needs root on Linux) stops the stage, keeps what was there, and is done when there is room',
    async () => {
      const project = await Project.create({});
      mountSmall(project.root, '8m');
      for (const [path, content] of Object.entries(big)) await project.write(path, content);
      expect((await project.cli('repro')).exitCode).toBe(0);
      const before = snapshot(project.root, ['out']);

      await project.write('params.yaml', 'size: 5000000\n');
      const full = await project.cli('repro');
      expect(full.exitCode).toBe(1);
      expect(full.stdout).toContain(
        '✖ big failed. There is no space left on the disk. What is finished is kept; make room (`rodada gc --dry` shows what the store can spare) and run it again.',
      );
      expect(full.stderr).toBe('');
      expect(snapshot(project.root, ['out'])).toEqual(before);
      expectSoundStore(project.root);

      resize(project.root, '24m');
      expect((await project.repro()).summary.executed).toEqual(['big', 'note']);
      expect(await project.read('out/note.txt')).toBe('5000000\n');
      expectSoundStore(project.root);
    },
  );

  it.skipIf(!canMount)('(needs root on Linux) without room for a byte still says so', async () => {
    const project = await Project.create({});
    mountSmall(project.root, '1m');
    for (const [path, content] of Object.entries(big)) await project.write(path, content);
    for (const size of [100_000, 1000]) {
      await project.write('params.yaml', `size: ${size}\n`);
      expect((await project.cli('repro')).exitCode).toBe(0);
    }
    const before = snapshot(project.root, ['out']);
    await project.write('params.yaml', 'size: 2000\n');
    for (let size = 1 << 20; size > 0; size >>= 1)
      try {
        writeFileSync(project.path(`fill-${size}`), Buffer.alloc(size));
      } catch {
        rmSync(project.path(`fill-${size}`), { force: true });
      }
    const full = await project.cli('repro');
    expect(full.exitCode).toBe(1);
    expect(full.stdout).toContain('There is no space left on the disk.');
    expect(full.stderr).toBe('');
    expect(snapshot(project.root, ['out'])).toEqual(before);

    // gc needs no room to make some.
    const collected = await project.cli('gc');
    expect(collected).toMatchObject({ exitCode: 0, stderr: '' });
    expect(collected.stdout).toMatch(/✔ 2 results, .* removed: 10\d(\.\d)? kB;/);
    expect(readdirSync(project.path('cache/run.lock'))).toEqual([]);
    expect((await project.repro()).summary.executed).toEqual(['big', 'note']);
    expectSoundStore(project.root);
  });
});

describe('missing rights', () => {
  it.skipIf(!canBeRefused)('to the store stop the stage before it replaces anything', async () => {
    const project = await Project.create(files);
    chmodSync(project.root, 0o755);
    expect((await cliWithoutRights(project, 'repro')).exitCode).toBe(0);
    const before = snapshot(project.root);
    await project.write('params.yaml', 'size: 2\n');
    const allow = forbid(project.path('cache/objects'));
    const refused = await cliWithoutRights(project, 'repro');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(
      /✖ make failed\. cache\/objects\/[0-9a-f/]+ can't be used: permission denied\. What is finished is kept\./,
    );
    expect(snapshot(project.root)).toEqual(before);
    allow();
    expect((await cliWithoutRights(project, 'repro')).exitCode).toBe(0);
    expectSoundStore(project.root);
  });

  it.skipIf(!canBeRefused)('to an out’s folder leave the result in the store', async () => {
    const project = await Project.create(big);
    chmodSync(project.root, 0o755);
    expect((await cliWithoutRights(project, 'repro')).exitCode).toBe(0);
    const before = snapshot(project.root, ['out']);
    await project.write('params.yaml', 'size: 2000\n');
    const allow = forbid(project.path('out'));
    const refused = await cliWithoutRights(project, 'repro');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain(
      "✖ big failed. out/big.txt can't be used: permission denied. What is finished is kept.",
    );
    expect(snapshot(project.root, ['out'])).toEqual(before);
    allow();
    const { summary } = await project.repro();
    expect(summary).toMatchObject({ restored: ['big'], executed: ['note'] });
    expect(await project.read('out/note.txt')).toBe('2000\n');
  });

  it.skipIf(!canBeRefused)('to write anything at all still let status answer', async () => {
    const project = await Project.create(big);
    chmodSync(project.root, 0o755);
    expect((await cliWithoutRights(project, 'repro')).exitCode).toBe(0);
    rmSync(project.path('cache/memo'), { recursive: true });
    forbid(project.path('cache'));
    const status = await cliWithoutRights(project, 'status');
    expect(status.exitCode).toBe(0);
    const refused = await cliWithoutRights(project, 'repro');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(
      /^error: cache\/run\.lock\/\S+ can't be used: permission denied\. What is finished is kept\.\n$/,
    );
  });
});

describe('an out', () => {
  it('that is gone, edited or of another kind comes back', async () => {
    const project = await Project.create(files);
    await project.repro();
    const before = snapshot(project.root);
    const outs = ['data/made', 'data/copy-left', 'data/copy-right', 'count.txt', 'report.txt', 'note.txt'];
    await project.remove('data/copy-right');
    writeFileSync(project.path('data/made/file 1.txt'), 'edited\n');
    rmSync(project.path('data/copy-left/inner/empty'), { recursive: true });
    await project.remove('count.txt');
    await project.write('count.txt/now/a folder.txt', 'x');
    await project.remove('report.txt');
    symlinkSync('/nowhere', project.path('report.txt'));
    const { summary } = await project.repro();
    expect(summary.executed).toEqual([]);
    expect(snapshot(project.root)).toEqual(before);
    expect(outs.every((path) => Object.hasOwn(before, path))).toBe(true);
    expectSoundStore(project.root);
  });
});

describe('a damaged object', () => {
  /** Path in the store of each object, and whether it is a manifest. */
  const objects = (project: Project): string[] =>
    readdirSync(project.path('cache/objects')).flatMap((prefix) =>
      readdirSync(project.path(`cache/objects/${prefix}`)).map((name) =>
        project.path(`cache/objects/${prefix}/${name}`),
      ),
    );

  it.each([
    ['cut short', (path: string) => truncateSync(path, readFileSync(path).length - 1)],
    ['empty', (path: string) => truncateSync(path, 0)],
    [
      'with one bit flipped',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 4;
        writeFileSync(path, bytes);
      },
    ],
    ['gone', (path: string) => rmSync(path)],
  ])('that is %s is made anew, whichever it is', async (_, damage) => {
    const project = await Project.create(files);
    await project.repro();
    const before = snapshot(project.root);
    for (const object of objects(project)) damage(object);
    await project.remove('data');
    await project.remove('report.txt');
    await project.remove('count.txt');
    await project.remove('note.txt');
    const { summary } = await project.repro();
    expect(summary).toMatchObject({ restored: [], failed: [], skipped: [] });
    expect(snapshot(project.root)).toEqual(before);
    expectSoundStore(project.root);
  });
});
