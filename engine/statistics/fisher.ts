// Fisher's exact test of two proportions, for answers of which only the counts are known.
import type { Alternative } from './verdicts.ts';

/** Right and all answers that an accuracy is made of. */
export interface Proportion {
  readonly successes: number;
  readonly trials: number;
}

/**
 * The p-value of Fisher's exact test of two proportions.
 *
 * It takes the two sets of answers as independent. If both are about the same images, they are paired, and a test of the single
 * answers finds smaller differences. Exact for any number of answers, unlike the z-test.
 *
 * R. A. Fisher, "On the interpretation of χ² from contingency tables, and the calculation of P", Journal of the Royal
 * Statistical Society 85 (1922), 87-94. Two-sided as in R's fisher.test and SciPy's fisher_exact: the sum over all tables
 * with the same margins that are at most as probable as the one found.
 *
 * @param alternative `less`: that the second proportion is smaller
 */
export function fisherExact(
  first: Proportion,
  second: Proportion,
  alternative: Alternative = 'two-sided',
): number {
  const successes = first.successes + second.successes;
  const lowest = Math.max(0, successes - second.trials);
  const highest = Math.min(first.trials, successes);
  // Unnormalized log probabilities of each possible count of the first's successes, by the ratio of neighbours:
  // P(x) / P(x-1) = (first.trials - x + 1)(successes - x + 1) / (x (second.trials - successes + x)).
  const logs = [0];
  for (let x = lowest + 1; x <= highest; x++) {
    const ratio = ((first.trials - x + 1) * (successes - x + 1)) / (x * (second.trials - successes + x));
    logs.push(logs.at(-1)! + Math.log(ratio));
  }
  const found = first.successes - lowest;
  const observed = logs[found]!;
  const top = logs.reduce((most, log) => Math.max(most, log), observed);
  // Tables as probable as the observed one may differ from it by rounding.
  const rounding = 1e-7;
  const isExtreme = (log: number, x: number): boolean => {
    if (alternative === 'two-sided') return log <= observed + rounding;
    return alternative === 'less' ? x >= found : x <= found;
  };
  let all = 0;
  let extreme = 0;
  logs.forEach((log, x) => {
    const weight = Math.exp(log - top);
    all += weight;
    if (isExtreme(log, x)) extreme += weight;
  });
  return Math.min(1, extreme / all);
}
