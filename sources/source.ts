// What every source leaves behind: pictures, their catalogue, and a list of where they come from and under which licence.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CatalogEntry, catalogName, writeCatalog } from '../pictures/catalog.ts';

/** An icon set, folder or data set that pictures were taken from: an entry of `sources.json`. */
export interface Origin {
  /** As in `CatalogEntry.origin`. */
  readonly id: string;
  readonly name: string;
  readonly author: string | null;
  readonly authorUrl: string | null;
  /** SPDX identifier where there is one, else the licence's title. */
  readonly licence: string | null;
  readonly licenceUrl: string | null;
  readonly version: string | null;
  /** Pictures taken from it. */
  readonly pictures: number;
}

/** Name of the list of origins inside a downloaded source. */
export const originsName = 'sources.json';

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
