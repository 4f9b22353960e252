// Stage `resize`: every kept picture, decoded and brought to one size, in one packed array with an index beside it.
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { stage, UserError } from '../engine/stage.ts';
import { FilterParams } from '../params/filter.ts';
import { ResizeParams } from '../params/resize.ts';
import { readCatalog } from '../pictures/catalog.ts';
import { writeIndex } from '../pictures/index.ts';
import { packPictures } from '../pictures/pack.ts';

const Params = z.object({ resize: ResizeParams, filter: FilterParams.pick({ classes: true }) });

await stage(Params, async ({ params, deps, outs, progress }) => {
  const { rows, corrupt } = await packPictures({
    root: deps.raw!,
    entries: await readCatalog(deps.kept!),
    ...params.resize,
    file: outs.pictures!,
    onProgress: progress,
  });
  const present = new Set(rows.map((row) => row.class));
  for (const name of Object.keys(params.filter.classes)) {
    if (present.has(name)) continue;
    const because =
      corrupt.length > 0
        ? `; ${corrupt.length} pictures could not be decoded, the first: ${corrupt[0]!.path}, ${corrupt[0]!.reason}`
        : '';
    throw new UserError(
      `The class "${name}" has no picture left to train on${because}. ` +
        'Give it readable pictures in the source, or take it out of filter.classes in params.yaml.',
    );
  }
  await writeIndex(outs.index!, rows);
  await writeFile(outs.report!, `${JSON.stringify({ pictures: rows.length, corrupt }, null, 2)}\n`);
});
