// The filter stage: which pictures are of the study, which are set aside, and which are no pictures.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { stage } from '../engine/stage.ts';
import { FilterParams } from '../params/filter.ts';
import { type CatalogEntry, catalogName, readCatalog, writeCatalog } from '../pictures/catalog.ts';
import { filterCatalog } from '../sources/filter.ts';

await stage(z.object({ filter: FilterParams }), async ({ params, deps, outs, progress }) => {
  const entries = await readCatalog<CatalogEntry>(join(deps.raw!, catalogName));
  const { kept, aside, report } = await filterCatalog(deps.raw!, entries, params.filter.classes, (done) =>
    progress({ done, total: entries.length, unit: 'pictures' }),
  );
  await writeCatalog(outs.kept!, kept);
  await writeCatalog(outs.aside!, aside);
  await writeFile(outs.report!, `${JSON.stringify(report, null, 2)}\n`);
  for (const [name, count] of Object.entries(report.kept)) console.log(`${name.padEnd(16)} ${count}`);
  console.log(`${'set aside'.padEnd(16)} ${aside.length} of ${Object.keys(report.aside).length} classes`);
  console.log(`${'dropped'.padEnd(16)} ${report.dropped.length}`);
  for (const { path, reason } of report.dropped.slice(0, 20)) console.log(`  ${path}: ${reason}`);
});
