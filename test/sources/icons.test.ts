// The icons source: from a package in a registry to pictures, catalogue and licences, by the rules of params.yaml.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IconifyJSON } from '@iconify/types';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCatalog } from '../../pictures/catalog.ts';
import { runStage, type StageRun } from '../support/run-stage.ts';
import { type NpmRegistry, startNpmRegistry } from './npm-registry.ts';

const author = (name: string, url?: string) => ({ name, ...(url === undefined ? {} : { url }) });
const license = { title: 'Apache 2.0', spdx: 'Apache-2.0', url: 'https://example.org/licence' };

/** A triangle in the upper right corner, so that flips and rotations show. */
const corner = '<path fill="currentColor" d="M8 0h8v8z"/>';

const first: IconifyJSON = {
  prefix: 'first',
  info: {
    name: 'First Icons',
    author: author('A', 'https://github.com/a/icons'),
    license,
    version: '1.2.3',
  },
  width: 16,
  height: 16,
  icons: {
    car: { body: corner },
    'car-wash': { body: '<path d="M0 0h1v1z"/>' },
    'car-bus': { body: '<path d="M0 0h2v2z"/>' },
    'bus-tall': { body: '<path d="M-4 -4h8v24z"/>', left: -4, top: -4, width: 8, height: 24 },
    'bus-old': { body: '<path d="M0 0h3v3z"/>', hidden: true },
    'bus-moving': { body: '<path d="M0 0h3v3z"><animate attributeName="d"/></path>' },
    'tree-outline': { body: '<path d="M0 0h4v4z"/>' },
    'tree-house': { body: '<path d="M0 0h5v5z"/>' },
    cargo: { body: '<path d="M0 0h6v6z"/>' },
  },
  aliases: {
    automobile: { parent: 'car' },
    'car-left': { parent: 'car', hFlip: true },
    'car-down': { parent: 'car', rotate: 1 },
    'car-lost': { parent: 'nothing' },
  },
};
const twin: IconifyJSON = {
  prefix: 'twin',
  info: { name: 'Twin', author: author('A'), license: { title: 'Own licence' } },
  icons: { bus: { body: '<path d="M0 0h7v7z"/>' }, tree: { body: '<path d="M0 0h4v9z"/>' } },
};
const logos: IconifyJSON = {
  prefix: 'logos',
  info: { name: 'Logos', author: author('L'), license, category: 'Logos' },
  icons: { car: { body: corner } },
};

const rules = {
  classes: { bus: ['bus'], car: ['car', 'automobile'] },
  without: ['wash'],
  except: [],
  limit: null,
  withoutCategories: ['Logos'],
  families: [],
  aside: { classes: { tree: ['tree'] }, styles: ['outline'], limit: 10 },
};

let registry: NpmRegistry;
let directory: string;
let result: StageRun;

function run(params: object, out = join(directory, 'raw')): Promise<StageRun> {
  const icons = {
    package: '@test/icons',
    version: '1.0.0',
    integrity: registry.integrity,
    ...rules,
    ...params,
  };
  return runStage(
    'stages/download/icons.ts',
    { params: { source: { kind: 'icons', icons } }, outs: { raw: out } },
    registry.env,
  );
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-icons-'));
  registry = await startNpmRegistry('@test/icons', '1.0.0', {
    'collections.json': '{}',
    ...Object.fromEntries(
      [first, twin, logos].map((set) => [`json/${set.prefix}.json`, JSON.stringify(set)]),
    ),
  });
  result = await run({});
});

afterAll(async () => {
  await registry.close();
  await rm(directory, { recursive: true, force: true });
});

test('icons are found by whole words, each picture once; what was left out is counted', async () => {
  expect(result).toMatchObject({ exitCode: 0 });
  const entries = await readCatalog(join(directory, 'raw', 'catalog.jsonl'));
  expect(entries.map((entry) => entry.path)).toEqual([
    'pictures/bus/first--bus-tall.svg',
    'pictures/bus/twin--bus.svg',
    'pictures/car/first--car-down.svg',
    'pictures/car/first--car-left.svg',
    'pictures/car/first--car.svg',
    'pictures/tree/first--tree-outline.svg',
    'pictures/tree/twin--tree.svg',
  ]);
  expect(entries[0]).toEqual({
    path: 'pictures/bus/first--bus-tall.svg',
    class: 'bus',
    group: 'first',
    origin: 'first',
  });
  expect(entries.map((entry) => entry.group)).toEqual(entries.map(() => 'first')); // sets of one author
  expect(result.stdout).toContain(
    'left out: 1 that mean something else, 1 with words of two classes, 1 duplicates, 2 animated or broken',
  );
});

