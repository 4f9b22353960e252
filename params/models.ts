// Parameters of the models: architecture, and how each is trained.
import { z } from 'zod';
import { AugmentationParams, trainingFields } from './training.ts';

export { OptimizerParams, TrainingParams } from './training.ts';

/** A CNN: one convolution block per entry of `filters`, then a dense head. */
export const CnnParams = z.strictObject({
  /** Filters of each block's 3 × 3 convolution. */
  filters: z.array(z.int().min(1)).min(1),
  /** Units of the hidden dense layer. */
  dense: z.int().min(1),
  /** Share of the dense layer's inputs that dropout sets to zero. */
  dropout: z.number().min(0).lt(1),
  ...trainingFields,
  augmentation: AugmentationParams.optional(),
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
  /** Trains the last block's convolutions along with the head, from the backbone's weights on. */
  fineTune: z.boolean().optional(),
  ...trainingFields,
  augmentation: z
    .undefined({
      error: 'vgg16 trains on features that are computed once, so its pictures cannot be augmented',
    })
    .optional(),
});
export type Vgg16Params = z.infer<typeof Vgg16Params>;

export const ModelsParams = z.strictObject({ cnn1: CnnParams, cnn2: CnnParams, vgg16: Vgg16Params });
