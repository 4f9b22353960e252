// What the runs of the study left, read and put into the order in which tables and plots show them.
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../engine/stage.ts';
import { compareRuns } from './run-order.ts';

/** Whose a result is. */
export interface OfRun {
  readonly model: string;
  readonly run: string;
}

/** By model in code-unit order, and then by run. */
export const byModelAndRun = (a: OfRun, b: OfRun): number =>
  a.model < b.model ? -1 : a.model > b.model ? 1 : compareRuns(a.run, b.run);

/** Those that belong to `run`. */
export const ofRun = <T extends OfRun>(all: readonly T[], { model, run }: OfRun): T[] =>
  all.filter((each) => each.model === model && each.run === run);

/** Each run after the first of its model, with the run before it. */
export function consecutive<T extends OfRun>(runs: readonly T[]): [T, T][] {
  return runs.flatMap((after, i) => {
    const before = runs[i - 1];
    return before?.model === after.model ? [[before, after] as [T, T]] : [];
  });
}

/** Each model with each one after it, of the same run. */
export function sameRun<T extends OfRun>(runs: readonly T[]): [T, T][] {
  return runs.flatMap((one, i) =>
    runs
      .slice(i + 1)
      .filter(({ model, run }) => model !== one.model && run === one.run)
      .map((other): [T, T] => [one, other]),
  );
}

/** @throws UserError if there is no run at all */
export function checkSomeRun(runs: readonly unknown[]): void {
  if (runs.length === 0)
    throw new UserError('There is no run to compare: `iterations` in params.yaml is empty.');
}

/** Reads JSON files of one format. @throws UserError if one is of another */
export async function readAll<T>(paths: readonly string[], schema: z.ZodType<T>): Promise<T[]> {
  return Promise.all(
    paths.map(async (path) => {
      const result = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
      if (!result.success)
        throw new UserError(`${path} is not of the expected format:\n${z.prettifyError(result.error)}`);
      return result.data;
    }),
  );
}

/** Writes JSON with two-space indent and a final newline. */
export function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
