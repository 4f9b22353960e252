// The per-picture predictions as CSV: `path,true,predicted,p_<class>…`, a line for each validation picture.
import { readFile, writeFile } from 'node:fs/promises';
// d3-dsv quotes as RFC 4180 says, both ways, so that commas, quotes and line breaks in names survive.
import { csvFormatRows, csvParseRows } from 'd3-dsv';
import { UserError } from '../engine/stage.ts';

/** What a model says about one picture. */
export interface Prediction {
  /** As in the picture index. */
  readonly path: string;
  /** Name of the picture's class. */
  readonly truth: string;
  /** Name of the most probable class. */
  readonly predicted: string;
  /** Of each class, in the order of `classes`; 0 … 1. */
  readonly probabilities: readonly number[];
}

const fixedColumns = ['path', 'true', 'predicted'];

/**
 * Writes predictions in the order given.
 *
 * Probabilities are written with nine significant digits, which tell any two float32 apart.
 *
 * @param classes names in the order of the probabilities
 */
export async function writePredictions(
  file: string,
  classes: readonly string[],
  predictions: readonly Prediction[],
): Promise<void> {
  const header = [...fixedColumns, ...classes.map((name) => `p_${name}`)];
  const rows = predictions.map(({ path, truth, predicted, probabilities }) => [
    path,
    truth,
    predicted,
    ...probabilities.map((p) => String(Number(p.toPrecision(9)))),
  ]);
  await writeFile(file, `${csvFormatRows([header, ...rows])}\n`);
}

/**
 * Reads what `writePredictions` wrote.
 *
 * @throws UserError when the file is of another format
 */
export async function readPredictions(file: string): Promise<Prediction[]> {
  const text = await readFile(file, 'utf8');
  const [header = [], ...rows] = csvParseRows(text);
  const known = fixedColumns.every((name, i) => header[i] === name);
  if (!known || rows.some((row) => row.length !== header.length)) {
    throw new UserError(
      `${file} is not a table of predictions (${fixedColumns.join(', ')}, p_<class>…). Run \`npm run repro -- evaluate\` to make it anew.`,
    );
  }
  return rows.map(([path, truth, predicted, ...probabilities]) => ({
    path: path!,
    truth: truth!,
    predicted: predicted!,
    probabilities: probabilities.map(Number),
  }));
}
