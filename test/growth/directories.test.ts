// Large directories: their manifest and memo are split into leaves, so that an edit of a file rewrites one, in little memory.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Content } from '../../engine/store/content.ts';
import { leafCount, leafOf } from '../../engine/store/leaves.ts';
import { LinkTargets } from '../../engine/store/links.ts';
import { contentWithin, linesOf, manifestText, sha256 } from '../../engine/store/manifest.ts';
import type { RunRecord } from '../../engine/store/run-records.ts';
import { listTree } from '../../engine/store/tree.ts';
import { seeded } from '../property/seed.ts';
import { expectSoundStore, snapshot } from '../safety/pipeline.ts';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

/** One more than fit into a manifest that is not split, and some. */
const many = 16_500;

/** A stage that copies a directory of many files, and one that reads them. */
async function projectOfMany(): Promise<Project> {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  copy: { cmd: 'cp -R \${deps.in} \${outs.out}', deps: { in: in }, outs: { out: out } }
`,
    'params.yaml': '',
  });
  for (let i = 0; i < many; i++) {
    const folder = project.path(`in/d${Math.floor(i / 500)}`);
    if (i % 500 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${i}.txt`), `${i}\n`);
  }
  return project;
}

const objects = (project: Project): Set<string> =>
  new Set(
    readdirSync(project.path('cache/objects'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.includes('/'))
      .map((path) => path.replace('/', '')),
  );

const readObject = (project: Project, hash: string): string =>
  readFileSync(project.path(`cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`), 'utf8');

/** The hash of `out` after the only run. */
function hashOfOut(project: Project): string {
  const [record] = readdirSync(project.path('cache/runs')).filter((name) => name.endsWith('.json'));
  return (JSON.parse(readFileSync(project.path(`cache/runs/${record}`), 'utf8')) as RunRecord).outs.out!.hash;
}

/** Files of the memo, and what is in each. */
const memo = (project: Project): Map<string, string> =>
  new Map(
    readdirSync(project.path('cache/memo'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /^\w{16}\/\d+\.json$/.test(path))
      .map((path) => [path, readFileSync(project.path(`cache/memo/${path}`), 'utf8')]),
  );

const added = (before: Set<string>, after: Set<string>): string[] =>
  [...after].filter((hash) => !before.has(hash));

describe('a directory of many files', { timeout: 300_000 }, () => {
  it('is restored, and an edit of a file writes few objects and one leaf of the memo', async () => {
    const project = await projectOfMany();
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    const root = readObject(project, hashOfOut(project));
    expect(root.trim().split('\n')).toHaveLength(leafCount);
    const first = { objects: objects(project), memo: memo(project), files: snapshot(project.root, ['out']) };
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });

    // Settled by now: the leaves of both directories are known.
    appendFileSync(project.path('in/d3/f1600.txt'), 'edit\n');
    const { stdout } = await project.cli('why', 'copy', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      files: [{ path: 'in', added: [], removed: [], changed: ['d3/f1600.txt'] }],
    });
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    const edited = objects(project);
    expect(added(first.objects, edited)).toHaveLength(3); // the file, its leaf and the list of leaves
    const leaf = `${leafOf('d3/f1600.txt')}.json`;
    const input = [...memo(project)].filter(
      ([path, text]) => path.endsWith(`/${leaf}`) || first.memo.get(path) === text,
    );
    expect(input.length).toBeGreaterThanOrEqual(leafCount); // all leaves of \`in\` but one are as before

    await project.cli('gc', '--workspace');
    expect(added(objects(project), edited)).toHaveLength(3);
    expectSoundStore(project.root);
    const before = snapshot(project.root, ['out']);
    expect(before).not.toEqual(first.files);
    await project.remove('out');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['copy'] });
    expect(snapshot(project.root, ['out'])).toEqual(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
  });

  it('is made again if a leaf of its manifest is damaged, which is moved aside', async () => {
    const project = await projectOfMany();
    await project.repro();
    const before = snapshot(project.root, ['out']);
    const leaves = readObject(project, hashOfOut(project)).trim().split('\n');
    const [, hash] = JSON.parse(leaves[77]!) as [string, string];
    appendFileSync(project.path(`cache/objects/${hash.slice(0, 2)}/${hash.slice(2)}`), ' ');
    await project.remove('out');
    expect((await project.repro()).summary).toMatchObject({ executed: ['copy'], restored: [] });
    expect(readdirSync(project.path('cache/quarantine'))).toEqual([hash]);
    expect(snapshot(project.root, ['out'])).toEqual(before);
    expect((await project.cli('verify')).exitCode).toBe(0);
  });

  it('that changes while a stage runs is named with the file', async () => {
    const project = await projectOfMany();
    await project.write(
      'pipeline.yaml',
      "stages: { count: { cmd: 'echo x >> in/d3/f1600.txt; ls in > ${outs.n}', deps: { in: in }, outs: { n: n.txt } } }\n",
    );
    expect(JSON.stringify((await project.repro()).events)).toContain('in/d3/f1600.txt');
  });
});

