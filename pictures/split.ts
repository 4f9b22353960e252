// The split as it stands in data/split.json: which rows of the packed images train, validate and test.
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../engine/stage.ts';

const Row = z.int().min(0);

const Split = z.strictObject({
  /** Names in code-unit order; a label is the position in this list. */
  classes: z.array(z.string()).min(2),
  /** Rows of the packed array, ascending. */
  train: z.array(Row).min(1),
  /** Rows of the packed array, ascending. */
  validation: z.array(Row).min(1),
  /** Rows of the packed array, ascending; absent if nothing is set aside for a test. */
  test: z.array(Row).min(1).optional(),
});

/** Training and validation rows of `data/pictures.npy` (and `data/features.npy`), and the classes that labels stand for. */
export type Split = Readonly<z.infer<typeof Split>>;

/** Which side is scored. */
export type Side = 'validation' | 'test';

/** The side that scores and verdicts are about: the test side if there is one. */
export function scoredSide(split: Split): { side: Side; rows: readonly number[] } {
  return split.test === undefined
    ? { side: 'validation', rows: split.validation }
    : { side: 'test', rows: split.test };
}

/** Writes a split; a row a line would be no easier to read, so each list is one line. */
export async function writeSplit(file: string, split: Split): Promise<void> {
  const fields = Object.entries(Split.parse(split)).map(
    ([name, list]) => `  ${JSON.stringify(name)}: ${JSON.stringify(list)}`,
  );
  await writeFile(file, `{\n${fields.join(',\n')}\n}\n`);
}

/** Reads what `writeSplit` wrote; throws a UserError when it is damaged. */
export async function readSplit(file: string): Promise<Split> {
  const text = await readFile(file, 'utf8');
  try {
    return Split.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      `${file} is not a split of this study. Run \`npm run repro -- split\` to make it anew.`,
    );
  }
}

/**
 * The label of each row: its class's position in `classes`.
 *
 * @param entries of the picture index, all rows
 * @throws UserError for a class that the split does not know
 */
export function labelsOf(
  entries: readonly { readonly class: string }[],
  classes: readonly string[],
): Int32Array {
  const positions = new Map(classes.map((name, position) => [name, position]));
  return Int32Array.from(entries, (entry) => {
    const label = positions.get(entry.class);
    if (label === undefined) {
      throw new UserError(
        `The class "${entry.class}" is in the picture index but not in the split. Run \`npm run repro -- split\` to make it anew.`,
      );
    }
    return label;
  });
}
