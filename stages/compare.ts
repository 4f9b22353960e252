// Compares all models and iterations: scores, what each change of iteration did and whether it is real, curves, time.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, stage, UserError } from '../engine/stage.ts';
import { comparisonPlot, curvesPlot, signed, trainingTimePlot } from '../report/comparison.ts';
import {
  backboneNotes,
  type Change,
  comparisonMarkdown,
  type RunRow,
  significanceLevel,
} from '../report/comparison-table.ts';
import { Evaluation, Timing } from '../report/evaluation.ts';
import { bestAccuracyEpoch, bestLossEpoch, History } from '../report/history.ts';
import { markdownTable } from '../report/markdown-table.ts';
import { type Prediction, readPredictions } from '../report/predictions.ts';
import { changeInWords, compareRuns } from '../report/run-order.ts';
import { writePlot } from '../report/vega.ts';
import { holm, pairedDifference, wilsonInterval } from '../training/significance.ts';

/** One run with all that its stages left. */
interface Compared {
  readonly row: RunRow;
  readonly history: History;
  readonly timing: Timing;
  readonly predictions: readonly Prediction[];
}

// No parameter: the statistics are exact, so nothing here is drawn at random.
await stage(z.object({}), async ({ lists, outs }) => {
  const compared = await readRuns(lists);
  const runs = compared.map(({ row }) => row);
  const changes = changesOf(compared);
  await writeJson(outs.comparison!, { runs, changes });
  const markdown = comparisonMarkdown(runs, changes, compared[0]!.predictions.length);
  console.log(markdown);

  const plots = outs.plots!;
  const notes = backboneNotes(runs);
  const accuracies = runs.map((row) => ({
    ...named(row),
    final: row.accuracy,
    best: row.bestAccuracy,
    interval: row.accuracyInterval,
  }));
  const losses = runs.map((row) => ({ ...named(row), final: row.loss, best: row.bestLoss }));
  await writePlot(plots, 'accuracy', comparisonPlot(accuracies, 'accuracy', notes));
  await writePlot(plots, 'loss', comparisonPlot(losses, 'loss', notes));
  await writePlot(
    plots,
    'curves',
    curvesPlot(
      compared.map(({ history }) => history),
      notes,
    ),
  );
  await writeFile(join(plots, 'table.md'), markdown);
  await writeTimes(compared, outs.timing!, outs.timingPlots!);
});

/** Reads and joins what each run left, sorted by model and then by run. */
async function readRuns(lists: StageContext<unknown>['lists']): Promise<Compared[]> {
  const evaluations = await readAll(lists.metrics!, Evaluation);
  const histories = await readAll(lists.history!, History);
  const timings = await readAll(lists.timing!, Timing);
  const compared = await Promise.all(
    evaluations.map(async (evaluation) => {
      const of = <T extends { model: string; run: string }>(all: readonly T[]) =>
        all.find(({ model, run }) => model === evaluation.model && run === evaluation.run);
      const history = of(histories);
      const timing = of(timings);
      // The table itself does not say whose it is: its path does.
      const table = lists.predictions!.find((path) =>
        path.endsWith(`/${evaluation.model}/${evaluation.run}.csv`),
      );
      if (history === undefined || timing === undefined || table === undefined) {
        throw new UserError(
          `${evaluation.model} ${evaluation.run} has metrics but no ${history === undefined ? 'history' : timing === undefined ? 'timing' : 'predictions'}. Run \`npm run repro -- train evaluate\` to make it.`,
        );
      }
      return { row: rowOf(evaluation, history), history, timing, predictions: await readPredictions(table) };
    }),
  );
  if (compared.length === 0)
    throw new UserError('There is no run to compare: `iterations` in params.yaml is empty.');
  return compared.sort(({ row: a }, { row: b }) =>
    a.model < b.model ? -1 : a.model > b.model ? 1 : compareRuns(a.run, b.run),
  );
}

function rowOf(evaluation: Evaluation, history: History): RunRow {
  const { model, run, backbone, accuracy, loss, precision, recall, f1, confusion } = evaluation;
  const pictures = confusion.matrix.flat().reduce((sum, count) => sum + count, 0);
  const best = bestAccuracyEpoch(history);
  const bestLoss = bestLossEpoch(history);
  return {
    model,
    run,
    ...(backbone === undefined ? {} : { backbone }),
    accuracy,
    accuracyInterval: wilsonInterval(accuracy, pictures),
    loss,
    precision,
    recall,
    f1,
    epochs: history.epochs.length,
    bestEpoch: best.epoch,
    bestAccuracy: best.valAccuracy,
    bestLossEpoch: bestLoss.epoch,
    bestLoss: bestLoss.valLoss,
  };
}

