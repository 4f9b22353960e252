// The icons source: icons whose names say what they show, out of a pinned package of icon sets.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IconifyInfo } from '@iconify/types';
import pLimit from 'p-limit';
import { UserError } from '../../engine/stage.ts';
import type { CatalogEntry } from '../../pictures/catalog.ts';
import type { Origin } from '../../pictures/origin.ts';
import { picturesName, writeSource } from '../source.ts';
import { families } from './families.ts';
import { forEachIconSet } from './icon-sets.ts';
import { IconSelection, type LeftOut, type SelectedIcon, type SelectionRules } from './select.ts';

export interface IconRules extends SelectionRules {
  /** Sets that draw alike though neither author nor data says so. */
  readonly families: readonly (readonly string[])[];
}

/** What was taken, for the stage's log. */
export interface IconsSummary {
  /** Icons by class. */
  readonly classes: ReadonlyMap<string, number>;
  readonly sets: number;
  readonly families: number;
  readonly leftOut: LeftOut;
  /** Icons of `except` and sets of `families` that do not exist: misspelt, or of another version of the package. */
  readonly unknown: readonly string[];
}

/**
 * Writes the selected icons as `pictures/<class>/<set>--<name>.svg` with catalogue and sources. A picture's origin is its
 * icon set, its group the set's design family.
 *
 * @param tarball of @iconify/json, already checked
 * @param out directory to create
 * @param onSet called after each icon set with the number read so far
 * @throws UserError when a class of the study has no icon
 */
export async function writeIcons(
  tarball: string,
  rules: IconRules,
  out: string,
  onSet: (read: number) => void,
): Promise<IconsSummary> {
  const selection = new IconSelection(rules);
  const infos = new Map<string, IconifyInfo | undefined>();
  await forEachIconSet(tarball, (set) => {
    selection.add(set);
    infos.set(set.prefix, set.info);
    onSet(infos.size);
  });
  const familyOf = families(infos, selection.candidates, rules.families);
  const icons = selection.finish();
  const classes = countBy(icons, (icon) => icon.class);
  for (const name of Object.keys(rules.classes)) {
    if (!classes.has(name)) {
      throw new UserError(
        `No icon is named after class ${name} (words: ${rules.classes[name]!.join(', ')}). ` +
          `Give source.icons.classes.${name} words that icons are named with, in the singular and lower case.`,
      );
    }
  }
  const entries = icons.map(
    (icon): CatalogEntry => ({
      path: `${picturesName}/${icon.class}/${icon.set}--${icon.name}.svg`,
      class: icon.class,
      group: familyOf.get(icon.set)!,
      origin: icon.set,
    }),
  );
  await writePictures(out, icons, entries);
  const pictures = countBy(icons, (icon) => icon.set);
  await writeSource(
    out,
    entries,
    [...pictures].map(([prefix, count]) => originOf(prefix, infos.get(prefix), count)),
  );
  return {
    classes,
    sets: pictures.size,
    families: new Set(entries.map((entry) => entry.group)).size,
    leftOut: selection.leftOut,
    unknown: [...selection.unusedExceptions, ...rules.families.flat().filter((prefix) => !infos.has(prefix))],
  };
}

async function writePictures(
  out: string,
  icons: readonly SelectedIcon[],
  entries: readonly CatalogEntry[],
): Promise<void> {
  for (const name of new Set(icons.map((icon) => icon.class))) {
    await mkdir(join(out, picturesName, name), { recursive: true });
  }
  const limit = pLimit(16);
  await limit.map(icons, (icon, index) => writeFile(join(out, entries[index]!.path), icon.svg));
}

function originOf(prefix: string, info: IconifyInfo | undefined, pictures: number): Origin {
  return {
    id: prefix,
    name: info?.name ?? prefix,
    author: info?.author.name ?? null,
    authorUrl: info?.author.url ?? null,
    licence: info?.license.spdx ?? info?.license.title ?? null,
    licenceUrl: info?.license.url ?? null,
    version: info?.version ?? null,
    pictures,
  };
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}
