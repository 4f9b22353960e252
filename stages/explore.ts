// Stage `explore`: how many pictures each class has, what they look like, and whose they are.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { stage, UserError } from '../engine/stage.ts';
import { ExploreParams } from '../params/explore.ts';
import { SeedParam } from '../params/seed.ts';
import { type CatalogEntry, readCatalog } from '../pictures/catalog.ts';
import { CorruptPicture, decodePicture } from '../pictures/decode.ts';
import { type Origin, originsName } from '../pictures/origin.ts';
import { seededRandom, shuffle } from '../pictures/random.ts';
import { classFrequencyPlot } from '../report/class-frequency.ts';
import { originsPage } from '../report/origins.ts';
import { type GridCell, pictureGrid } from '../report/picture-grid.ts';
import { writePlot } from '../report/vega.ts';

const Params = z.object({ seed: SeedParam, explore: ExploreParams });

/** Width and height of a sample, pixels: large enough to see what it is, whatever the study resizes to. */
const sampleSize = 64;

await stage(Params, async ({ params, deps, outs, progress }) => {
  const byClass = new Map<string, CatalogEntry[]>();
  for (const entry of await readCatalog(deps.kept!)) {
    const others = byClass.get(entry.class);
    if (others === undefined) byClass.set(entry.class, [entry]);
    else others.push(entry);
  }
  const classes = [...byClass.keys()].sort();
  if (classes.length === 0) {
    throw new UserError(
      'No picture was kept. See metrics/filter.json for why, and filter.classes in params.yaml.',
    );
  }
  const counts = Object.fromEntries(classes.map((name) => [name, byClass.get(name)!.length]));
  await writePlot(outs.plots!, 'class-frequency', classFrequencyPlot(counts));

  const rows = [];
  for (const name of classes) {
    const order = shuffle([...byClass.get(name)!], seededRandom(params.seed, 'explore', name));
    const cells = await readableSamples(deps.raw!, order, params.explore.samplesPerClass);
    rows.push({ title: name, cells });
    progress({ done: rows.length, total: classes.length, unit: 'classes' });
  }
  await writeFile(
    join(outs.plots!, 'samples.png'),
    await pictureGrid({ title: 'Random pictures of each class', rows, cell: sampleSize }),
  );
  const origins = JSON.parse(await readFile(join(deps.raw!, originsName), 'utf8')) as Origin[];
  await writeFile(join(outs.plots!, 'sources.md'), originsPage(origins));
});

/** The first `count` pictures of the list that can be decoded; `resize` reports the others. */
async function readableSamples(
  root: string,
  order: readonly CatalogEntry[],
  count: number,
): Promise<GridCell[]> {
  const cells: GridCell[] = [];
  for (const entry of order) {
    if (cells.length === count) break;
    try {
      const data = await decodePicture(join(root, entry.path), sampleSize, 'contain');
      cells.push({ image: { data, width: sampleSize, height: sampleSize } });
    } catch (error) {
      if (!(error instanceof CorruptPicture)) throw error;
    }
  }
  return cells;
}
