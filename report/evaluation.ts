// What evaluate leaves for one run: the contents of metrics/<model>/<run>.json.
import { z } from 'zod';

const Scores = { precision: z.number(), recall: z.number(), f1: z.number() };

/** Scores of one trained model on the validation pictures; all shares are 0 … 1. */
export const Evaluation = z.object({
  model: z.string(),
  run: z.string(),
  /** What the frozen convolutions are, for a model that stands on some: `ImageNet weights`. */
  backbone: z.string().optional(),
  accuracy: z.number(),
  /** Mean cross-entropy in nats. */
  loss: z.number(),
  /** `precision`, `recall` and `f1` are means over the classes. */
  ...Scores,
  /** Means over the pictures: each class counts by its support. */
  weighted: z.object(Scores),
  perClass: z.record(z.string(), z.object({ ...Scores, support: z.int() })),
  /** Rows of the matrix are the true class, columns the predicted one. */
  confusion: z.object({
    labels: z.array(z.string()).readonly(),
    matrix: z.array(z.array(z.int()).readonly()).readonly(),
  }),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** What a training took: the contents of metrics/<model>/<run>.timing.json. */
export const Timing = z.object({
  model: z.string(),
  run: z.string(),
  trainSeconds: z.number(),
  epochSeconds: z.array(z.number()),
  imagesPerSecond: z.number(),
  backend: z.string(),
  threads: z.number(),
});
export type Timing = z.infer<typeof Timing>;
