// Compares all models and iterations: scores, what each change did and whether it is real, curves.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, stage, UserError } from '../engine/stage.ts';
import { comparisonPlot, curvesPlot } from '../report/comparison.ts';
import { backboneNotes, type Change, comparisonMarkdown, type RunRow } from '../report/comparison-table.ts';
import { Evaluation } from '../report/evaluation.ts';
import {
  bestAccuracyEpoch,
  bestLossEpoch,
  History,
  type MeanEpoch,
  meanEpochs,
  roughness,
} from '../report/history.ts';
import { replicated } from '../report/replicated.ts';
import { changeInWords } from '../report/run-order.ts';
import {
  byModelAndRun,
  checkSomeRun,
  consecutive,
  type OfRun,
  ofRun,
  readAll,
  sameRun,
  writeJson,
} from '../report/run-results.ts';
import {
  CompactPredictions,
  decodePredicted,
  readScoredImages,
  type ScoredImages,
} from '../report/scored-images.ts';
import { type Side, testPairs } from '../report/tested-change.ts';
import { writePlot } from '../report/vega.ts';

/** One model and iteration with what its stages left. */
interface Compared extends OfRun, Side {
  readonly row: RunRow;
  readonly epochs: readonly MeanEpoch[];
}

// No parameter: draws of intervals have a seed of their own.
await stage(z.object({}), async ({ lists, deps, outs }) => {
  const images = await readScoredImages(deps.images!);
  const compared = await readRuns(lists, images);
  const runs = compared.map(({ row }) => row);
  const families = images.images.map(({ family }) => family);
  const iterations = changesOf(consecutive(compared), families);
  const models = changesOf(sameRun(compared), families);
  await writeJson(outs.comparison!, { runs, iterations, models });
  const markdown = comparisonMarkdown(runs, { iterations, models }, families.length);
  console.log(markdown);

  const plots = outs.plots!;
  const notes = backboneNotes(runs);
  await writePlot(plots, 'accuracy', comparisonPlot(runs, 'accuracy', notes));
  await writePlot(plots, 'loss', comparisonPlot(runs, 'loss', notes));
  await writePlot(plots, 'curves', curvesPlot(compared, notes));
  await writeFile(join(plots, 'table.md'), markdown);
});

/** Reads and joins what each model and iteration left, sorted by model and then by iteration. */
async function readRuns(lists: StageContext<unknown>['lists'], images: ScoredImages): Promise<Compared[]> {
  const evaluations = await readAll(lists.metrics!, Evaluation);
  const histories = await readAll(lists.histories!, History);
  const predictions = await readAll(lists.predictions!, CompactPredictions);
  const compared = evaluations.map((evaluation): Compared => {
    const { model, run } = evaluation;
    const own = ofRun(histories, evaluation).sort((a, b) => a.seed - b.seed);
    const [said] = ofRun(predictions, evaluation);
    if (own.length === 0 || said === undefined) {
      throw new UserError(
        `${model} ${run} has metrics but no ${own.length === 0 ? 'history' : 'predictions'}. Run \`npm run repro -- train evaluate\` to make it.`,
      );
    }
    const epochs = meanEpochs(own);
    const row = rowOf(evaluation, own, epochs);
    return { model, run, row, scores: row, right: rightBySeed(said, images), epochs };
  });
  checkSomeRun(compared);
  return compared.sort(byModelAndRun);
}

function rowOf(evaluation: Evaluation, histories: readonly History[], epochs: readonly MeanEpoch[]): RunRow {
  const { model, run, side, backbone, accuracy, accuracyInterval, loss, precision, recall, f1, diverged } =
    evaluation;
  const best = bestAccuracyEpoch(epochs);
  const bestLoss = bestLossEpoch(epochs);
  return {
    model,
    run,
    side,
    ...(backbone === undefined ? {} : { backbone }),
    accuracy,
    accuracyInterval,
    loss,
    precision,
    recall,
    f1,
    roughness: replicated(
      new Map(
        histories.map(({ seed, diverged: how, epochs: own }) => [
          String(seed),
          how === undefined ? roughness(own) : null,
        ]),
      ),
    ),
    epochs: epochs.length,
    bestEpoch: best.epoch,
    bestAccuracy: best.valAccuracy,
    bestLossEpoch: bestLoss.epoch,
    bestLoss: bestLoss.valLoss,
    ...(diverged === undefined ? {} : { diverged: diverged.map(({ seed }) => seed) }),
  };
}

/** @throws UserError if the predictions are of other images */
function rightBySeed(
  { model, run, predicted }: CompactPredictions,
  { classes, images }: ScoredImages,
): Map<string, boolean[]> {
  try {
    return new Map(
      Object.entries(predicted).map(([seed, text]) => {
        const labels = decodePredicted(text, images.length, classes.length);
        return [seed, labels.map((label, i) => label === images[i]!.class)];
      }),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `${model} ${run} was evaluated on other images than metrics/images.json names. Run \`npm run repro -- evaluate\` to score them again.`,
    );
  }
}

function changesOf(pairs: readonly (readonly [Compared, Compared])[], families: readonly string[]): Change[] {
  return testPairs(pairs, families).map((tested, i) => {
    const [before, after] = pairs[i]!;
    const sameModel = before.model === after.model;
    return {
      model: sameModel ? after.model : `${before.model} → ${after.model}`,
      from: before.run,
      to: after.run,
      change: sameModel ? changeInWords(before.run, after.run) : after.run,
      ...tested,
    };
  });
}
