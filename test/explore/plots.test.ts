// Plots and picture grids: the same bytes each time, nothing of the machine, and text that is safe in XML.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CatalogEntry, writeCatalog } from '../../pictures/catalog.ts';
import { classFrequencyPlot } from '../../report/class-frequency.ts';
import { fitText, outlinedText, outlinedWidth } from '../../report/outlined-text.ts';
import { pictureGrid } from '../../report/picture-grid.ts';
import { type PlotSpec, plotSvg, writePlot } from '../../report/vega.ts';
import { runStage } from '../support/run-stage.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-plots-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const clipped: PlotSpec = {
  data: { values: [1, 2, 3].map((x) => ({ x, y: x * x })) },
  mark: { type: 'line', clip: true, point: true },
  encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } },
};

it('draws a plot to the same bytes whatever was drawn before', async () => {
  const first = await plotSvg(clipped);
  await plotSvg(classFrequencyPlot({ bus: 3, car: 9 }));
  expect(await plotSvg(clipped)).toBe(first);
  expect(first).toMatch(/^<svg.*<\/svg>\n$/s);
});

it('writes a spec that says how it is drawn: the drawing of what is read back is the same', async () => {
  await writePlot(join(folder, 'plots'), 'frequency', classFrequencyPlot({ bus: 360, '<b>&"': 812 }));
  const [spec, svg] = await Promise.all(
    ['vl.json', 'svg'].map((ending) => readFile(join(folder, 'plots', `frequency.${ending}`), 'utf8')),
  );
  expect(await plotSvg(JSON.parse(spec!) as PlotSpec)).toBe(svg);
  const { info } = await sharp(Buffer.from(svg!)).raw().toBuffer({ resolveWithObject: true }); // well-formed XML
  expect(info.width).toBeGreaterThan(400);
  expect(svg).toContain('>812</text>');
});

it('draws the largest class first, equal ones by name', () => {
  const spec = classFrequencyPlot({ truck: 5, bus: 5, car: 7 }) as { data: { values: unknown } };
  expect(spec.data.values).toEqual([
    { class: 'car', pictures: 7 },
    { class: 'bus', pictures: 5 },
    { class: 'truck', pictures: 5 },
  ]);
});

const image = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), width: 4, height: 4 });

it('lays pictures out with captions, framed by tone, as the same PNG each time', async () => {
  const grid = {
    title: 'Sample <predictions> & more',
    rows: [
      { title: 'bus', cells: [{ image: image(0), caption: 'bus 97 %', tone: 'good' as const }] },
      {
        title: 'ключ',
        cells: [{ image: image(9), caption: 'true <&"\ntruck', tone: 'bad' as const }, { image: image(99) }],
      },
    ],
    cell: 40,
  };
  const png = await pictureGrid(grid);
  expect((await pictureGrid(grid)).equals(png)).toBe(true);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  const has = (r: number, g: number, b: number) => {
    for (let i = 0; i < data.length; i += 3)
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
    return false;
  };
  expect([has(0x0a, 0x7a, 0x3d), has(0xc6, 0x28, 0x28), has(0, 0, 0), has(9, 9, 9), has(99, 99, 99)]).toEqual(
    new Array(5).fill(true),
  );
});

it('draws text as outlines, by the machine’s fonts only what the font lacks', () => {
  const style = { x: 0, y: 10, size: 12, fill: '#000' };
  expect(outlinedText('Ärger, ключ, α', style)).toMatch(/^<path [^<>]*\/>$/);
  expect(outlinedText('汽车 <&>', style)).toContain('汽车 &lt;&amp;&gt;</text>');
  const cut = fitText('a rather long caption', 12, 60);
  expect(cut).toMatch(/^a rat.*…$/);
  expect(outlinedWidth(cut, 12)).toBeLessThanOrEqual(60);
});

it('explore draws the classes and seeded samples of them, passing over corrupt pictures', async () => {
  const entries: CatalogEntry[] = [];
  for (let i = 0; i < 12; i++) {
    const name = i < 6 ? 'bus' : 'car';
    const path = `${i}.png`;
    entries.push({ path, class: name, group: path, origin: 'test' });
    if (i === 1) continue; // missing
    await sharp({ create: { width: 30, height: 20, channels: 3, background: `rgb(${i * 20}, 0, 90)` } })
      .png()
      .toFile(join(folder, path));
  }
  const kept = join(folder, 'kept.jsonl');
  await writeCatalog(kept, entries);
  const origin = {
    id: 'test',
    name: 'A | B',
    author: 'An [author]',
    authorUrl: 'https://example.org/a',
    licence: 'CC-BY-4.0',
    licenceUrl: null,
    version: null,
    pictures: 12,
  };
  await writeFile(join(folder, 'sources.json'), JSON.stringify([origin]));
  const explore = async (out: string, seed: number) => {
    const plots = join(folder, out);
    const params = { seed, explore: { samplesPerClass: 2 } };
    const run = await runStage('stages/explore.ts', { params, deps: { raw: folder, kept }, outs: { plots } });
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    return readFile(join(plots, 'samples.png'));
  };
  const samples = await explore('one', 20);
  expect((await explore('two', 20)).equals(samples)).toBe(true);
  expect((await explore('three', 22)).equals(samples)).toBe(false);
  expect(await readFile(join(folder, 'one', 'class-frequency.svg'), 'utf8')).toContain(
    '12 pictures in 2 classes',
  );
  expect(await readFile(join(folder, 'one', 'sources.md'), 'utf8')).toMatch(
    /\| A \\\| B \(test\) *\| \[An \[author\]\]\(https:\/\/example\.org\/a\) *\| CC-BY-4\.0/,
  );
});
