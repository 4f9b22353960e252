// The index beside the packed pictures: line i says which picture row i of the array is.
import { UserError } from '../engine/stage.ts';
import { type CatalogEntry, readCatalog, writeCatalog } from './catalog.ts';

/** One row of the packed array: a catalogue entry whose class is the study's. */
export type IndexEntry = CatalogEntry;

/** Writes the index; the entries must be in code-unit order of their paths, as the rows of the array are. */
export async function writeIndex(file: string, entries: readonly IndexEntry[]): Promise<void> {
  await writeCatalog(
    file,
    entries.map(({ path, class: name, group, origin }) => ({ path, class: name, group, origin })),
  );
}

/**
 * Reads the index of a packed array.
 *
 * @param rows how many the array has, where the caller knows
 * @throws UserError when index and array are not of one length
 */
export async function readIndex(file: string, rows?: number): Promise<IndexEntry[]> {
  const entries = await readCatalog<IndexEntry>(file);
  if (rows !== undefined && rows !== entries.length) {
    throw new UserError(
      `The index ${file} has ${entries.length} lines but its array has ${rows} rows. They were made by different runs; ` +
        `run \`npm run repro -- resize\` to make both anew.`,
    );
  }
  return entries;
}
