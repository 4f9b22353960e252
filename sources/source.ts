// What every source leaves behind: pictures, their catalogue, and a list of where they come from and under which licence.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CatalogEntry, catalogName, writeCatalog } from '../pictures/catalog.ts';
import { type Origin, originsName } from '../pictures/origin.ts';

/** Folder of the picture files inside a downloaded source, with one folder for each class. */
export const picturesName = 'pictures';

/** Writes the catalogue and the list of origins of a source whose pictures are in place. */
export async function writeSource(
  out: string,
  entries: readonly CatalogEntry[],
  origins: readonly Origin[],
): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeCatalog(join(out, catalogName), entries);
  const sorted = [...origins].sort((a, b) => byCodeUnit(a.id, b.id));
  await writeFile(join(out, originsName), `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Order of strings that is the same on every machine. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
