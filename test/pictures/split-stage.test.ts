// The stage split as the engine runs it: with and without a test side, and the list of the images that are scored.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type IndexEntry, writeIndex } from '../../pictures/index.ts';
import { NpyWriter } from '../../pictures/npy.ts';
import { seededRandom } from '../../pictures/random.ts';
import { readSplit } from '../../pictures/split.ts';
import { readScoredImages } from '../../report/scored-images.ts';
import { runStage } from '../support/run-stage.ts';

const images = 120;
let folder: string;
let entries: IndexEntry[];
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-split-'));
  const random = seededRandom(1, 'test');
  const writer = await NpyWriter.open(at('pictures.npy'), 'uint8', [4, 4, 3]);
  await writer.append(Uint8Array.from({ length: images * 48 }, () => random.integer(256)));
  await writer.close();
  entries = Array.from({ length: images }, (_, i) => ({
    path: `pictures/${String(i).padStart(3, '0')}.png`,
    class: i % 3 === 0 ? 'bus' : 'car',
    group: `designer ${i % 20}`,
    origin: 'o',
  }));
  await writeIndex(at('pictures.jsonl'), entries);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function splitWith(name: string, split: Record<string, number>) {
  const outs = { split: at(`${name}/split.json`), report: at(`${name}/report.json`), images: at(`${name}/images.json`) }; // biome-ignore format: one line
  const deps = { pictures: at('pictures.npy'), index: at('pictures.jsonl') };
  const { exitCode, stderr } = await runStage('stages/split.ts', { params: { seed: 20, split }, deps, outs });
  expect([exitCode, stderr]).toEqual([0, '']);
  const report = JSON.parse(await readFile(outs.report, 'utf8'));
  return { split: await readSplit(outs.split), report, scored: await readScoredImages(outs.images) };
}

it('scores the images that validate if there is no test side', async () => {
  const { split, report, scored } = await splitWith('two', { validation: 0.2, test: 0 });
  expect([split.test, report.test]).toEqual([undefined, undefined]);
  expect(scored.side).toBe('validation');
  expect(scored.images.map(({ path }) => path)).toEqual(split.validation.map((row) => entries[row]!.path));
  const [first] = split.validation;
  expect(scored.images[0]).toEqual({
    path: entries[first!]!.path,
    class: scored.classes.indexOf(entries[first!]!.class),
    family: entries[first!]!.group,
  });
});

it('sets a test side aside: each image on one side, families whole, about the wanted shares', async () => {
  const { split, report, scored } = await splitWith('three', { validation: 0.2, test: 0.3 });
  const sides = [split.train, split.validation, split.test!];
  expect(sides.flat().sort((a, b) => a - b)).toEqual([...entries.keys()]);
  const families = sides.map((rows) => new Set(rows.map((row) => entries[row]!.group)));
  for (const [i, own] of families.entries())
    for (const other of families.slice(i + 1))
      expect([...own].filter((family) => other.has(family))).toEqual([]);
  expect(split.test!.length / images).toBeCloseTo(0.3, 1);
  expect(split.validation.length / images).toBeCloseTo(0.2, 1);
  expect(report.test.bus + report.test.car).toBe(split.test!.length);
  expect(scored).toMatchObject({ side: 'test' });
  expect(scored.images).toHaveLength(split.test!.length);
});
