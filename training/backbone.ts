// The frozen VGG16 convolutions as a stage leaves them: weights, and what must be known to use them.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayersModel, Sequential } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { UserError } from '../engine/stage.ts';
import { type Preprocess, type Vgg16Convolutions, vgg16Backbone } from '../models/vgg16.ts';
import { type KerasWeights, readKerasWeights, setKerasWeights } from './keras-h5/read.ts';
import { writeKerasModel } from './keras-h5/write.ts';

const BackboneInfo = z.strictObject({
  /** Trained on ImageNet by VGG16's authors, or here on the pictures that filter set aside, or not at all. */
  weights: z.enum(['imagenet', 'pretrain', 'random']),
  /** Share of VGG16's filters in each layer. */
  width: z.number().gt(0).max(1),
  preprocess: z.enum(['caffe', 'scale']),
  /** Height and width, in pixels, of the pictures that it is made for. */
  size: z.int().min(1),
  /** Names it in plots and tables. */
  label: z.string().min(1),
});

/** What stands in `backbone.json`. */
export type BackboneInfo = z.infer<typeof BackboneInfo>;

/** A backbone: the facts of `backbone.json` and the weights of `backbone.h5`. */
export interface Backbone {
  readonly info: BackboneInfo;
  readonly weights: KerasWeights;
  /** Of the weights, for messages. */
  readonly source: string;
}

const infoName = 'backbone.json';
const weightsName = 'backbone.h5';

/** What the first layer of a backbone with these weights is: ImageNet's were trained on `caffe` inputs. */
export const preprocessOf = (weights: BackboneInfo['weights']): Preprocess =>
  weights === 'imagenet' ? 'caffe' : 'scale';

/** Writes a backbone's directory, which must not exist. `model` has all five blocks, or as many as were trained. */
export async function writeBackbone(
  directory: string,
  info: BackboneInfo,
  model: LayersModel,
): Promise<void> {
  await mkdir(directory);
  await writeKerasModel(model, join(directory, weightsName));
  await writeFile(join(directory, infoName), `${JSON.stringify(BackboneInfo.parse(info), null, 2)}\n`);
}

/**
 * Reads a backbone's directory.
 *
 * @throws UserError if it is damaged
 */
export async function readBackbone(directory: string): Promise<Backbone> {
  const file = join(directory, infoName);
  const source = join(directory, weightsName);
  let info: BackboneInfo;
  try {
    info = BackboneInfo.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new UserError(
      `${file} is not a backbone's description. Run \`npm run repro -- backbone\` to make it anew.`,
    );
  }
  return { info, weights: await readKerasWeights(source), source };
}

/** The convolutions of a backbone up to the end of a block. */
export function convolutionsOf({ info }: Backbone, block: number): Vgg16Convolutions {
  return { width: info.width, preprocess: info.preprocess, block };
}

/**
 * The frozen network up to the end of a block, with its weights: pictures `[batch, size, size, 3]` in, features out.
 *
 * @throws UserError if the weights are not of this network
 */
export function frozenBackbone(backbone: Backbone, size: number, block: number): Sequential {
  const model = vgg16Backbone([size, size, 3], convolutionsOf(backbone, block), {
    seed: 0, // draws nothing: all weights come from the file
    start: 'zeros',
    trainable: false,
  });
  setBackboneWeights(model, backbone);
  return model;
}

/** Sets the convolutions' weights, in the backbone's own network or in a whole one; other layers stay as they are. */
export function setBackboneWeights(model: LayersModel, { weights, source }: Backbone): void {
  const others = model.layers.filter((layer) => !layer.name.startsWith('block')).map((layer) => layer.name);
  setKerasWeights(model, weights, source, new Set(others));
}
