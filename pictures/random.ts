// Random numbers from the study's one seed: independent, named streams, the same on every machine.
import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of random numbers. */
export interface Random {
  /** The next number, uniform in [0, 1), with 53 random bits. */
  next(): number;
  /** The next integer, uniform in 0 … `below` − 1, without bias. */
  integer(below: number): number;
}

/**
 * The stream that the seed and the labels name: `seededRandom(seed, 'shuffle', epoch)`. Streams of different labels are
 * independent of each other, so that one more draw in one place changes nothing elsewhere.
 *
 * The generator is xoroshiro128+ (Blackman and Vigna, 2018), its state the first 128 bits of the SHA-256 of seed and labels.
 */
export function seededRandom(seed: number, ...labels: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest();
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));
  return {
    next: () => uniformFloat64(generator),
    integer: (below) => uniformInt(generator, 0, below - 1),
  };
}

/** Shuffles a list or typed array in place (Fisher and Yates) and returns it. */
export function shuffle<List extends { readonly length: number; [index: number]: unknown }>(
  list: List,
  random: Random,
): List {
  for (let last = list.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const kept = list[last];
    list[last] = list[other];
    list[other] = kept;
  }
  return list;
}

/** Draws `count` of the values without replacement, in random order; all of them where there are no more. */
export function sample<Value>(values: readonly Value[], count: number, random: Random): Value[] {
  return shuffle([...values], random).slice(0, count);
}
