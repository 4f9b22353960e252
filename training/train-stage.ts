// What the training stages share: read the inputs, train, and leave model, history and timing.
import { writeFile } from 'node:fs/promises';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StageContext } from '../engine/stage.ts';
import type { Shape3 } from '../models/layers.ts';
import { IterationParams } from '../params/iteration.ts';
import type { OptimizerParams } from '../params/models.ts';
import { readIndex } from '../pictures/index.ts';
import { labelsOf, readSplit } from '../pictures/split.ts';
import { backendNameOf, loadBackend } from './backend.ts';
import { openInputs } from './batches.ts';
import { chooseStep } from './choose-step.ts';
import { fitModel } from './fit.ts';
import { writeKerasModel } from './keras-h5/write.ts';
import { makeOptimizer } from './optimizers/index.ts';

/** What a model's stage adds to the shared work. */
export interface Training {
  readonly seed: number;
  readonly optimizer: OptimizerParams;
  /**
   * Makes the model that is trained on the inputs.
   *
   * @param shape of a row of the inputs
   */
  build(shape: Shape3, classes: number): LayersModel | Promise<LayersModel>;
  /** Makes the model that is saved out of the trained one, where it is another: pictures in, probabilities out. */
  whole?(trained: LayersModel): LayersModel | Promise<LayersModel>;
}

/** Runs a training stage: deps `inputs`, `index`, `split`; matrix axis `run`; outs `model`, `history`, `timing`. */
export async function trainStage(context: StageContext<unknown>, training: Training): Promise<void> {
  const { deps, outs, labels: names } = context;
  const { batch, epochs } = IterationParams.parse(context.matrix.run);
  const backend = await loadBackend(backendNameOf(context.env.backend ?? ''));
  const inputs = await openInputs(deps.inputs!);
  try {
    const split = await readSplit(deps.split!);
    const labels = labelsOf(await readIndex(deps.index!, inputs.length), split.classes);
    const model = await training.build(inputs.shape.slice(1) as unknown as Shape3, split.classes.length);
    const optimizer = makeOptimizer(training.optimizer);
    const step = await chooseStep(model, optimizer, inputs.dtype);
    const result = await fitModel({
      step,
      examples: { inputs, labels },
      train: split.train,
      validation: split.validation,
      batch,
      epochs,
      seed: training.seed,
      learningRate: training.optimizer.learningRate,
      progress: context.progress,
    });
    step.dispose();
    optimizer.dispose();
    await writeKerasModel((await training.whole?.(model)) ?? model, outs.model!);
    const { model: name, run } = names;
    await writeJson(outs.history!, { model: name, run, epochs: result.epochs });
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const stepSeconds = sum(result.times.map((time) => time.trainSeconds));
    await writeJson(outs.timing!, {
      model: name,
      run,
      trainSeconds: milliseconds(sum(result.times.map((time) => time.seconds))),
      epochSeconds: result.times.map((time) => milliseconds(time.seconds)),
      imagesPerSecond: Math.round((split.train.length * epochs) / stepSeconds),
      backend: backend.label,
      threads: backend.threads,
    });
  } finally {
    await inputs.close();
  }
}

const writeJson = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);

/** Seconds, to the millisecond. */
const milliseconds = (seconds: number) => Math.round(seconds * 1000) / 1000;
