// Sums up the trainings of one model and iteration, which differ in their seed alone, in one evaluation.
import { crossedInterval } from '../engine/statistics/crossed-bootstrap.ts';
import type { Evaluation } from './evaluation.ts';
import type { History } from './history.ts';
import { type Replicated, replicated } from './replicated.ts';

/** Scores of one training; as `scoresOf` in training/metrics.ts gives them. */
interface Scores {
  readonly accuracy: number;
  readonly loss: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly weighted: Averages;
  readonly perClass: Readonly<Record<string, Averages & { readonly support: number }>>;
  readonly confusion: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
}
type Averages = Readonly<Record<'precision' | 'recall' | 'f1', number>>;

/** A training that did not diverge, with its scores. */
export interface Training {
  readonly seed: number;
  readonly scores: Scores;
  /** Position of the predicted class, for each image `[images]`. */
  readonly predicted: ArrayLike<number>;
  /** `[images, classes]`, row-major. */
  readonly probabilities: Float32Array;
}

interface Summarized {
  readonly model: string;
  readonly run: string;
  readonly backbone: string | undefined;
  /** Of all trainings, ascending by seed. */
  readonly histories: readonly History[];
  /** At least one. */
  readonly trainings: readonly Training[];
  /** Side of the split whose images were scored. */
  readonly side: Evaluation['side'];
  /** Position of the true class, for each image `[images]`. */
  readonly truth: ArrayLike<number>;
  /** Family of each image `[images]`. */
  readonly families: readonly string[];
}

export function summarize({
  model,
  run,
  backbone,
  histories,
  trainings,
  side,
  truth,
  families,
}: Summarized): Evaluation {
  const overSeeds = (score: (scores: Scores) => number): Replicated =>
    replicated(
      new Map(
        histories.map(({ seed }) => {
          const training = trainings.find((each) => each.seed === seed);
          return [String(seed), training === undefined ? null : score(training.scores)];
        }),
      ),
    );
  const averages = (of: (scores: Scores) => Averages) => ({
    precision: overSeeds((scores) => of(scores).precision),
    recall: overSeeds((scores) => of(scores).recall),
    f1: overSeeds((scores) => of(scores).f1),
  });
  const diverged = histories.flatMap(({ seed, diverged: how }) =>
    how === undefined ? [] : [{ seed, ...how }],
  );
  const { perClass, confusion } = trainings[0]!.scores;
  const right = trainings.map(({ predicted }) =>
    Array.from(predicted, (label, i) => Number(label === truth[i])),
  );
  return {
    model,
    run,
    ...(backbone === undefined ? {} : { backbone }),
    seeds: histories.map(({ seed }) => seed),
    ...(diverged.length === 0 ? {} : { diverged }),
    side,
    images: truth.length,
    accuracy: overSeeds(({ accuracy }) => accuracy),
    accuracyInterval: crossedInterval({ values: right, families }),
    loss: overSeeds(({ loss }) => loss),
    ...averages((scores) => scores),
    weighted: averages(({ weighted }) => weighted),
    perClass: Object.fromEntries(
      Object.entries(perClass).map(([name, { support }]) => [
        name,
        { ...averages((scores) => scores.perClass[name]!), support },
      ]),
    ),
    confusion: {
      labels: confusion.labels,
      matrix: confusion.matrix.map((row, i) =>
        row.map((_, j) => trainings.reduce((sum, { scores }) => sum + scores.confusion.matrix[i]![j]!, 0)),
      ),
    },
  };
}
