// Predictions through CSV and back, and as Python's csv module reads them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPredictions, writePredictions } from '../../report/predictions.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-csv-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const classes = ['<a&b>', 'heavy, "wide"'];
const predictions = [
  { path: 'pictures/a,b "c".png', truth: classes[0]!, predicted: classes[1]!, probabilities: [Math.fround(0.1), Math.fround(0.9)] }, // biome-ignore format: one line
  { path: 'pictures/line\nbreak ü.png', truth: classes[1]!, predicted: classes[1]!, probabilities: [Math.fround(1 / 3), Math.fround(2e-8)] }, // biome-ignore format: one line
];

test('come back, every float32 as it was', async () => {
  const file = join(folder, 'a.csv');
  await writePredictions(file, classes, predictions);
  const read = await readPredictions(file);
  expect(read.map((row) => ({ ...row, probabilities: row.probabilities.map(Math.fround) }))).toEqual(
    predictions,
  );
  expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(
    'path,true,predicted,p_<a&b>,"p_heavy, ""wide"""',
  );
});

test("are read by Python's csv module", async ({ skip }) => {
  const file = join(folder, 'b.csv');
  await writePredictions(file, classes, predictions);
  const program =
    'import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8")))))';
  let rows: string[][];
  try {
    rows = JSON.parse(execFileSync('python3', ['-c', program, file], { encoding: 'utf8' }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return skip('no python3 here');
    throw error;
  }
  expect(rows).toEqual([
    ['path', 'true', 'predicted', ...classes.map((name) => `p_${name}`)],
    [predictions[0]!.path, classes[0], classes[1], '0.100000001', '0.899999976'],
    [predictions[1]!.path, classes[1], classes[1], '0.333333343', '1.99999999e-8'],
  ]);
});

test('of another format are refused in words', async () => {
  const file = join(folder, 'c.csv');
  await writeFile(file, 'path,label\na,b\n');
  await expect(readPredictions(file)).rejects.toThrow('is not a table of predictions');
  await writeFile(file, 'path,true,predicted,p_bus\na,b\n');
  await expect(readPredictions(file)).rejects.toThrow('npm run repro -- evaluate');
});
