// Evaluates one trained model on the validation pictures: scores, every single prediction, and the run's plots.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, stage } from '../engine/stage.ts';
import { SeedParam } from '../params/seed.ts';
import { type IndexEntry, readIndex } from '../pictures/index.ts';
import { NpyFile } from '../pictures/npy.ts';
import { sample, seededRandom } from '../pictures/random.ts';
import { labelsOf, readSplit } from '../pictures/split.ts';
import { architectureSvg } from '../report/architecture.ts';
import { confusionPlot } from '../report/confusion.ts';
import { curvePlot } from '../report/curves.ts';
import type { Evaluation } from '../report/evaluation.ts';
import { History } from '../report/history.ts';
import { layersOf } from '../report/layer-shapes.ts';
import { type GridCell, pictureGrid } from '../report/picture-grid.ts';
import { type Prediction, writePredictions } from '../report/predictions.ts';
import { scoresTable } from '../report/scores-table.ts';
import { writePlot } from '../report/vega.ts';
import { backendNameOf, loadBackend } from '../training/backend.ts';
import { loadKerasModel } from '../training/keras-h5/read.ts';
import { mostProbable, scoresOf } from '../training/metrics.ts';
import { loadClassifier } from '../training/predict.ts';

/** Pictures in the grid of samples: rows × columns. */
const sampleRows = 4;
const sampleColumns = 8;

await stage(z.strictObject({ seed: SeedParam }), async (context) => {
  const { deps, outs, labels: names } = context;
  const [model, run] = [names.model!, names.run!];
  await loadBackend(backendNameOf(context.env.backend ?? ''));
  const { classes, validation } = await readSplit(deps.split!);
  const index = await readIndex(deps.index!);
  const labels = labelsOf(index, classes);
  const probabilities = await probabilitiesOf(context, validation);

  const backbone = deps.backbone === undefined ? undefined : await backboneLabel(deps.backbone);
  const evaluation: Evaluation = {
    model,
    run,
    ...(backbone === undefined ? {} : { backbone }),
    ...scoresOf(
      validation.map((row) => labels[row]!),
      probabilities,
      classes,
    ),
  };
  await writeFile(outs.metrics!, `${JSON.stringify(evaluation, null, 2)}\n`);
  const predictions = predictionsOf(validation, index, classes, probabilities);
  await writePredictions(outs.predictions!, classes, predictions);
  await writePlots(context, evaluation, validation, predictions);
  console.log(scoresTable(evaluation));
});

/** Of each class for each row: `[rows.length, classes]`, row-major. */
async function probabilitiesOf(
  context: StageContext<unknown>,
  rows: readonly number[],
): Promise<Float32Array> {
  const classifier = await loadClassifier(context.deps.model!, context.deps.inputs!);
  try {
    return await classifier.predict(rows, (done) =>
      context.progress({ done, total: rows.length, unit: 'pictures' }),
    );
  } finally {
    await classifier.close();
  }
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

async function writePlots(
  { deps, outs, params }: StageContext<{ seed: number }>,
  evaluation: Evaluation,
  rows: readonly number[],
  predictions: readonly Prediction[],
): Promise<void> {
  const plots = outs.plots!;
  await mkdir(plots, { recursive: true });
  const { model, run, backbone } = evaluation;
  const name = backbone === undefined ? model : `${model} (${backbone})`;
  const title = `${name}, ${run}`;
  const history = History.parse(JSON.parse(await readFile(deps.history!, 'utf8')));
  await writePlot(plots, 'accuracy', curvePlot(history, 'accuracy', title));
  await writePlot(plots, 'loss', curvePlot(history, 'loss', title));
  await writePlot(plots, 'confusion', confusionPlot(evaluation.confusion, title));
  const network = await loadKerasModel(deps.model!);
  await writeFile(join(plots, 'architecture.svg'), architectureSvg(layersOf(network), name));
  network.dispose();
  const grid = await sampleGrid(deps.pictures!, rows, predictions, params.seed, title);
  await writeFile(join(plots, 'samples.png'), grid);
}

/** Random validation pictures with true and predicted label; the same pictures for every model and run of a seed. */
async function sampleGrid(
  file: string,
  rows: readonly number[],
  predictions: readonly Prediction[],
  seed: number,
  title: string,
): Promise<Buffer> {
  const positions = sample(
    rows.map((_, i) => i),
    sampleRows * sampleColumns,
    seededRandom(seed, 'evaluate', 'samples'),
  ).sort((a, b) => a - b);
  const pictures = await NpyFile.open(file, 'uint8');
  try {
    const [, height, width] = pictures.shape as [number, number, number, number];
    const pixels = await pictures.rows(positions.map((position) => rows[position]!));
    const cells = positions.map((position, i): GridCell => {
      const { truth, predicted, probabilities } = predictions[position]!;
      const percent = Math.round(100 * Math.max(...probabilities));
      return {
        image: { data: pixels.subarray(i * height * width * 3, (i + 1) * height * width * 3), width, height },
        caption: `true: ${truth}\nsaid: ${predicted}\n${percent} % sure`,
        tone: truth === predicted ? 'good' : 'bad',
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
