// Evaluates the trainings of one model and iteration, one for each seed: scores, every prediction, and plots.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type StageContext, stage, UserError } from '../engine/stage.ts';
import { SeedParam } from '../params/seed.ts';
import { type IndexEntry, readIndex } from '../pictures/index.ts';
import { NpyFile } from '../pictures/npy.ts';
import { sample, seededRandom } from '../pictures/random.ts';
import { labelsOf, readSplit, scoredSide } from '../pictures/split.ts';
import { architectureSvg } from '../report/architecture.ts';
import { confusionPlot } from '../report/confusion.ts';
import { curvePlot } from '../report/curves.ts';
import type { Evaluation } from '../report/evaluation.ts';
import { History, meanEpochs } from '../report/history.ts';
import { layersOf } from '../report/layer-shapes.ts';
import { type GridCell, pictureGrid } from '../report/picture-grid.ts';
import { type Prediction, writePredictions } from '../report/predictions.ts';
import { encodePredicted } from '../report/scored-images.ts';
import { scoresTable } from '../report/scores-table.ts';
import { summarize, type Training } from '../report/seed-summary.ts';
import { writePlot } from '../report/vega.ts';
import { backendNameOf, loadBackend } from '../training/backend.ts';
import { loadKerasModel } from '../training/keras-h5/read.ts';
import { mostProbable, scoresOf } from '../training/metrics.ts';
import { loadClassifier } from '../training/predict.ts';

/** Images in the grid of samples: rows × columns. */
const sampleRows = 4;
const sampleColumns = 8;

await stage(z.strictObject({ seed: SeedParam }), async (context) => {
  const { deps, outs, labels: names } = context;
  const [model, run] = [names.model!, names.run!];
  await loadBackend(backendNameOf(context.env.backend ?? ''));
  const split = await readSplit(deps.split!);
  const { classes } = split;
  const { side, rows } = scoredSide(split);
  const index = await readIndex(deps.index!);
  const labels = labelsOf(index, classes);
  const truth = rows.map((row) => labels[row]!);
  const histories = await readHistories(context);
  const finite = histories.filter(({ diverged }) => diverged === undefined);
  if (finite.length === 0) throw new UserError(allDiverged(model, run, histories));

  const trainings: Training[] = [];
  for (const [i, { seed }] of finite.entries()) {
    const probabilities = await probabilitiesOf(context, seed, rows, i, finite.length);
    trainings.push({
      seed,
      scores: scoresOf(truth, probabilities, classes),
      predicted: mostProbable(probabilities, classes.length),
      probabilities,
    });
  }
  const backbone = deps.backbone === undefined ? undefined : await backboneLabel(deps.backbone);
  const families = rows.map((row) => index[row]!.group);
  const evaluation = summarize({ model, run, backbone, histories, trainings, side, truth, families });
  await writeJson(outs.metrics!, evaluation);
  const predicted = trainings.map(({ seed, predicted: own }) => [seed, encodePredicted(own, classes.length)]);
  await writeJson(outs.predictions!, {
    model,
    run,
    images: 'metrics/images.json',
    predicted: Object.fromEntries(predicted),
  });
  await mkdir(outs.probabilities!, { recursive: true });
  for (const { seed, probabilities } of trainings)
    await writePredictions(
      join(outs.probabilities!, `${seed}.csv`),
      classes,
      predictionsOf(rows, index, classes, probabilities),
    );
  await writePlots(context, { evaluation, histories, trainings, classes, rows, index });
  console.log(scoresTable(evaluation));
});

/** The seed that a training's output is of: the name of the folder that it is in. */
function seedOf(path: string): number {
  return Number(basename(dirname(path)));
}

/** Ascending by seed. */
async function readHistories({ lists }: StageContext<unknown>): Promise<History[]> {
  const histories = await Promise.all(
    lists.histories!.map(async (path) => History.parse(JSON.parse(await readFile(path, 'utf8')))),
  );
  return histories.sort((a, b) => a.seed - b.seed);
}

function allDiverged(model: string, run: string, histories: readonly History[]): string {
  const reasons = histories.map(({ seed, diverged }) => `seed ${seed}: ${diverged!.reason}`);
  return [`No training of ${model} ${run} has a result to score.`, ...reasons].join('\n');
}

/** Of each class for each row: `[rows.length, classes]`, row-major. */
async function probabilitiesOf(
  context: StageContext<unknown>,
  seed: number,
  rows: readonly number[],
  before: number,
  trainings: number,
): Promise<Float32Array> {
  const classifier = await loadClassifier(modelOf(context, seed), context.deps.inputs!);
  try {
    return await classifier.predict(rows, (done) =>
      context.progress({
        done: before * rows.length + done,
        total: trainings * rows.length,
        unit: 'images',
        message: `seed ${seed}`,
      }),
    );
  } finally {
    await classifier.close();
  }
}

