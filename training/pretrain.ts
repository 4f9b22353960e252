// Pretrains VGG16's convolutions on labelled pictures, for where the ImageNet weights can't be had.
import type { Sequential } from '@tensorflow/tfjs-layers';
import type { Progress } from '../engine/stage.ts';
import { type Vgg16Convolutions, vgg16Backbone, vgg16Pretraining } from '../models/vgg16.ts';
import type { PretrainParams } from '../params/backbone.ts';
import { seededRandom, shuffle } from '../pictures/random.ts';
import type { Examples } from './batches.ts';
import { chooseStep } from './choose-step.ts';
import { type EpochRecord, fitModel } from './fit.ts';
import { Adam } from './optimizers/adam.ts';

export interface PretrainOptions {
  /** `uint8 [N, size, size, 3]` with labels. */
  readonly examples: Examples;
  readonly classes: number;
  /** Rows that train. */
  readonly train: readonly number[];
  /** Rows that validate. */
  readonly validation: readonly number[];
  readonly params: PretrainParams;
  readonly convolutions: Vgg16Convolutions;
  readonly seed: number;
  readonly progress?: (update: Progress) => void;
}

/**
 * Trains a classifier and gives back its convolutions, frozen.
 *
 * Adam; the learning rate rises over the first epoch, without which thirteen plain layers often don't start to learn, and
 * falls along half a cosine to 0 (Loshchilov & Hutter 2017), which in so few epochs is worth several points of accuracy.
 */
export async function pretrain(
  options: PretrainOptions,
): Promise<{ backbone: Sequential; epochs: readonly EpochRecord[] }> {
  const { examples, classes, train, params, convolutions, seed } = options;
  const size = examples.inputs.shape[1]!;
  const model = vgg16Pretraining([size, size, 3], classes, convolutions, seed);
  const optimizer = new Adam(params.learningRate);
  const step = await chooseStep(model, optimizer, examples.inputs.dtype);
  try {
    const stepsPerEpoch = Math.ceil(train.length / params.batch);
    const rate = (done: number) =>
      params.learningRate * warmUpAndCosine(done + 1, stepsPerEpoch, stepsPerEpoch * params.epochs);
    const { epochs } = await fitModel({
      step,
      examples,
      train,
      validation: options.validation,
      batch: params.batch,
      epochs: params.epochs,
      seed,
      learningRate: rate,
      beforeStep: (done) => {
        optimizer.learningRate = rate(done);
      },
      ...(options.progress === undefined ? {} : { progress: options.progress }),
    });
    const backbone = vgg16Backbone([size, size, 3], convolutions, { seed, start: 'zeros', trainable: false });
    for (const layer of backbone.layers) layer.setWeights(model.getLayer(layer.name).getWeights());
    return { backbone, epochs };
  } finally {
    step.dispose();
    optimizer.dispose();
    model.dispose();
  }
}

/** Share of the learning rate at a step, from 1: up in a line over the warm-up, then down along half a cosine. */
function warmUpAndCosine(step: number, warmUp: number, all: number): number {
  if (step <= warmUp) return step / warmUp;
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmUp)) / (all - warmUp + 1)));
}

/**
 * Parts rows into training and validation, whole groups on one side: about a tenth of the pictures validate, and at least one
 * group, unless there is only one; then single pictures are drawn.
 *
 * @param groups group of each row
 */
export function partGroups(
  groups: readonly string[],
  seed: number,
): { train: number[]; validation: number[] } {
  const rows = new Map<string, number[]>();
  groups.forEach((group, row) => {
    const own = rows.get(group);
    if (own === undefined) rows.set(group, [row]);
    else own.push(row);
  });
  const units =
    rows.size > 1
      ? [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, own]) => own)
      : groups.map((_, row) => [row]);
  const wanted = groups.length / 10;
  const validation: number[] = [];
  const train: number[] = [];
  for (const unit of shuffle(units, seededRandom(seed, 'pretrain', 'split'))) {
    // The first unit validates in any case, and a family that would overshoot by far trains.
    const fits =
      validation.length === 0 ? unit.length <= groups.length / 2 : validation.length + unit.length <= wanted;
    (fits ? validation : train).push(...unit);
  }
  const ascending = (a: number, b: number) => a - b;
  return { train: train.sort(ascending), validation: validation.sort(ascending) };
}
