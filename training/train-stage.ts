// What the training stages share: read the inputs, train, and leave model, history, timing and checkpoint.
import { readFile, writeFile } from 'node:fs/promises';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { type StageContext, UserError } from '../engine/stage.ts';
import type { Shape3 } from '../models/layers.ts';
import { IterationParams } from '../params/iteration.ts';
import type { TrainingParams } from '../params/training.ts';
import { readIndex } from '../pictures/index.ts';
import { labelsOf, readSplit } from '../pictures/split.ts';
import { type Backend, backendNameOf, loadBackend } from './backend.ts';
import { openInputs } from './batches.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { EpochTime } from './fit.ts';
import { writeKerasModel } from './keras-h5/write.ts';
import { dependsOnLength } from './schedule.ts';
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
 * Runs a training stage: deps `inputs`, `index`, `split`; matrix axis `run`; outs `model`, `history`, `timing` and, where it
 * is declared, `checkpoint`.
 *
 * Where the engine offers the checkpoint of a run with fewer epochs it goes on from there, to the same bytes.
 */
export async function trainStage(context: StageContext<unknown>, training: Training): Promise<void> {
  const { deps, outs, labels: names, resume } = context;
  const { seed, params } = training;
  const { batch, epochs } = IterationParams.parse(context.matrix.run);
  const backend = await loadBackend(backendNameOf(context.env.backend ?? ''));
  const inputs = await openInputs(deps.inputs!);
  try {
    const split = await readSplit(deps.split!);
    const labels = labelsOf(await readIndex(deps.index!, inputs.length), split.classes);
    const model = await training.build(inputs.shape.slice(1) as unknown as Shape3, split.classes.length);
    const result = await trainModel({
      model,
      params,
      examples: { inputs, labels },
      split,
      batch,
      epochs,
      seed,
      from: resume === undefined ? null : await checkpointFor(resume.from, params),
      progress: context.progress,
      async save({ optimizer, epochs: done, best }) {
        if (outs.checkpoint !== undefined)
          await writeCheckpoint(outs.checkpoint, model, optimizer, done, best);
      },
    });
    await writeKerasModel((await training.whole?.(model)) ?? model, outs.model!);
    const { model: name, run } = names;
    const best = result.best === null ? {} : { best: result.best };
    await writeJson(outs.history!, { model: name, run, ...best, epochs: result.epochs });
    const earlier =
      result.times.length < result.epochs.length ? await earlierTiming(resume?.outs.timing) : null;
    const timing = timingOf(earlier, result.times, split.train.length, backend);
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

/** What the run that a training went on from measured. */
const EarlierTiming = z.object({ epochSeconds: z.array(z.number()), imagesPerSecond: z.number().gt(0) });
type EarlierTiming = z.infer<typeof EarlierTiming>;

/** @throws UserError where the timing of the earlier epochs was not brought along */
async function earlierTiming(path: string | undefined): Promise<EarlierTiming> {
  if (path === undefined) {
    throw new UserError(
      'The earlier run left no timing. Name it in pipeline.yaml: `resume: { with: [timing], … }`.',
    );
  }
  return EarlierTiming.parse(JSON.parse(await readFile(path, 'utf8')));
}

/**
 * How long a training took. One that went on from a checkpoint counts the earlier epochs as they were measured when they
 * ran; `resumedFrom` says after which epoch it went on.
 */
function timingOf(
  earlier: EarlierTiming | null,
  times: readonly EpochTime[],
  pictures: number,
  backend: Backend,
) {
  const epochSeconds = [...(earlier?.epochSeconds ?? []), ...times.map((time) => milliseconds(time.seconds))];
  const before = earlier === null ? 0 : (pictures * earlier.epochSeconds.length) / earlier.imagesPerSecond;
  const stepSeconds = before + sum(times.map((time) => time.trainSeconds));
  return {
    trainSeconds: milliseconds(sum(epochSeconds)),
    epochSeconds,
    ...(earlier === null ? {} : { resumedFrom: earlier.epochSeconds.length }),
    imagesPerSecond: Math.round((pictures * epochSeconds.length) / stepSeconds),
    backend: backend.label,
    threads: backend.threads,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const writeJson = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);

/** Seconds, to the millisecond. */
const milliseconds = (seconds: number) => Math.round(seconds * 1000) / 1000;