function modelOf({ lists }: StageContext<unknown>, seed: number): string {
  return lists.models!.find((path) => seedOf(path) === seed)!;
}

/** What the frozen convolutions are, for titles; the rest of the backbone is of no concern here. */
async function backboneLabel(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'backbone.json'), 'utf8');
  return z.object({ label: z.string() }).parse(JSON.parse(text)).label;
}

function predictionsOf(
  rows: readonly number[],
  index: readonly IndexEntry[],
  classes: readonly string[],
  probabilities: Float32Array,
): Prediction[] {
  const predicted = mostProbable(probabilities, classes.length);
  return rows.map((row, i) => ({
    path: index[row]!.path,
    truth: index[row]!.class,
    predicted: classes[predicted[i]!]!,
    probabilities: [...probabilities.subarray(i * classes.length, (i + 1) * classes.length)],
  }));
}

/** What the plots show. */
interface Plotted {
  readonly evaluation: Evaluation;
  readonly histories: readonly History[];
  readonly trainings: readonly Training[];
  readonly classes: readonly string[];
  /** Rows of the images. */
  readonly rows: readonly number[];
  readonly index: readonly IndexEntry[];
}

async function writePlots(context: StageContext<{ seed: number }>, plotted: Plotted): Promise<void> {
  const plots = context.outs.plots!;
  await mkdir(plots, { recursive: true });
  const { evaluation, histories, trainings } = plotted;
  const { model, run, backbone } = evaluation;
  const name = backbone === undefined ? model : `${model} (${backbone})`;
  const title = `${name}, ${run}`;
  const epochs = meanEpochs(histories);
  await writePlot(plots, 'accuracy', curvePlot(epochs, 'accuracy', title));
  await writePlot(plots, 'loss', curvePlot(epochs, 'loss', title));
  await writePlot(
    plots,
    'confusion',
    confusionPlot(evaluation.confusion, title, { seeds: trainings.length, side: evaluation.side }),
  );
  const network = await loadKerasModel(modelOf(context, trainings[0]!.seed));
  await writeFile(join(plots, 'architecture.svg'), architectureSvg(layersOf(network), name));
  network.dispose();
  await writeFile(join(plots, 'samples.png'), await sampleGrid(context, plotted, title));
}

/** Random images with true and predicted label; the same images for every model and iteration. */
async function sampleGrid(
  { deps, params }: StageContext<{ seed: number }>,
  { trainings, classes, rows, index }: Plotted,
  title: string,
): Promise<Buffer> {
  const positions = sample(
    rows.map((_, i) => i),
    sampleRows * sampleColumns,
    seededRandom(params.seed, 'evaluate', 'samples'),
  ).sort((a, b) => a - b);
  const pictures = await NpyFile.open(deps.pictures!, 'uint8');
  try {
    const [, height, width] = pictures.shape as [number, number, number, number];
    const pixels = await pictures.rows(positions.map((position) => rows[position]!));
    const cells = positions.map((position, i): GridCell => {
      const truth = index[rows[position]!]!.class;
      const { name, certainty } = answerOf(trainings, classes, position);
      return {
        image: { data: pixels.subarray(i * height * width * 3, (i + 1) * height * width * 3), width, height },
        caption: `true: ${truth}\nsaid: ${name}\n${certainty}`,
        tone: truth === name ? 'good' : 'bad',
      };
    });
    return await pictureGrid({
      title,
      rows: Array.from({ length: Math.ceil(cells.length / sampleColumns) }, (_, row) => ({
        cells: cells.slice(row * sampleColumns, (row + 1) * sampleColumns),
      })),
      cell: 112,
    });
  } finally {
    await pictures.close();
  }
}

/** What most seeds say about an image: of equals the class that comes first. With one seed, how sure it is. */
function answerOf(
  trainings: readonly Training[],
  classes: readonly string[],
  position: number,
): { name: string; certainty: string } {
  const votes = classes.map(() => 0);
  for (const { predicted } of trainings) votes[predicted[position]!]! += 1;
  const label = votes.indexOf(Math.max(...votes));
  const [only] = trainings;
  const sure = only!.probabilities[position * classes.length + label]!;
  return {
    name: classes[label]!,
    certainty:
      trainings.length === 1
        ? `${Math.round(100 * sure)} % sure`
        : `${votes[label]} of ${trainings.length} seeds`,
  };
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
