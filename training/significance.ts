// Statistics that tell a real difference between two classifiers from chance, on the same validation pictures.

/** Two-sided P values of McNemar's test. */
export interface McNemar {
  /** Of the exact conditional test: conservative. */
  readonly exact: number;
  /** Of the mid-P test: closer to its nominal level than the exact one, and no less safe in practice. */
  readonly midP: number;
}

/** What two classifiers' answers to the same pictures say about the difference of their accuracies. */
export interface PairedDifference {
  /** Accuracy of the second minus accuracy of the first. */
  readonly difference: number;
  /** Pictures that only the first gets right. */
  readonly onlyFirst: number;
  /** Pictures that only the second gets right. */
  readonly onlySecond: number;
  /** P value of McNemar's mid-P test. */
  readonly pValue: number;
  /** 95 % percentile interval of the difference under the paired bootstrap. */
  readonly interval: readonly [number, number];
}

/**
 * Compares two classifiers picture by picture.
 *
 * The pictures are taken as independent draws: where they come in families the interval is too narrow.
 * Only the choice of pictures is accounted for, not what another training seed would have changed.
 *
 * @param first whether the first classifier is right, for each picture `[pictures]`
 * @param second the same of the second, in the same order `[pictures]`
 */
export function pairedDifference(first: readonly boolean[], second: readonly boolean[]): PairedDifference {
  if (first.length !== second.length || first.length === 0)
    throw new RangeError(`Cannot pair ${first.length} answers with ${second.length}.`);
  const pictures = first.length;
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let i = 0; i < pictures; i++) {
    if (first[i] && !second[i]) onlyFirst++;
    if (second[i] && !first[i]) onlySecond++;
  }
  return {
    difference: (onlySecond - onlyFirst) / pictures,
    onlyFirst,
    onlySecond,
    pValue: mcnemar(onlyFirst, onlySecond).midP,
    interval: pairedBootstrap(onlyFirst, onlySecond, pictures),
  };
}

/**
 * McNemar's test for the equality of two classifiers' accuracies: under equality, a picture that only one of them
 * gets right is as likely to be the one's as the other's, so the smaller count is binomial with probability 1/2.
 *
 * Q. McNemar, Psychometrika 12 (1947), 153-157; mid-P: M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for
 * binary matched-pairs data: mid-p and asymptotic are better than exact conditional", BMC Medical Research
 * Methodology 13 (2013), 91.
 *
 * @param onlyFirst pictures that only the first classifier gets right
 * @param onlySecond pictures that only the second gets right
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);
  let logPoint = -n * Math.LN2; // log of C(n, smaller) / 2^n: the product itself would overflow
  for (let i = 1; i <= smaller; i++) logPoint += Math.log((n - smaller + i) / i);
  const point = Math.exp(logPoint);
  let tail = 0;
  let term = point;
  for (let k = smaller; k >= 0; k--) {
    tail += term;
    term *= k / (n - k + 1);
  }
  return { exact: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - point) };
}

/**
 * The percentile interval of the difference of two accuracies under the paired bootstrap, without drawing.
 *
 * A resample's difference is the sum of n independent draws of +1, -1 or 0, so its distribution is the n-fold
 * convolution of theirs: the "ideal bootstrap" of infinitely many resamples (B. Efron, R. Tibshirani, "An Introduction
 * to the Bootstrap", 1993, chapters 6 and 13). It needs no seed and has no sampling error.
 *
 * @param pictures how many pictures both classifiers were asked
 * @param confidence of the interval, in (0, 1)
 */
export function pairedBootstrap(
  onlyFirst: number,
  onlySecond: number,
  pictures: number,
  confidence = 0.95,
): [number, number] {
  const up = onlySecond / pictures;
  const down = onlyFirst / pictures;
  const same = (pictures - onlyFirst - onlySecond) / pictures;
  const negligible = 1e-18; // tails lighter than this are dropped, which keeps the support to some √n values
  let low = 0; // the sum that distribution[0] stands for
  let distribution: Float64Array = Float64Array.of(1);
  for (let draw = 0; draw < pictures; draw++) {
    const next = new Float64Array(distribution.length + 2);
    for (let i = 0; i < distribution.length; i++) {
      const p = distribution[i]!;
      next[i]! += p * down;
      next[i + 1]! += p * same;
      next[i + 2]! += p * up;
    }
    let start = 0;
    let end = next.length;
    while (next[start]! < negligible && start < end - 1) start++;
    while (next[end - 1]! < negligible && end > start + 1) end--;
    distribution = next.subarray(start, end);
    low += start - 1;
  }
  const tail = (1 - confidence) / 2;
  return [quantile(distribution, tail), quantile(distribution, 1 - tail)];

  /** The smallest difference whose cumulated probability reaches `p`. */
  function quantile(probabilities: Float64Array, p: number): number {
    let cumulated = 0;
    let index = 0;
    for (; index < probabilities.length - 1; index++) {
      cumulated += probabilities[index]!;
      if (cumulated >= p) break;
    }
    return (low + index) / pictures;
  }
}

/**
 * P values adjusted for their number by Holm's step-down method: the chance that even one of the differences called
 * real is not stays at the level of one test.
 *
 * S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979), 65-70.
 *
 * @returns adjusted P values in the order of the given ones
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]! || a - b);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}

/**
 * Wilson's score interval of a proportion, with 95 % confidence.
 *
 * E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
 *
 * @param share of successes, 0 … 1
 * @param trials at least 1
 */
export function wilsonInterval(share: number, trials: number): [number, number] {
  const z = 1.959963984540054; // the normal distribution's 0.975 quantile
  const scale = 1 + (z * z) / trials;
  const centre = (share + (z * z) / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
