// The layers of a tf.LayersModel as plain data: what an architecture diagram shows.
import type { LayersModel } from '@tensorflow/tfjs-layers';

type Layer = LayersModel['layers'][number];

/** One layer and what comes out of it. */
export interface LayerShape {
  readonly name: string;
  /** Keras' class name: `Conv2D`, `Dense`, … */
  readonly kind: string;
  /** Output shape without the batch: `[height, width, channels]` or `[units]`. */
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly trainableParameters: number;
}

/**
 * The layers of a model in order; models inside it are replaced by their own layers, their inputs left out.
 *
 * @param model built, with known shapes but for the batch
 */
export function layersOf(model: LayersModel): LayerShape[] {
  return flatten(model, model.trainable, true);
}

function flatten(model: LayersModel, trainable: boolean, outermost: boolean): LayerShape[] {
  return model.layers.flatMap((layer) => {
    const learns = trainable && layer.trainable;
    if ('layers' in layer) return flatten(layer as unknown as LayersModel, learns, false); // a model is a layer, too
    if (layer.getClassName() === 'InputLayer' && !outermost) return [];
    return [shapeOf(layer, learns)];
  });
}

function shapeOf(layer: Layer, trainable: boolean): LayerShape {
  const { outputShape } = layer;
  const first = (Array.isArray(outputShape[0]) ? outputShape[0] : outputShape) as (number | null)[];
  const learned = trainable ? layer.trainableWeights : [];
  return {
    name: layer.name,
    kind: layer.getClassName(),
    shape: first.slice(1).map((length) => length ?? 0),
    parameters: layer.countParams(),
    trainableParameters: learned.reduce(
      (sum, w) => sum + w.shape.reduce<number>((n, d) => n * (d ?? 1), 1),
      0,
    ),
  };
}
