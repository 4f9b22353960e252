// Scores of a classifier on labelled pictures: pure functions, defined as scikit-learn defines them.

/** Precision, recall and their harmonic mean, each 0 … 1. */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** All scores of one classifier on one set of pictures. */
export interface Evaluation extends Scores {
  /** Share of pictures whose most probable class is the true one. */
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Means over the pictures: each class counts by its support. `precision`, `recall`, `f1` outside are means over the classes. */
  readonly weighted: Scores;
  readonly perClass: Readonly<Record<string, Scores & { readonly support: number }>>;
  /** Rows are the true class, columns the predicted one. */
  readonly confusion: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
}

/**
 * All scores out of the predicted probabilities.
 *
 * @param labels true class of each picture, a position in `classes`
 * @param probabilities `[labels.length, classes.length]`, row-major
 * @param classes names, in the order of the columns
 * @throws RangeError if the lengths don't fit, there are no pictures, or a label is out of range
 */
export function scoresOf(
  labels: ArrayLike<number>,
  probabilities: Float32Array,
  classes: readonly string[],
): Evaluation {
  if (labels.length === 0) throw new RangeError('There are no pictures to score.');
  if (probabilities.length !== labels.length * classes.length) {
    throw new RangeError(
      `${labels.length} pictures of ${classes.length} classes have ${labels.length * classes.length} probabilities, not ${probabilities.length}.`,
    );
  }
  const predicted = mostProbable(probabilities, classes.length);
  const matrix = confusionMatrix(labels, predicted, classes.length);
  const each = classScores(matrix);
  const supports = matrix.map(sum);
  return {
    accuracy: accuracy(matrix),
    loss: logLoss(labels, probabilities, classes.length),
    ...averaged(
      each,
      classes.map(() => 1),
    ),
    weighted: averaged(each, supports),
    perClass: Object.fromEntries(
      classes.map((name, label) => [name, { ...each[label]!, support: supports[label]! }]),
    ),
    confusion: { labels: [...classes], matrix },
  };
}

/** The most probable class of each row; the first of equals. */
export function mostProbable(probabilities: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: probabilities.length / classes }, (_, row) => {
    let best = 0;
    for (let label = 1; label < classes; label++) {
      if (probabilities[row * classes + label]! > probabilities[row * classes + best]!) best = label;
    }
    return best;
  });
}

/**
 * How often each class was taken for each: `matrix[true][predicted]`.
 *
 * @throws RangeError if a label is not a whole number in 0 … classes - 1
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = matrix[labels[i]!];
    const column = predicted[i]!;
    if (row?.[column] === undefined) {
      throw new RangeError(`Picture ${i} has the classes ${labels[i]} and ${column}; there are ${classes}.`);
    }
    row[column] = row[column]! + 1;
  }
  return matrix;
}

/** Share of the pictures on the diagonal. */
export function accuracy(matrix: readonly (readonly number[])[]): number {
  return ratio(sum(matrix.map((row, label) => row[label]!)), sum(matrix.map(sum)));
}

/** Scores of each class against all others. A score without a denominator is 0, as with scikit-learn's `zero_division=0`. */
export function classScores(matrix: readonly (readonly number[])[]): Scores[] {
  return matrix.map((row, label) => {
    const hits = row[label]!;
    const support = sum(row);
    const claimed = sum(matrix.map((other) => other[label]!));
    return {
      precision: ratio(hits, claimed),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, support + claimed),
    };
  });
}

/**
 * Mean of `-log p(true class)`, in nats. As in scikit-learn, probabilities keep a float32's epsilon away from 0 and 1, so
 * that one sure mistake does not make it infinite.
 */
export function logLoss(labels: ArrayLike<number>, probabilities: Float32Array, classes: number): number {
  const epsilon = 2 ** -23;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const probability = probabilities[i * classes + labels[i]!]!;
    total -= Math.log(Math.min(Math.max(probability, epsilon), 1 - epsilon));
  }
  return total / labels.length;
}

function averaged(each: readonly Scores[], weights: readonly number[]): Scores {
  const mean = (score: keyof Scores) =>
    ratio(sum(each.map((scores, label) => scores[score] * weights[label]!)), sum(weights));
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const ratio = (numerator: number, denominator: number) => (denominator === 0 ? 0 : numerator / denominator);
