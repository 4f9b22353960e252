// Compares all models and iterations: scores, what each change of iteration did and whether it is real, curves.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, stage, UserError } from '../engine/stage.ts';
import { comparisonPlot, curvesPlot } from '../report/comparison.ts';
import {
  backboneNotes,
  type Change,
  comparisonMarkdown,
  type RunRow,
  significanceLevel,
} from '../report/comparison-table.ts';
import { Evaluation } from '../report/evaluation.ts';
import { bestAccuracyEpoch, bestLossEpoch, History } from '../report/history.ts';
import { type Prediction, readPredictions } from '../report/predictions.ts';
import { changeInWords } from '../report/run-order.ts';
import {
  byModelAndRun,
  checkSomeRun,
  consecutive,
  type OfRun,
  ofRun,
  readAll,
  writeJson,
} from '../report/run-results.ts';
import { writePlot } from '../report/vega.ts';
import { holm, pairedDifference, wilsonInterval } from '../training/significance.ts';

/** One run with all that its stages left. */
interface Compared extends OfRun {
  readonly row: RunRow;
  readonly history: History;
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
    model: row.model,
    run: row.run,
    final: row.accuracy,
    best: row.bestAccuracy,
    interval: row.accuracyInterval,
  }));
  const losses = runs.map((row) => ({ model: row.model, run: row.run, final: row.loss, best: row.bestLoss }));
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
});

/** Reads and joins what each run left, sorted by model and then by run. */
async function readRuns(lists: StageContext<unknown>['lists']): Promise<Compared[]> {
  const evaluations = await readAll(lists.metrics!, Evaluation);
  const histories = await readAll(lists.history!, History);
  const compared = await Promise.all(
    evaluations.map(async (evaluation) => {
      const history = ofRun(histories, evaluation);
      // The table itself does not say whose it is: its path does.
      const table = lists.predictions!.find((path) =>
        path.endsWith(`/${evaluation.model}/${evaluation.run}.csv`),
      );
      if (history === undefined || table === undefined) {
        throw new UserError(
          `${evaluation.model} ${evaluation.run} has metrics but no ${history === undefined ? 'history' : 'predictions'}. Run \`npm run repro -- train evaluate\` to make it.`,
        );
      }
      const { model, run } = evaluation;
      const predictions = await readPredictions(table);
      return { model, run, row: rowOf(evaluation, history), history, predictions };
    }),
  );
  checkSomeRun(compared);
  return compared.sort(byModelAndRun);
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