test('each set is listed with author, licence and number of pictures', async () => {
  expect(JSON.parse(await readFile(join(directory, 'raw', 'sources.json'), 'utf8'))).toEqual([
    {
      id: 'first',
      name: 'First Icons',
      author: 'A',
      authorUrl: 'https://github.com/a/icons',
      licence: 'Apache-2.0',
      licenceUrl: 'https://example.org/licence',
      version: '1.2.3',
      pictures: 5,
    },
    {
      id: 'twin',
      name: 'Twin',
      author: 'A',
      authorUrl: null,
      licence: 'Own licence',
      licenceUrl: null,
      version: null,
      pictures: 2,
    },
  ]);
});

test('the pictures are drawn where the icon set says: viewBox, flip, rotation, black', async () => {
  const inked = async (name: string) => {
    const file = join(directory, 'raw', 'pictures', name);
    const { data, info } = await sharp(file)
      .resize(16, 16, { fit: 'fill' })
      .flatten({ background: '#fff' })
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const dark = (x: number, y: number) => data[(y * info.width + x) * info.channels]! < 60;
    return {
      topRight: dark(13, 2),
      topLeft: dark(2, 2),
      bottomRight: dark(14, 14),
      bottomLeft: dark(2, 13),
    };
  };
  const none = { topRight: false, topLeft: false, bottomRight: false, bottomLeft: false };
  expect(await inked('car/first--car.svg')).toEqual({ ...none, topRight: true });
  expect(await inked('car/first--car-left.svg')).toEqual({ ...none, topLeft: true });
  expect(await inked('car/first--car-down.svg')).toEqual({ ...none, bottomRight: true });
  const tall = await sharp(join(directory, 'raw', 'pictures', 'bus', 'first--bus-tall.svg')).metadata();
  expect([tall.width, tall.height]).toEqual([8, 24]);
  expect(await inked('bus/first--bus-tall.svg')).toMatchObject({ topRight: true, bottomLeft: false });
});

test('two runs give the same bytes', async () => {
  const again = join(directory, 'again');
  await run({}, again);
  for (const file of ['catalog.jsonl', 'sources.json']) {
    expect(await readFile(join(again, file), 'utf8')).toBe(
      await readFile(join(directory, 'raw', file), 'utf8'),
    );
  }
});

test('a package that is not the pinned one is refused with both hashes', async () => {
  const pinned = `sha512-${Buffer.alloc(64).toString('base64')}`;
  const refused = await run({ integrity: pinned }, join(directory, 'refused'));
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(`its integrity is ${registry.integrity}, params.yaml expects ${pinned}`);
});

test('a version that the registry does not have is said in words', async () => {
  const failed = await run({ version: '9.9.9' }, join(directory, 'failed'));
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(/^npm could not fetch @test\/icons@9\.9\.9: .*ETARGET.*Check the network/);
});

test('an exception or family that names nothing is pointed out', async () => {
  const noted = await run(
    { except: ['first:car-left', 'first:cra'], families: [['first', 'thrid']] },
    join(directory, 'noted'),
  );
  expect(noted.stdout).toContain('named in params.yaml, but not there: first:cra, thrid');
  const entries = await readCatalog(join(directory, 'noted', 'catalog.jsonl'));
  expect(entries.map((entry) => entry.path)).not.toContain('pictures/car/first--car-left.svg');
});

test('a class without icons is said with its words', async () => {
  const failed = await run(
    { classes: { ...rules.classes, tank: ['tank', 'panzer'] } },
    join(directory, 'none'),
  );
  expect(failed.stderr).toMatch(/^No icon is named after class tank \(words: tank, panzer\)/);
});
