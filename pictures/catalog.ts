// The catalogue of a source: one JSON line for each picture file, in code-unit order of the paths.
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** One picture as its source gives it. */
export interface CatalogEntry {
  /** Path of the file, relative to the catalogue's folder, with `/`. */
  readonly path: string;
  /** The source's own class: a folder's name, or the noun that an icon's name matched. */
  readonly class: string;
  /** Pictures that belong together (a family of icon sets, a camera) share a group; the split never parts one. */
  readonly group: string;
  /** Where in the source it comes from: an icon set, a folder, a split of the original archive. */
  readonly origin: string;
}

/** Name of the catalogue inside a downloaded source. */
export const catalogName = 'catalog.jsonl';

/** Writes entries of any JSON-able type as lines, in code-unit order of `path`. */
export async function writeCatalog<Entry extends { readonly path: string }>(
  file: string,
  entries: readonly Entry[],
): Promise<void> {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  await writeFile(file, sorted.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

/** Reads what `writeCatalog` wrote. */
export async function readCatalog<Entry = CatalogEntry>(file: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (line !== '') entries.push(JSON.parse(line) as Entry);
  }
  return entries;
}