/** Each run against the run before it, of the same model. */
function changesOf(compared: readonly Compared[]): Change[] {
  const pairs = consecutive(compared);
  const tests = pairs.map(([before, after]) => {
    checkSamePictures(before, after);
    return pairedDifference(before.predictions.map(isRight), after.predictions.map(isRight));
  });
  const adjusted = holm(tests.map(({ pValue }) => pValue));
  return pairs.map(([{ row: before }, { row: after }], i) => {
    const { difference, interval, onlyFirst, onlySecond, pValue } = tests[i]!;
    return {
      model: after.model,
      from: before.run,
      to: after.run,
      change: changeInWords(before.run, after.run),
      accuracy: difference,
      loss: after.loss - before.loss,
      f1: after.f1 - before.f1,
      accuracyInterval: interval,
      onlyBefore: onlyFirst,
      onlyAfter: onlySecond,
      pValue,
      adjustedPValue: adjusted[i]!,
      verdict: adjusted[i]! < significanceLevel ? 'real' : 'within noise',
    };
  });
}

function isRight({ truth, predicted }: Prediction): boolean {
  return truth === predicted;
}

function named({ model, run }: RunRow) {
  return { model, run };
}

function consecutive(compared: readonly Compared[]): [Compared, Compared][] {
  return compared.flatMap((after, i) => {
    const before = compared[i - 1];
    return before?.row.model === after.row.model ? [[before, after] as [Compared, Compared]] : [];
  });
}

/** A paired test is of the same pictures in the same order. */
function checkSamePictures(before: Compared, after: Compared): void {
  const same =
    before.predictions.length === after.predictions.length &&
    before.predictions.every(({ path, truth }, i) => {
      const other = after.predictions[i]!;
      return path === other.path && truth === other.truth;
    });
  if (same) return;
  throw new UserError(
    `${after.row.model} ${before.row.run} and ${after.row.run} were evaluated on different pictures. Run \`npm run repro -- evaluate\` to make both anew.`,
  );
}

async function writeTimes(compared: readonly Compared[], file: string, plots: string): Promise<void> {
  const runs = compared.map(
    ({ timing: { model, run, trainSeconds, epochSeconds, imagesPerSecond, backend, threads } }) => ({
      model,
      run,
      trainSeconds,
      secondsPerEpoch: median(epochSeconds),
      imagesPerSecond,
      backend,
      threads,
    }),
  );
  const changes = consecutive(compared).map(([before, after]) => ({
    model: after.row.model,
    from: before.row.run,
    to: after.row.run,
    change: changeInWords(before.row.run, after.row.run),
    trainSeconds: after.timing.trainSeconds - before.timing.trainSeconds,
    ratio: after.timing.trainSeconds / before.timing.trainSeconds,
  }));
  await writeJson(file, { runs, changes });
  await writePlot(
    plots,
    'training-time',
    trainingTimePlot(runs, backboneNotes(compared.map(({ row }) => row))),
  );
  const table = markdownTable<(typeof runs)[number]>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Iteration', align: 'left', text: ({ run }) => run },
      { title: 'Training, s', align: 'right', text: ({ trainSeconds }) => trainSeconds.toFixed(1) },
      { title: 'Median epoch, s', align: 'right', text: ({ secondsPerEpoch }) => secondsPerEpoch.toFixed(2) },
      { title: 'Images/s', align: 'right', text: ({ imagesPerSecond }) => imagesPerSecond.toFixed(0) },
      { title: 'Change, s', align: 'right', text: (row) => changeText(row.model, row.run) },
      { title: 'Backend', align: 'left', text: ({ backend, threads }) => `${backend}, ${threads} threads` },
    ],
    runs,
  );
  await writeFile(join(plots, 'table.md'), `# Training time\n\n${table}`);
  console.log(table);

  function changeText(model: string, run: string): string {
    const change = changes.find((entry) => entry.model === model && entry.to === run);
    return change === undefined ? '' : signed(change.trainSeconds, 1);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

async function readAll<T>(paths: readonly string[], schema: z.ZodType<T>): Promise<T[]> {
  return Promise.all(
    paths.map(async (path) => {
      const result = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
      if (!result.success)
        throw new UserError(`${path} is not of the expected format:\n${z.prettifyError(result.error)}`);
      return result.data;
    }),
  );
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
