// One's own pictures: what counts as a class and a picture, and what is said when there are none.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCatalog } from '../../pictures/catalog.ts';
import { readFolder } from '../../sources/folder.ts';
import { runStage } from '../support/run-stage.ts';

let directory: string;
let root: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-folder-'));
  root = join(directory, 'my photos');
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function files(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `content of ${path}`);
  }
}

test('the pictures of each class folder are taken, at any depth and with any name', async () => {
  await files('car/b.JPG', 'car/a.png', 'car/day/1.webp', 'bike/ü ñ.svg', 'bike/"quoted".gif');
  const result = await runStage('stages/download/folder.ts', {
    params: { source: { kind: 'folder', folder: { root } } },
    deps: { folder: root },
    outs: { raw: join(directory, 'raw') },
  });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const entries = await readCatalog(join(directory, 'raw', 'catalog.jsonl'));
  expect(entries).toEqual(
    ['bike/"quoted".gif', 'bike/ü ñ.svg', 'car/a.png', 'car/b.JPG', 'car/day/1.webp'].map((path) => ({
      path: `pictures/${path}`,
      class: path.slice(0, path.indexOf('/')),
      group: path,
      origin: 'my photos',
    })),
  );
  for (const { path, group } of entries) {
    expect(await readFile(join(directory, 'raw', path), 'utf8')).toBe(`content of ${group}`);
  }
  expect(result.progress.at(-1)).toMatchObject({ done: 5, total: 5 });
});

test('hidden files, other files, loose files and links in a circle are ignored, and named', async () => {
  await files('car/a.png', 'car/.b.png', 'car/notes.txt', 'car/png', '.git/a.png', 'loose.png');
  await symlink(root, join(root, 'car', 'circle'));
  await symlink(join(root, 'nowhere.png'), join(root, 'car', 'broken.png'));
  const { classes, ignored } = await readFolder(root, join(directory, 'raw'));
  expect([...classes]).toEqual([['car', 1]]);
  expect(ignored).toEqual([
    '.git',
    'car/.b.png',
    'car/broken.png',
    'car/circle',
    'car/notes.txt',
    'car/png',
    'loose.png',
  ]);
});

test.each([
  ['a root that does not exist', [], /does not exist: give the path of a folder/],
  ['pictures without class folders', ['a.png', 'b.png'], /holds no class folders, but 2 pictures/],
  ['class folders without pictures', ['car/notes.txt'], /hold no pictures/],
])('%s: said, with what to do', async (_, paths, sentence) => {
  await files(...paths);
  await expect(readFolder(root, join(directory, 'raw'))).rejects.toThrow(sentence);
});

test('a folder source without a folder says which parameter to set', async () => {
  const result = await runStage('stages/download/folder.ts', {
    params: { source: { kind: 'folder', folder: { root: null } } },
    outs: { raw: join(directory, 'raw') },
  });
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/set it to the path of your pictures, `<root>\/<class>\/\*`\.\n$/);
});
