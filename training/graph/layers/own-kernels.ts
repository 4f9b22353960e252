// Which layers our own kernels (training/kernels/native/) compute, several in one operation where they follow one another.
import type { Layer, LayerRule } from './layer-rule.ts';
import { otherSetting } from './layer-rule.ts';
import { isOwnConv2d, ownConv2d } from './own-conv2d.ts';
import { isOwnNormalization, ownNormalization } from './own-normalization.ts';

/** How some layers are written as one. */
export interface OwnLayers {
  /** Writes them; it is called for the first of them, the only one with weights. */
  readonly write: LayerRule['forward'];
  readonly count: number;
}

/**
 * How our kernels compute a layer and what follows it; null where they don't.
 *
 * @param layers those from this one on; a rule can write each of them
 * @param wantInput whether the gradient of the layer's input may be wanted
 * @param training not as in inference
 */
export function ownLayers(layers: readonly Layer[], wantInput: boolean, training: boolean): OwnLayers | null {
  const [layer, second, third] = layers;
  if (isOwnConv2d(layer!, wantInput)) {
    const joinsPooling = layer!.getConfig().activation === 'relu' && poolsPairs(second);
    return { write: ownConv2d(joinsPooling), count: joinsPooling ? 2 : 1 };
  }
  const joins = training && isOwnNormalization(layer!) && isRelu(second) && poolsPairs(third);
  return joins ? { write: ownNormalization, count: 3 } : null;
}

/** The largest of each 2 × 2. */
const poolsPairs = (layer: Layer | undefined): boolean =>
  layer?.getClassName() === 'MaxPooling2D' &&
  otherSetting(layer, { poolSize: [[2, 2]], strides: [null, [2, 2]], padding: ['valid'] }) === null;

const isRelu = (layer: Layer | undefined): boolean =>
  layer?.getClassName() === 'Activation' && layer.getConfig().activation === 'relu';
