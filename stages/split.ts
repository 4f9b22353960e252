// Stage `split`: which pictures train and which validate; duplicates are dropped, and no group is on both sides.
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { stage, UserError } from '../engine/stage.ts';
import { SeedParam } from '../params/seed.ts';
import { SplitParams } from '../params/split.ts';
import { deduplicate, pixelDigests } from '../pictures/duplicates.ts';
import { type IndexEntry, readIndex } from '../pictures/index.ts';
import { NpyFile } from '../pictures/npy.ts';
import { seededRandom } from '../pictures/random.ts';
import { type Split, writeSplit } from '../pictures/split.ts';
import { stratifiedGroupSplit } from '../pictures/stratified-group-split.ts';

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

  const sides = stratifiedGroupSplit(left, params.split.validation, seededRandom(params.seed, 'split'));
  const rowsOf = (side: readonly number[]) => side.map((position) => kept[position] as number);
  const split = { classes, train: rowsOf(sides.train), validation: rowsOf(sides.validation) };
  assertApart(split, digests, entries);

  const count = (rows: readonly number[]) =>
    Object.fromEntries(
      classes.map((name) => [name, rows.filter((row) => entries[row]?.class === name).length]),
    );
  const groups = (rows: readonly number[]) => new Set(rows.map((row) => entries[row]?.group)).size;
  const validation = count(split.validation);
  const report = {
    train: count(split.train),
    validation,
    duplicates: duplicates.length,
    ambiguous: ambiguous.length,
    groups: { train: groups(split.train), validation: groups(split.validation) },
    majority: Math.max(...Object.values(validation)) / split.validation.length,
  };
  await writeSplit(outs.split!, split);
  await writeFile(outs.report!, `${JSON.stringify(report, null, 2)}\n`);
});

/** A leak would make every number of the study too good, so the result is checked and not the code trusted. */
function assertApart(split: Split, digests: readonly string[], entries: readonly IndexEntry[]): void {
  for (const [what, of] of [
    ['row', (row: number) => String(row)],
    ['picture', (row: number) => digests[row] as string],
    ['group', (row: number) => entries[row]?.group as string],
  ] as const) {
    const train = new Set(split.train.map(of));
    const leaked = split.validation.find((row) => train.has(of(row)));
    if (leaked !== undefined)
      throw new Error(`The ${what} of ${entries[leaked]?.path} is on both sides of the split.`);
  }
}
