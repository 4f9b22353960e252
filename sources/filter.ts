// Divides a catalogue into the study's classes and what is set aside, and leaves out what is no picture.
import { join } from 'node:path';
import pLimit from 'p-limit';
import { UserError } from '../engine/stage.ts';
import type { CatalogEntry } from '../pictures/catalog.ts';
import { nearestName } from './nearest.ts';
import { notAPicture } from './picture-files.ts';
import { byCodeUnit } from './source.ts';

/** `metrics/filter.json`. */
export interface FilterReport {
  /** Pictures by class of the study. */
  readonly kept: Readonly<Record<string, number>>;
  /** Pictures set aside, by the source's own class. */
  readonly aside: Readonly<Record<string, number>>;
  readonly dropped: readonly { readonly path: string; readonly reason: string }[];
}

export interface Filtered {
  /** `class` is the study's. */
  readonly kept: readonly CatalogEntry[];
  /** `class` is the source's own. */
  readonly aside: readonly CatalogEntry[];
  readonly report: FilterReport;
}

/**
 * Maps the source's classes to the study's and checks that each file is a picture by its first bytes. Whether it can be
 * decoded to the end shows in `resize`, which decodes it anyway.
 *
 * @param root the catalogue's folder
 * @param classes class of the study → the source's classes, by exact name
 * @throws UserError when a source's class stands under two classes of the study, or a class of the study has no picture left
 */
export async function filterCatalog(
  root: string,
  entries: readonly CatalogEntry[],
  classes: Readonly<Record<string, readonly string[]>>,
  onProgress?: (done: number) => void,
): Promise<Filtered> {
  const studyClass = invert(classes);
  let done = 0;
  const reasons = await pLimit(32).map(entries, async (entry) => {
    const reason = await notAPicture(join(root, entry.path));
    onProgress?.(++done);
    return reason;
  });
  const kept: CatalogEntry[] = [];
  const aside: CatalogEntry[] = [];
  const dropped: { path: string; reason: string }[] = [];
  for (const [index, entry] of entries.entries()) {
    const reason = reasons[index];
    const study = studyClass.get(entry.class);
    if (reason !== undefined) dropped.push({ path: entry.path, reason });
    else if (study === undefined) aside.push(entry);
    else kept.push({ ...entry, class: study });
  }
  dropped.sort((a, b) => byCodeUnit(a.path, b.path));
  requireEachClass(classes, entries, kept, dropped.length);
  return { kept, aside, report: { kept: countByClass(kept), aside: countByClass(aside), dropped } };
}

function invert(classes: Readonly<Record<string, readonly string[]>>): Map<string, string> {
  const inverse = new Map<string, string>();
  for (const [study, sources] of Object.entries(classes)) {
    for (const source of sources) {
      const other = inverse.get(source);
      if (other !== undefined && other !== study) {
        throw new UserError(
          `filter.classes names the source's class ${source} under both ${other} and ${study}: a picture has one class. Take it out of one.`,
        );
      }
      inverse.set(source, study);
    }
  }
  return inverse;
}

function requireEachClass(
  classes: Readonly<Record<string, readonly string[]>>,
  entries: readonly CatalogEntry[],
  kept: readonly CatalogEntry[],
  dropped: number,
): void {
  const left = new Set(kept.map((entry) => entry.class));
  const existing = Object.keys(countByClass(entries));
  for (const [study, sources] of Object.entries(classes)) {
    if (left.has(study)) continue;
    const unknown = sources.filter((source) => !existing.includes(source));
    const meant = unknown.map((source) => nearestName(source, existing)).find((name) => name !== undefined);
    throw new UserError(
      [
        `Class ${study} has no pictures: filter.classes.${study} is [${sources.join(', ')}], and the source has ${listed(existing)}.`,
        unknown.length === 0 ? `All its pictures are unreadable (${dropped} files dropped).` : '',
        meant === undefined ? '' : `Did you mean ${meant}?`,
        'Correct filter.classes in params.yaml, or add pictures.',
      ]
        .filter((sentence) => sentence !== '')
        .join(' '),
    );
  }
}

const longestList = 30;

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no classes at all';
  const more = names.length > longestList ? `, … (${names.length} in all)` : '';
  return `the classes ${names.slice(0, longestList).join(', ')}${more}`;
}

/** Pictures of each class, classes in code-unit order. */
export function countByClass(entries: readonly CatalogEntry[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const entry of entries) counts.set(entry.class, (counts.get(entry.class) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => byCodeUnit(a, b)));
}