describe('the manifest of a directory', () => {
  /** A name, few of which make many collisions of files with folders. */
  const name = fc.constantFrom('a', 'b', 'a.b', 'a-b', 'B', 'ä', '日本', 'é');
  const tree = fc.uniqueArray(
    fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), text: fc.constantFrom('', '1', '22') }),
    { selector: ({ path }) => path.join('/'), maxLength: 40 },
  );

  /** Writes those files whose paths collide with none before. @returns their paths and texts */
  function write(folder: string, files: readonly { path: readonly string[]; text: string }[]): void {
    for (const { path, text } of files) {
      mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
      writeFileSync(join(folder, ...path), text);
    }
  }

  function fits(files: readonly { path: readonly string[]; text: string }[]): typeof files {
    const kept: { path: readonly string[]; text: string }[] = [];
    const inside = (one: readonly string[], other: readonly string[]): boolean =>
      one.every((part, i) => other[i] === part);
    for (const file of files)
      if (!kept.some(({ path }) => inside(path, file.path) || inside(file.path, path))) kept.push(file);
    return kept;
  }

  const folders = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'rodada-tree-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };

  const list = (folder: string, limit?: number) =>
    listTree(folder, {
      links: new LinkTargets(join(folder, '..')).of(folder, folder),
      ...(limit === undefined ? {} : { limit }),
    });

  it('depends on the entries alone, split or not', async () => {
    const root = folders();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(tree, fc.infiniteStream(fc.nat()), async (drawn, order) => {
        const files = fits(drawn);
        const shuffled = files
          .map((file) => ({ file, at: order.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ file }) => file);
        const [one, other] = [join(root, `${++count}`), join(root, `${++count}`)];
        for (const [folder, written] of [
          [one, files],
          [other, shuffled],
        ] as const) {
          mkdirSync(folder);
          write(folder, written);
        }
        const contents: Content[] = [];
        for (const limit of [0, 8, 1000]) {
          const listed = await list(one, limit);
          expect(listed.isSplit).toBe(files.length > limit);
          expect((await list(other, limit)).content()).toEqual(listed.content());
          contents.push(listed.content());
          expect(new Set((await linesOf(listed.parts())).map(([, path]) => path))).toEqual(
            new Set(files.map(({ path }) => path.join('/'))),
          );
        }
        for (const { size, files: number } of contents)
          expect({ size, number }).toEqual({ size: contents[2]!.size, number: files.length });
        if (files.length === 0) return;
        writeFileSync(join(other, ...files[0]!.path), `${files[0]!.text}!`);
        for (const [i, limit] of [0, 8, 1000].entries())
          expect((await list(other, limit)).content().hash).not.toBe(contents[i]!.hash);
      }),
      { ...seeded(), numRuns: 60 },
    );
  });

  it('is what an independent reading of the format gives', async () => {
    const folder = folders();
    write(
      folder,
      Array.from({ length: 500 }, (_, i) => ({ path: [`d${i % 7}`, `f${i}`], text: `${i}` })),
    );
    const listed = await list(folder, 100);
    const whole = await list(folder);
    const lines = await linesOf(whole.parts());
    expect(whole.content().hash).toBe(sha256(manifestText(lines)));
    const leaves = Array.from({ length: leafCount }, (_, leaf) => {
      const inLeaf = lines.filter(([, path]) => leafOf(path) === leaf);
      const size = inLeaf.reduce((sum, line) => sum + (line[3] as number), 0);
      return `${JSON.stringify(['leaf', sha256(manifestText(inLeaf)), inLeaf.length, inLeaf.length, size])}\n`;
    });
    expect(listed.content()).toEqual({ ...whole.content(), hash: sha256(leaves.join('')) });
    for (const part of ['d0', 'd6'])
      expect(await contentWithin(listed.parts(), part)).toEqual((await list(join(folder, part))).content());
    expect(await contentWithin(listed.parts(), 'd0/f7')).toMatchObject({ type: 'file', size: 1 });
    expect(await contentWithin(listed.parts(), 'none')).toBeUndefined();
  });

  const entries = Number(process.env.RODADA_ENTRIES ?? 500_000);

  it(`of ${entries.toLocaleString('en')} entries is made in little memory`, { timeout: 600_000 }, () => {
    const script = `
      import { Listing } from '${projectRoot}/engine/store/listing.ts';
      const listing = new Listing({ folder: process.argv[1] });
      const hash = 'ab'.repeat(32);
      for (let i = 0; i < ${entries}; i++)
        listing.add(['file', 'folder' + (i >> 10) + '/image-' + i + '.png', hash, 1], '1 1764105100123456789 1764105100123456789 ' + i);
      let bytes = 0;
      for (const text of listing.texts()) bytes += text.length;
      console.log(JSON.stringify({ ...listing.content(), bytes, peak: process.resourceUsage().maxRSS / 1024 }));
    `;
    const arguments_ = ['--max-old-space-size=96', '--import', 'tsx', '--input-type=module', '-e', script];
    const result = JSON.parse(
      execFileSync(process.execPath, [...arguments_, folders()], { cwd: projectRoot, encoding: 'utf8' }),
    ) as { files: number; size: number; bytes: number; peak: number };
    expect(result).toMatchObject({ files: entries, size: entries });
    expect(result.bytes).toBeGreaterThan(entries * 80);
    expect(result.peak).toBeLessThan(300); // MiB
  });
});
