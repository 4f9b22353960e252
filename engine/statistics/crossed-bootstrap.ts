// Intervals that hold for other images and other seeds: a bootstrap over families of images crossed with seeds.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** What was scored on each image with each seed. */
export interface Crossed {
  /** For each seed, one number per image: `[seeds][images]`. An accuracy has 0 and 1, a difference of two -1, 0 and 1. */
  readonly values: readonly (readonly number[])[];
  /** The family of each image `[images]`: images of a family are drawn together. */
  readonly families: readonly (string | number)[];
}

/** Draws of one bootstrap. The ends of a 95 % interval then vary by about 1 % of its width. */
const resamples = 10_000;

/**
 * The percentile interval of the mean value under the pigeonhole bootstrap: each resample draws families and, apart from
 * them, seeds, with replacement, and takes the mean over all images of the drawn families with the drawn seeds.
 *
 * A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), 386-411. It errs on the wide side. With one seed
 * only families are drawn: another seed may give a value outside of the interval.
 *
 * @param confidence of the interval, in (0, 1)
 * @returns the same ends for the same values: the draws have a seed of their own
 */
export function crossedInterval({ values, families }: Crossed, confidence = 0.95): [number, number] {
  const names = [...new Set(families)];
  const position = new Map(names.map((name, i) => [name, i]));
  const sizes = new Float64Array(names.length);
  for (const family of families) sizes[position.get(family)!]! += 1;
  const sums = values.map((row) => {
    if (row.length !== families.length)
      throw new RangeError(`${row.length} values for ${families.length} images.`);
    const bySeed = new Float64Array(names.length);
    row.forEach((value, i) => {
      bySeed[position.get(families[i]!)!]! += value;
    });
    return bySeed;
  });
  if (sums.length === 0 || names.length === 0) throw new RangeError('There is nothing to resample.');
  const generator = xoroshiro128plus(20);
  const random = (below: number): number => uniformInt(generator, 0, below - 1);
  const means = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    const seeds = Array.from(sums, () => sums[random(sums.length)]!);
    let total = 0;
    let images = 0;
    for (let k = 0; k < names.length; k++) {
      const family = random(names.length);
      images += sizes[family]!;
      for (const seed of seeds) total += seed[family]!;
    }
    means[draw] = total / (images * seeds.length);
  }
  means.sort();
  const tail = (1 - confidence) / 2;
  return [quantile(means, tail), quantile(means, 1 - tail)];
}

/** The quantile of sorted values, linear between neighbours, as numpy's default. */
function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return low + (high - low) * (at - below);
}
