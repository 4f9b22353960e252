// Whether a difference of two accuracies is more than chance.

/** Right and all predictions that an accuracy is made of. */
export interface Proportion {
  readonly successes: number;
  readonly trials: number;
}

export interface Significance {
  /** Two-sided p-value, 0 … 1: how likely a difference at least as unusual is, were both sides equally accurate. */
  readonly p: number;
  readonly old: Proportion;
  readonly now: Proportion;
  /** `p` below {@link level}. */
  readonly real: boolean;
}

/** Below this p-value a difference is called real. */
export const level = 0.05;

/**
 * Fisher's exact test of two accuracies, two-sided.
 *
 * It takes the two sets of predictions as independent samples. Where both sides predicted the same pictures they are
 * paired, and McNemar's test on the single predictions would find smaller differences; of these only the counts are
 * at hand, so the verdict errs on the side of noise. Exact for any number of predictions, unlike the z-test.
 *
 * @see R. A. Fisher, "On the interpretation of χ² from contingency tables, and the calculation of P",
 * Journal of the Royal Statistical Society 85 (1922). Two-sided as in R's fisher.test and SciPy's fisher_exact: the
 * sum over all tables with the same margins that are at most as probable as the one found.
 */
export function compareProportions(old: Proportion, now: Proportion): Significance {
  const p = fisherExact(old, now);
  return { p, old, now, real: p < level };
}

function fisherExact(a: Proportion, b: Proportion): number {
  const successes = a.successes + b.successes;
  const lowest = Math.max(0, successes - b.trials);
  const highest = Math.min(a.trials, successes);
  // Unnormalized log probabilities of each possible count of a's successes, by the ratio of neighbours:
  // P(x) / P(x-1) = (a.trials - x + 1)(successes - x + 1) / (x (b.trials - successes + x)).
  const logs = [0];
  for (let x = lowest + 1; x <= highest; x++) {
    const ratio = ((a.trials - x + 1) * (successes - x + 1)) / (x * (b.trials - successes + x));
    logs.push(logs.at(-1)! + Math.log(ratio));
  }
  const observed = logs[a.successes - lowest]!;
  const top = logs.reduce((most, log) => Math.max(most, log), observed);
  // Tables as probable as the observed one may differ from it by rounding.
  const rounding = 1e-7;
  let all = 0;
  let extreme = 0;
  for (const log of logs) {
    const weight = Math.exp(log - top);
    all += weight;
    if (log <= observed + rounding) extreme += weight;
  }
  return Math.min(1, extreme / all);
}

/** The proportion behind a metrics document's `accuracy`, out of its `confusion.matrix`; null where there is none that agrees with it. */
export function accuracyOf(document: unknown): Proportion | null {
  const { accuracy, confusion } = (document ?? {}) as {
    accuracy?: unknown;
    confusion?: { matrix?: unknown };
  };
  const matrix = confusion?.matrix;
  if (typeof accuracy !== 'number' || !isCountMatrix(matrix)) return null;
  const successes = matrix.reduce((sum, row, i) => sum + row[i]!, 0);
  const trials = matrix.flat().reduce((sum, count) => sum + count, 0);
  // An accuracy that is not the matrix's (another set of pictures, another definition) can't be judged by it.
  return trials > 0 && Math.abs(successes / trials - accuracy) < 0.001 ? { successes, trials } : null;
}

const isCountMatrix = (matrix: unknown): matrix is number[][] =>
  Array.isArray(matrix) &&
  matrix.length > 0 &&
  matrix.every(
    (row) =>
      Array.isArray(row) &&
      row.length === matrix.length &&
      row.every((count) => Number.isInteger(count) && count >= 0),
  );
