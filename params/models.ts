// Parameters of the models: architecture, regularization and optimizer.
import { z } from 'zod';

const learningRate = z.number().gt(0);

/** An optimizer with Keras' formula and Keras' defaults for what is not given. */
export const OptimizerParams = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('sgd'), learningRate, momentum: z.number().min(0).lt(1).optional() }),
  z.strictObject({ name: z.literal('rmsprop'), learningRate }),
  z.strictObject({ name: z.literal('adam'), learningRate }),
  z.strictObject({ name: z.literal('nadam'), learningRate }),
]);
export type OptimizerParams = z.infer<typeof OptimizerParams>;

/** A CNN: one convolution block per entry of `filters`, then a dense head. */
export const CnnParams = z.strictObject({
  /** Filters of each block's 3 × 3 convolution. */
  filters: z.array(z.int().min(1)).min(1),
  /** Units of the hidden dense layer. */
  dense: z.int().min(1),
  /** Share of the dense layer's inputs that dropout sets to zero. */
  dropout: z.number().min(0).lt(1),
  optimizer: OptimizerParams,
});
export type CnnParams = z.infer<typeof CnnParams>;

/** The dense head on VGG16's frozen convolutions. */
export const Vgg16Params = z.strictObject({
  /** What the head sees of the last feature maps: the mean of each, or all of their values. */
  pooling: z.enum(['average', 'flatten']),
  /** Units of the hidden dense layer. */
  dense: z.int().min(1),
  /** Share of the hidden layer's outputs that dropout sets to zero. */
  dropout: z.number().min(0).lt(1),
  optimizer: OptimizerParams,
});
export type Vgg16Params = z.infer<typeof Vgg16Params>;

export const ModelsParams = z.strictObject({ cnn1: CnnParams, cnn2: CnnParams, vgg16: Vgg16Params });
