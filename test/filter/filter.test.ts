// The filter keeps the study's classes, sets the others aside, and accounts for every picture.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CatalogEntry, readCatalog, writeCatalog } from '../../pictures/catalog.ts';
import { filterCatalog } from '../../sources/filter.ts';
import { notAPicture } from '../../sources/picture-files.ts';
import { runStage } from '../support/run-stage.ts';

const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>';
let raw: string;

beforeEach(async () => {
  raw = await mkdtemp(join(tmpdir(), 'rodada-filter-'));
});

afterEach(async () => {
  await rm(raw, { recursive: true, force: true });
});

/** Writes the files and their catalogue; the class is the folder. */
async function source(files: Record<string, string>): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(raw, path)), { recursive: true });
    await writeFile(join(raw, path), content);
    entries.push({ path, class: dirname(path), group: path, origin: 'test' });
  }
  await writeCatalog(join(raw, 'catalog.jsonl'), entries);
  return entries;
}

test('each picture is kept under the study class, set aside under its own, or dropped with a reason', async () => {
  await source({
    'bike/1.svg': svg,
    'minibus/1.svg': svg,
    'bus/1.svg': svg,
    'bus/2.svg': '',
    'bus/3.jpg': '<html>not found</html>',
    'tree/1.svg': svg,
    'tree/2.txt': 'text',
  });
  const outs = {
    kept: join(raw, 'out', 'kept.jsonl'),
    aside: join(raw, 'out', 'aside.jsonl'),
    report: join(raw, 'out', 'filter.json'),
  };
  const result = await runStage('stages/filter.ts', {
    params: { filter: { classes: { motorcycle: ['bike'], bus: ['minibus', 'bus'] } } },
    deps: { raw },
    outs,
  });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const kept = await readCatalog(outs.kept);
  expect(kept.map((entry) => [entry.path, entry.class])).toEqual([
    ['bike/1.svg', 'motorcycle'],
    ['bus/1.svg', 'bus'],
    ['minibus/1.svg', 'bus'],
  ]);
  expect((await readCatalog(outs.aside)).map((entry) => [entry.path, entry.class])).toEqual([
    ['tree/1.svg', 'tree'],
  ]);
  expect(JSON.parse(await readFile(outs.report, 'utf8'))).toEqual({
    kept: { bus: 2, motorcycle: 1 },
    aside: { tree: 1 },
    dropped: [
      { path: 'bus/2.svg', reason: 'empty file' },
      { path: 'bus/3.jpg', reason: 'not a picture: begins with "<html>no"' },
      { path: 'tree/2.txt', reason: 'not a picture: extension .txt' },
    ],
  });
  expect(result.stdout).toMatch(/^bus +2\nmotorcycle +1\nset aside +1 of 1 classes\ndropped +3\n/);
});

test('every format that sharp writes passes, and none of them does when cut to nothing', async () => {
  const image = sharp({ create: { width: 9, height: 9, channels: 3, background: '#123456' } });
  for (const format of ['avif', 'gif', 'jpeg', 'png', 'tiff', 'webp'] as const) {
    const file = join(raw, `picture.${format}`);
    await image.clone().toFormat(format).toFile(file);
    expect(await notAPicture(file), format).toBeUndefined();
  }
  for (const start of ['<?xml version="1.0"?>\n<svg/>', '\ufeff<svg >', '<!-- made by -->\n<svg/>']) {
    await writeFile(join(raw, 'a.svg'), start);
    expect(await notAPicture(join(raw, 'a.svg')), start).toBeUndefined();
  }
});

test('a class without pictures names its source classes, those that exist, and the nearest', async () => {
  const entries = await source({ 'car/1.svg': svg, 'Truck/1.svg': svg });
  await expect(filterCatalog(raw, entries, { car: ['car'], truck: ['trucks'] })).rejects.toThrow(
    'Class truck has no pictures: filter.classes.truck is [trucks], and the source has the classes Truck, car. Did you mean Truck?',
  );
});

test('a class whose pictures are all unreadable is said to be so', async () => {
  const entries = await source({ 'car/1.svg': '' });
  await expect(filterCatalog(raw, entries, { car: ['car'] })).rejects.toThrow(
    /Class car has no pictures: .* All its pictures are unreadable \(1 files dropped\)/,
  );
});

test('a source class under two study classes is refused', async () => {
  await expect(filterCatalog(raw, [], { car: ['car'], truck: ['car'] })).rejects.toThrow(
    "names the source's class car under both car and truck",
  );
});
