// Parameters of how a model is trained: optimizer, learning-rate schedule, regularization, early stopping, augmentation.
import { z } from 'zod';

const learningRate = z.number().gt(0);
const share = z.number().min(0).lt(1);

/** An optimizer with Keras' formula and Keras' defaults for what is not given. */
export const OptimizerParams = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('sgd'), learningRate, momentum: z.number().min(0).lt(1).optional() }),
  z.strictObject({ name: z.literal('rmsprop'), learningRate }),
  z.strictObject({ name: z.literal('adam'), learningRate }),
  z.strictObject({ name: z.literal('nadam'), learningRate }),
]);
export type OptimizerParams = z.infer<typeof OptimizerParams>;

/** How the learning rate goes on from the optimizer's. */
export const ScheduleParams = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  /** Down along half a cosine to `final` times the learning rate at the end of the training. */
  z.strictObject({ kind: z.literal('cosine'), final: z.number().min(0).max(1).optional() }),
  /** Times `rate` every `epochs` epochs, step by step in between or, `staircase`, at once. */
  z.strictObject({
    kind: z.literal('exponential'),
    rate: z.number().gt(0).max(1),
    epochs: z.number().gt(0),
    staircase: z.boolean().optional(),
  }),
]);
export type ScheduleParams = z.infer<typeof ScheduleParams>;

/** Ends a training whose validation no longer gets better, and keeps the best epoch's weights. */
export const EarlyStoppingParams = z.strictObject({
  /** Epochs without a better figure after which the training ends. */
  patience: z.int().min(1),
  monitor: z.enum(['valLoss', 'valAccuracy']),
});
export type EarlyStoppingParams = z.infer<typeof EarlyStoppingParams>;

/** What each picture goes through before each epoch, drawn anew; all off at none and 0. */
export const AugmentationParams = z.strictObject({
  /** Mirrored or not, at even odds. */
  flip: z.enum(['none', 'horizontal', 'vertical', 'both']),
  /** Moved by up to this share of height and width; the edge is continued. */
  shift: share,
  /** Enlarged or shrunk by up to this share, height and width each by itself. */
  zoom: share,
  /** Made brighter or darker by up to this share. */
  brightness: share,
});
export type AugmentationParams = z.infer<typeof AugmentationParams>;

/** What is not given is off, as in the study. */
export const trainingFields = {
  optimizer: OptimizerParams,
  schedule: ScheduleParams.optional(),
  /** λ of the penalty λ Σ w² on each convolution's and dense layer's kernel. */
  l2: z.number().min(0).optional(),
  /** Share of each target that is spread evenly over all classes. */
  labelSmoothing: share.optional(),
  /** `balanced` weighs a picture's loss by pictures / (classes · pictures of its class). */
  classWeights: z.enum(['none', 'balanced']).optional(),
  earlyStopping: EarlyStoppingParams.nullable().optional(),
};

/** All of a model's parameters that say how it is trained. */
export const TrainingParams = z.object({
  ...trainingFields,
  augmentation: AugmentationParams.optional(),
});
export type TrainingParams = z.infer<typeof TrainingParams>;
