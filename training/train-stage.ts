// What the training stages share: read the inputs, train, and leave model, history, timing and checkpoint.
import { writeFile } from 'node:fs/promises';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StageContext } from '../engine/stage.ts';
import type { Shape3 } from '../models/layers.ts';
import { IterationParams } from '../params/iteration.ts';
import type { TrainingParams } from '../params/training.ts';
import { readIndex } from '../pictures/index.ts';
import { labelsOf, readSplit } from '../pictures/split.ts';
import { backendNameOf, loadBackend } from './backend.ts';
import { openInputs } from './batches.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { EpochTime } from './fit.ts';
import { findKeptTraining, TrainingKeeper } from './kept-training.ts';
import { writeKerasModel } from './keras-h5/write.ts';
import { dependsOnLength } from './schedule.ts';
import { earlierTiming, timingOf } from './timing.ts';
import { trainModel } from './train-model.ts';

/** What a model's stage adds to the shared work. */
export interface Training {
  readonly seed: number;
  readonly params: TrainingParams;
  /**
   * Makes the model that is trained on the inputs.
   *
   * @param shape of a row of the inputs
   */
  build(shape: Shape3, classes: number): LayersModel | Promise<LayersModel>;
  /** Makes the model that is saved out of the trained one, where it is another: pictures in, probabilities out. */
  whole?(trained: LayersModel): LayersModel | Promise<LayersModel>;
}

/**
 * Values of a batch's inputs, 33 pictures of 224 × 224, from which on TensorFlow runs one operation at a time: each occupies all
 * cores by itself, and two at once only hold twice the memory.
 */
const largeBatch = 5_000_000;

/**
 * Runs a training stage: deps `inputs`, `index`, `split`; matrix axis `run`; outs `model`, `history`, `timing` and, where it
 * is declared, `checkpoint`.
 *
 * Where it was cut off before it goes on after its last checkpoint, and where the engine offers the checkpoint of a run with
 * fewer epochs, from there: to the same bytes.
 */
export async function trainStage(context: StageContext<unknown>, training: Training): Promise<void> {
  const { deps, outs, labels: names, resume, partial } = context;
  const { seed, params } = training;
  const { batch, epochs } = IterationParams.parse(context.matrix.run);
  const backendName = backendNameOf(context.env.backend ?? '');
  const inputs = await openInputs(deps.inputs!);
  try {
    // TensorFlow reads it when it is loaded.
    if (backendName === 'tensorflow' && batch * inputs.rowElements > largeBatch)
      process.env.TF_NUM_INTEROP_THREADS ??= '1';
    const backend = await loadBackend(backendName);
    const split = await readSplit(deps.split!);
    const labels = labelsOf(await readIndex(deps.index!, inputs.length), split.classes);
    const model = await training.build(inputs.shape.slice(1) as unknown as Shape3, split.classes.length);
    const kept = await findKeptTraining(partial);
    if (kept !== null)
      console.log(`The training was cut off and goes on after epoch ${kept.checkpoint.epochs.length}.`);
    const shorter = kept === null && resume !== undefined ? await checkpointFor(resume.from, params) : null;
    const earlier = shorter === null ? (kept?.earlier ?? null) : await earlierTiming(resume?.outs.timing);
    /** Of all epochs, when these were trained here and the others taken over. */
    const timesWith = (times: readonly EpochTime[], all: number) =>
      times.length < all ? { times: [...(kept?.times ?? []), ...times], earlier } : { times, earlier: null };
    const keeper = new TrainingKeeper(partial);
    const result = await trainModel({
      model,
      params,
      examples: { inputs, labels },
      split,
      batch,
      epochs,
      seed,
      from: kept?.checkpoint ?? shorter,
      progress: context.progress,
      async afterEpoch({ optimizer, epochs: done, best }, times) {
        if (!keeper.isDue) return;
        const write = (path: string) => writeCheckpoint(path, model, optimizer, done, best);
        await keeper.keep(done.length, timesWith(times, done.length), write);
      },
      async save({ optimizer, epochs: done, best }) {
        if (outs.checkpoint !== undefined)
          await writeCheckpoint(outs.checkpoint, model, optimizer, done, best);
      },
    });
    await writeKerasModel((await training.whole?.(model)) ?? model, outs.model!);
    const { model: name, run } = names;
    const best = result.best === null ? {} : { best: result.best };
    await writeJson(outs.history!, { model: name, run, ...best, epochs: result.epochs });
    const measured = timesWith(result.times, result.epochs.length);
    const timing = timingOf(measured.earlier, measured.times, split.train.length, backend);
    await writeJson(outs.timing!, { model: name, run, ...timing });
  } finally {
    await inputs.close();
  }
}

/** The checkpoint, or null where a longer training would have gone another way from its first step. */
async function checkpointFor(path: string, params: TrainingParams) {
  if (!dependsOnLength(params.schedule)) return readCheckpoint(path);
  console.log('The learning rate depends on the number of epochs, so the training starts from scratch.');
  return null;
}

const writeJson = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
