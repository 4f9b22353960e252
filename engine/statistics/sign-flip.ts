// The exact sign-flip test of two classifiers over families of images, for when there is one training of each.
import type { Alternative } from './verdicts.ts';

/**
 * The p-value of the hypothesis that both classifiers are equally good, if families of images are drawn
 * independently but the images of a family are not.
 *
 * The statistic is T = Σ s_k, with s_k the images of family k that only the second classifier gets right minus those that
 * only the first does. Under the hypothesis each s_k is as likely as -s_k, so T's distribution over all 2^K sign
 * flips is the convolution of K two-point distributions; the p-value is the share of flips with |T| at least the observed one.
 * With one image per family this is the exact McNemar test.
 *
 * R. A. Fisher, "The Design of Experiments" (1935), section 21; N. A. Obuchowski, "On the comparison of correlated proportions
 * for clustered data", Statistics in Medicine 17 (1998), 1495-1507, for why families matter.
 *
 * @param netWins s_k of each family, integers
 * @param alternative `less`: that the second classifier is the worse one; then the share of flips with T at most the observed one
 */
export function signFlip(netWins: readonly number[], alternative: Alternative = 'two-sided'): number {
  if (alternative !== 'two-sided') {
    const wins = netWins.reduce((sum, each) => sum + each, 0);
    return tailOf(netWins, alternative === 'less' ? -wins : wins);
  }
  const observed = Math.abs(netWins.reduce((sum, wins) => sum + wins, 0));
  return observed === 0 ? 1 : Math.min(1, 2 * tailOf(netWins, observed));
}

/** P(T ≥ least) over all flips. */
function tailOf(netWins: readonly number[], least: number): number {
  const sizes = netWins.map(Math.abs).filter((size) => size > 0);
  // probabilities[i] is P(T = i - reach).
  let reach = 0;
  let probabilities = Float64Array.of(1);
  for (const size of sizes) {
    const next = new Float64Array(probabilities.length + 2 * size);
    probabilities.forEach((p, i) => {
      next[i]! += p / 2;
      next[i + 2 * size]! += p / 2;
    });
    reach += size;
    probabilities = next;
  }
  let tail = 0;
  for (let sum = reach; sum >= least; sum--) tail += probabilities[reach + sum]!;
  return Math.min(1, tail);
}

/**
 * Net wins of the second classifier per family.
 *
 * @param first whether the first classifier is right, for each image `[images]`
 * @param second the same of the second, in the same order `[images]`
 * @param families the family of each image `[images]`
 */
export function netWins(
  first: readonly boolean[],
  second: readonly boolean[],
  families: readonly (string | number)[],
): number[] {
  if (first.length !== second.length || first.length !== families.length)
    throw new RangeError(
      `Cannot pair ${first.length} answers with ${second.length} in ${families.length} families.`,
    );
  const wins = new Map<string | number, number>();
  families.forEach((family, i) => {
    wins.set(family, (wins.get(family) ?? 0) + Number(second[i]) - Number(first[i]));
  });
  return [...wins.values()];
}
