// Stage `split`: which images train, validate and test; duplicates are dropped, and no group is on two sides.
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { stage, UserError } from '../engine/stage.ts';
import { SeedParam } from '../params/seed.ts';
import { SplitParams } from '../params/split.ts';
import { deduplicate, pixelDigests } from '../pictures/duplicates.ts';
import { type IndexEntry, readIndex } from '../pictures/index.ts';
import { NpyFile } from '../pictures/npy.ts';
import { seededRandom } from '../pictures/random.ts';
import { type Split, scoredSide, writeSplit } from '../pictures/split.ts';
import { stratifiedGroupSplit } from '../pictures/stratified-group-split.ts';
import { writeScoredImages } from '../report/scored-images.ts';

const Params = z.object({ seed: SeedParam, split: SplitParams });

await stage(Params, async ({ params, deps, outs, progress }) => {
  const pictures = await NpyFile.open(deps.pictures!, 'uint8', { keepBelow: 0 });
  const entries = await readIndex(deps.index!, pictures.length);
  const digests = await pixelDigests(pictures, progress);
  await pictures.close();

  const classes = [...new Set(entries.map((entry) => entry.class))].sort();
  if (classes.length < 2) {
    throw new UserError(
      `A classifier needs at least two classes and the pictures have ${classes.length}. Add some to filter.classes in params.yaml.`,
    );
  }
  const { kept, duplicates, ambiguous } = deduplicate(
    digests,
    entries.map((entry) => entry.class),
  );
  const left = kept.map((row) => entries[row] as IndexEntry);
  for (const name of classes) {
    if (left.some((entry) => entry.class === name)) continue;
    throw new UserError(
      `The class "${name}" has no picture left: each has the same pixels as one of another class. ` +
        'Put each picture in one class only, or choose a larger resize.size in params.yaml.',
    );
  }

  const split = { classes, ...drawSides(left, kept, params.split, params.seed) };
  assertApart(split, digests, entries);

  const count = (rows: readonly number[]) =>
    Object.fromEntries(
      classes.map((name) => [name, rows.filter((row) => entries[row]?.class === name).length]),
    );
  const groups = (rows: readonly number[]) => new Set(rows.map((row) => entries[row]?.group)).size;
  const { side, rows: scored } = scoredSide(split);
  const { test } = split;
  const report = {
    train: count(split.train),
    validation: count(split.validation),
    ...(test === undefined ? {} : { test: count(test) }),
    duplicates: duplicates.length,
    ambiguous: ambiguous.length,
    groups: {
      train: groups(split.train),
      validation: groups(split.validation),
      ...(test === undefined ? {} : { test: groups(test) }),
    },
    majority: Math.max(...Object.values(count(scored))) / scored.length,
  };
  await writeSplit(outs.split!, split);
  await writeScoredImages(outs.images!, {
    side,
    classes,
    images: scored.map((row) => {
      const { path, class: name, group } = entries[row]!;
      return { path, class: classes.indexOf(name), family: group };
    }),
  });
  await writeFile(outs.report!, `${JSON.stringify(report, null, 2)}\n`);
});

/** The rows of each side. What validates is the same share of all images whether or not some are set aside for a test. */
function drawSides(
  entries: readonly IndexEntry[],
  rows: readonly number[],
  { validation, test }: SplitParams,
  seed: number,
): Pick<Split, 'train' | 'validation' | 'test'> {
  const rowsOf = (positions: readonly number[]) => positions.map((position) => rows[position] as number);
  if (test === 0) {
    const sides = stratifiedGroupSplit(entries, validation, seededRandom(seed, 'split'));
    return { train: rowsOf(sides.train), validation: rowsOf(sides.validation) };
  }
  const outer = stratifiedGroupSplit(entries, test, seededRandom(seed, 'split', 'test'));
  const rest = outer.train.map((position) => entries[position] as IndexEntry);
  const inner = stratifiedGroupSplit(rest, validation / (1 - test), seededRandom(seed, 'split'));
  const within = (positions: readonly number[]) => rowsOf(positions.map((at) => outer.train[at] as number));
  return {
    train: within(inner.train),
    validation: within(inner.validation),
    test: rowsOf(outer.validation),
  };
}

/** A leak would make every number of the study too good, so the result is checked and not the code trusted. */
function assertApart(split: Split, digests: readonly string[], entries: readonly IndexEntry[]): void {
  for (const [what, of] of [
    ['row', (row: number) => String(row)],
    ['picture', (row: number) => digests[row] as string],
    ['group', (row: number) => entries[row]?.group as string],
  ] as const) {
    const seen = new Map<string, number>();
    for (const [side, rows] of [split.train, split.validation, split.test ?? []].entries())
      for (const row of rows) {
        if ((seen.get(of(row)) ?? side) !== side)
          throw new Error(`The ${what} of ${entries[row]?.path} is on two sides of the split.`);
        seen.set(of(row), side);
      }
  }
}
