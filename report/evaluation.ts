// What evaluate leaves for one model and iteration: the contents of metrics/<model>/<run>.json.
import { z } from 'zod';
import { Replicated } from './replicated.ts';

const Scores = { precision: Replicated, recall: Replicated, f1: Replicated };

/** Scores of the trainings of one model and iteration; all shares are 0 … 1. */
export const Evaluation = z.object({
  model: z.string(),
  run: z.string(),
  /** What the frozen convolutions are, for a model that has some: `ImageNet weights`. */
  backbone: z.string().optional(),
  /** Of the trainings, ascending. */
  seeds: z.array(z.int()).min(1).readonly(),
  /** Seeds whose training diverged: no score has a value of theirs. */
  diverged: z.array(z.object({ seed: z.int(), epoch: z.int(), reason: z.string() })).optional(),
  /** Side of the split whose images were scored. */
  side: z.enum(['validation', 'test']),
  /** How many images were scored. */
  images: z.int().min(1),
  accuracy: Replicated,
  /** 95 % interval of the mean accuracy, over families of images and seeds. */
  accuracyInterval: z.tuple([z.number(), z.number()]).readonly(),
  /** Mean cross-entropy in nats. */
  loss: Replicated,
  /** `precision`, `recall` and `f1` are means over the classes. */
  ...Scores,
  /** Means over the images: each class counts by its support. */
  weighted: z.object(Scores),
  perClass: z.record(z.string(), z.object({ ...Scores, support: z.int() })),
  /** Sum over the seeds. Rows of the matrix are the true class, columns the predicted one. */
  confusion: z.object({
    labels: z.array(z.string()).readonly(),
    matrix: z.array(z.array(z.int()).readonly()).readonly(),
  }),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** What a training took: the contents of metrics/<model>/<run>.<seed>.timing.json. */
export const Timing = z.object({
  model: z.string(),
  run: z.string(),
  seed: z.int(),
  trainSeconds: z.number(),
  epochSeconds: z.array(z.number()),
  imagesPerSecond: z.number(),
  backend: z.string(),
  threads: z.number(),
});
export type Timing = z.infer<typeof Timing>;
