// What the training stages share: read the inputs, train, and leave model, history, timing and checkpoint.
import { stat, writeFile } from 'node:fs/promises';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StageContext } from '../engine/stage.ts';
import type { Shape3 } from '../models/layers.ts';
import { IterationParams } from '../params/iteration.ts';
import { SeedParam } from '../params/seed.ts';
import type { TrainingParams } from '../params/training.ts';
import { readIndex } from '../pictures/index.ts';
import { labelsOf, readSplit } from '../pictures/split.ts';
import { backendNameOf, loadBackend } from './backend.ts';
import { openInputs } from './batches.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { Diverged } from './diverged.ts';
import type { EpochTime } from './fit.ts';
import { findKeptTraining, TrainingKeeper } from './kept-training.ts';
import { writeKerasModel } from './keras-h5/write.ts';
import { dependsOnLength } from './schedule.ts';
import { earlierTiming, timingOf } from './timing.ts';
import { trainModel } from './train-model.ts';

/** What a model's stage adds to the shared work. */
export interface Training {
  readonly params: TrainingParams;
  /**
   * Makes the model that is trained on the inputs.
   *
   * @param shape of a row of the inputs
   * @param seed of the training
   */
  build(shape: Shape3, classes: number, seed: number): LayersModel | Promise<LayersModel>;
  /** Makes the model that is saved out of the trained one, where it is another: pictures in, probabilities out. */
  whole?(trained: LayersModel, seed: number): LayersModel | Promise<LayersModel>;
}

/**
 * Values of a batch's inputs, 33 pictures of 224 × 224, from which on TensorFlow runs one operation at a time: each occupies all
 * cores by itself, and two at once only hold twice the memory.
 */
const largeBatch = 5_000_000;

/**
 * Runs a training stage: deps `inputs`, `index`, `split`; matrix axes `run` and `seed`; outs `model`, `history`, `timing` and, if it
 * is declared, `checkpoint`.
 *
 * A training that diverges is a result, too: its history says so, the user is warned, and its other outs are placeholders.
 *
 * Where it was cut off before it goes on after its last checkpoint, and where the engine offers the checkpoint of a run with
 * fewer epochs, from there: to the same bytes.
 */
export async function trainStage(context: StageContext<unknown>, training: Training): Promise<void> {
  const { deps, outs, labels: names, resume, partial } = context;
  const { params } = training;
  const seed = SeedParam.parse(context.matrix.seed);
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
    const model = await training.build(
      inputs.shape.slice(1) as unknown as Shape3,
      split.classes.length,
      seed,
    );
    const kept = await findKeptTraining(partial);
    if (kept !== null)
      console.log(`The training was cut off and goes on after epoch ${kept.checkpoint.epochs.length}.`);
    const shorter = kept === null && resume !== undefined ? await checkpointFor(resume.from, params) : null;
    const earlier = shorter === null ? (kept?.earlier ?? null) : await earlierTiming(resume?.outs.timing);
    /** Of all epochs, when these were trained here and the others taken over. */
    const timesWith = (times: readonly EpochTime[], all: number) =>
      times.length < all ? { times: [...(kept?.times ?? []), ...times], earlier } : { times, earlier: null };
    const keeper = new TrainingKeeper(partial);
    const ofRun = { model: names.model, run: names.run, seed };
    const writeTiming = (times: readonly EpochTime[], epochs: number) => {
      const measured = timesWith(times, epochs);
      const timing = timingOf(measured.earlier, measured.times, split.train.length, backend);
      return writeJson(outs.timing!, { ...ofRun, ...timing });
    };
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
    }).catch((error: unknown) => {
      if (error instanceof Diverged) return error;
      throw error;
    });
    if (result instanceof Diverged) {
      context.warn(`${context.name}: ${result.message}`);
      const diverged = { epoch: result.epoch, reason: result.message };
      await writeJson(outs.history!, { ...ofRun, diverged, epochs: result.epochs });
      await writeTiming(result.times, result.epochs.length);
      for (const out of [outs.model, outs.checkpoint]) if (out !== undefined) await writeFile(out, '');
      return;
    }
    await writeKerasModel((await training.whole?.(model, seed)) ?? model, outs.model!);
    const best = result.best === null ? {} : { best: result.best };
    await writeJson(outs.history!, { ...ofRun, ...best, epochs: result.epochs });
    await writeTiming(result.times, result.epochs.length);
  } finally {
    await inputs.close();
  }
}

/** The checkpoint, or null if the longer training has to start from scratch. */
async function checkpointFor(path: string, params: TrainingParams) {
  if ((await stat(path)).size === 0) {
    console.log('The shorter training diverged, so this one starts from scratch.');
    return null;
  }
  if (!dependsOnLength(params.schedule)) return readCheckpoint(path);
  console.log('The learning rate depends on the number of epochs, so the training starts from scratch.');
  return null;
}

const writeJson = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
