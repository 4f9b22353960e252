// resize and split, run as the engine runs them, on pictures of every kind that a source may hold.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogEntry, writeCatalog } from '../../pictures/catalog.ts';
import { decodePicture } from '../../pictures/decode.ts';
import { readIndex } from '../../pictures/index.ts';
import { NpyFile } from '../../pictures/npy.ts';
import { labelsOf, readSplit } from '../../pictures/split.ts';
import { runStage } from '../support/run-stage.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-resize-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function save(name: string, content: Sharp | string | Buffer): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(
    file,
    typeof content === 'string' || Buffer.isBuffer(content) ? content : await content.toBuffer(),
  );
  return file;
}

const plain = (width: number, height: number, background: string, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background } });

/** The colour in the middle of a decoded picture. */
const middle = (pixels: Uint8Array, size: number) => {
  const at = ((size >> 1) * size + (size >> 1)) * 3;
  return [...pixels.subarray(at, at + 3)];
};

const near = (colour: number[], expected: number[], by: number) =>
  expect(Math.max(...colour.map((value, c) => Math.abs(value - expected[c]!)))).toBeLessThanOrEqual(by);

describe('decoding', () => {
  it('turns every colour model into RGB and lays transparency on white', async () => {
    const cases: [string, Sharp, number[], number][] = [
      ['rgb.png', plain(50, 30, '#336699').png(), [51, 102, 153], 0],
      ['rgb16.png', plain(50, 30, '#336699').toColourspace('rgb16').png(), [51, 102, 153], 1],
      ['cmyk.jpg', plain(50, 30, '#336699').toColourspace('cmyk').jpeg(), [51, 102, 153], 25],
      ['grey.png', plain(50, 30, '#808080').toColourspace('b-w').png(), [128, 128, 128], 1],
      ['clear.png', plain(50, 30, '#00000000', 4).png(), [255, 255, 255], 0],
      ['half.webp', plain(50, 30, '#00000080', 4).webp({ lossless: true }), [127, 127, 127], 1],
    ];
    for (const [name, picture, colour, by] of cases) {
      const pixels = await decodePicture(await save(name, picture), 32, 'fill');
      expect(pixels.length).toBe(32 * 32 * 3);
      near(middle(pixels, 32), colour, by);
    }
  });

  it('pads, stretches or crops as `fit` says', async () => {
    // 40 × 20: left half red, right half blue
    const file = await save(
      'wide.png',
      plain(40, 20, '#ff0000')
        .composite([{ input: await plain(20, 20, '#0000ff').png().toBuffer(), left: 20, top: 0 }])
        .png(),
    );
    const corner = async (fit: 'contain' | 'fill' | 'cover') => [
      ...(await decodePicture(file, 16, fit)).subarray(0, 3),
    ];
    expect(await corner('contain')).toEqual([255, 255, 255]);
    expect(await corner('fill')).toEqual([255, 0, 0]);
    expect(await corner('cover')).toEqual([255, 0, 0]);
  });

  it('turns a photo as its EXIF orientation says', async () => {
    const upright = plain(20, 20, '#ff0000').composite([
      { input: await plain(20, 10, '#0000ff').png().toBuffer(), left: 0, top: 0 },
    ]);
    const turned = sharp(await upright.png().toBuffer())
      .withMetadata({ orientation: 3 })
      .jpeg({ quality: 100 });
    const pixels = await decodePicture(await save('turned.jpg', turned), 20, 'fill');
    near([...pixels.subarray(0, 3)], [255, 0, 0], 6); // stored blue above red, shown the other way round
  });

  it('renders a small SVG at the wanted size, crisp', async () => {
    const svg = (size: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 8 8"><path d="M0 0H4V8H0z"/></svg>`;
    for (const size of ['width="8" height="8"', 'width="1em" height="1em"', '']) {
      const pixels = await decodePicture(await save('half.svg', svg(size)), 64, 'contain');
      const greys = pixels.filter((value) => value > 8 && value < 247).length;
      expect(greys).toBeLessThanOrEqual(64 * 3); // at most one column between black and white; enlarging blurs several
      expect([...pixels.subarray(30 * 3, 31 * 3), ...pixels.subarray(33 * 3, 34 * 3)]).toEqual([
        0, 0, 0, 255, 255, 255,
      ]);
    }
  });
});

describe('the stages', () => {
  const classes = { bus: ['bus'], car: ['car'] };
  const entries: CatalogEntry[] = [];
  const entry = (path: string, name: string, group = path): void => {
    entries.push({ path, class: name, group, origin: 'test' });
  };
  const out = (name: string) => join(folder, 'out', name);
  const resize = (kept: string, outs: string) =>
    runStage('stages/resize.ts', {
      params: { resize: { size: 16, fit: 'contain' }, filter: { classes } },
      deps: { raw: folder, kept },
      outs: { pictures: out(`${outs}.npy`), index: out(`${outs}.jsonl`), report: out(`${outs}.json`) },
    });
  const split = (name: string, seed = 20) =>
    runStage('stages/split.ts', {
      params: { seed, split: { validation: 0.25 } },
      deps: { pictures: out('pictures.npy'), index: out('pictures.jsonl') },
      outs: { split: out(name), report: out(`report-${name}`), images: out(`images-${name}`) },
    });
  let kept: string;

  beforeAll(async () => {
    for (let i = 0; i < 24; i++) {
      const [name, colour] = [i % 2 ? 'bus' : 'car', `rgb(${i * 10}, ${255 - i * 10}, ${i})`];
      await save(`${name}/${i}.png`, plain(20 + 10 * (i % 3), 20, colour).png());
      entry(`${name}/${i}.png`, name, `${name}-${i >> 2}`);
    }
    await save('car/copy.png', await readFile(join(folder, 'car/4.png'))); // the same bytes
    await save('car/larger.png', plain(40, 40, 'rgb(0, 255, 0)').png()); // the same once it is resized
    await save('bus/other.png', plain(40, 40, 'rgb(9, 9, 9)').png()); // two classes claim it
    await save('car/other.png', plain(40, 40, 'rgb(9, 9, 9)').png());
    for (const path of ['car/copy.png', 'car/larger.png', 'bus/other.png', 'car/other.png']) {
      entry(path, path.slice(0, 3));
    }
    const photo = await sharp({
      create: {
        width: 90,
        height: 90,
        channels: 3,
        background: '#fff',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .jpeg()
      .toBuffer();
    await save('bus/cut.jpg', photo.subarray(0, photo.length / 2));
    await save('bus/empty.jpg', '');
    await save('bus/page.jpg', '<!doctype html><title>404</title>');
    for (const path of ['bus/cut.jpg', 'bus/empty.jpg', 'bus/page.jpg', 'bus/gone.jpg']) entry(path, 'bus');
    kept = join(folder, 'kept.jsonl');
    await writeCatalog(kept, entries);
  });

  it('packs what can be decoded, in the catalogue’s order, and lists the rest', async () => {
    const run = await resize(kept, 'pictures');
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.progress.at(-1)).toEqual({ done: 32, total: 32, unit: 'pictures' });
    expect(JSON.parse(await readFile(out('pictures.json'), 'utf8'))).toEqual({
      pictures: 28,
      corrupt: [
        { path: 'bus/cut.jpg', reason: 'its pixels are damaged or cut short' },
        { path: 'bus/empty.jpg', reason: 'the file is empty' },
        { path: 'bus/gone.jpg', reason: 'the file is missing' },
        { path: 'bus/page.jpg', reason: 'not a picture of a known format, or its header is damaged' },
      ],
    });
    const pictures = await NpyFile.open(out('pictures.npy'), 'uint8');
    expect(pictures.shape).toEqual([28, 16, 16, 3]);
    const index = await readIndex(out('pictures.jsonl'), 28);
    for (const [row, { path }] of index.entries()) {
      expect(await pictures.rows([row])).toEqual(await decodePicture(join(folder, path), 16, 'contain'));
    }
    await pictures.close();
    expect((await resize(kept, 'again')).exitCode).toBe(0);
    expect(await readFile(out('again.npy'))).toEqual(await readFile(out('pictures.npy')));
  });

  it('splits them without duplicates, by whole groups, the same for one seed', async () => {
    expect(await split('split.json')).toMatchObject({ exitCode: 0, stderr: '' });
    const index = await readIndex(out('pictures.jsonl'));
    const { classes: names, train, validation } = await readSplit(out('split.json'));
    const report = JSON.parse(await readFile(out('report-split.json'), 'utf8'));
    expect(names).toEqual(['bus', 'car']);
    expect(report).toMatchObject({ duplicates: 2, ambiguous: 2 });
    expect(train.length + validation.length + report.duplicates + report.ambiguous).toBe(index.length);
    const paths = [...train, ...validation].map((row) => index[row]!.path);
    expect(paths).toEqual(expect.arrayContaining(['car/0.png', 'car/4.png']));
    for (const gone of ['car/copy.png', 'car/larger.png', 'bus/other.png', 'car/other.png']) {
      expect(paths).not.toContain(gone);
    }
    const groups = (rows: readonly number[]) => new Set(rows.map((row) => index[row]!.group));
    expect([...groups(train)].filter((group) => groups(validation).has(group))).toEqual([]);
    expect(report.groups).toEqual({ train: groups(train).size, validation: groups(validation).size });
    const labels = labelsOf(index, names);
    expect(report.validation).toEqual({
      bus: validation.filter((row) => labels[row] === 0).length,
      car: validation.filter((row) => labels[row] === 1).length,
    });
    await split('repeated.json');
    expect(await readFile(out('repeated.json'))).toEqual(await readFile(out('split.json')));
  });

  it('a class of which no picture can be decoded is an error in words', async () => {
    const file = join(folder, 'no-bus.jsonl');
    await writeCatalog(
      file,
      entries.filter(({ path }) => path.startsWith('car/') || path.endsWith('.jpg')),
    );
    const run = await resize(file, 'no-bus');
    expect(run.exitCode).toBe(1);
    expect(run.stderr.trim()).toBe(
      'The class "bus" has no picture left to train on; 4 pictures could not be decoded, the first: bus/cut.jpg, its pixels ' +
        'are damaged or cut short. Give it readable pictures in the source, or take it out of filter.classes in params.yaml.',
    );
  });
});
