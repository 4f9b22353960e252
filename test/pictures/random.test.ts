// Random streams: the same for the same seed and labels, independent of each other, uniform.
import { expect, it } from 'vitest';
import { sample, seededRandom, shuffle } from '../../pictures/random.ts';

const draw = (random: { next(): number }, count: number) =>
  Array.from({ length: count }, () => random.next());

it('repeats for the same seed and labels and differs for others', () => {
  const first = draw(seededRandom(20, 'shuffle', 3), 100);
  expect(draw(seededRandom(20, 'shuffle', 3), 100)).toEqual(first);
  for (const other of [
    seededRandom(21, 'shuffle', 3),
    seededRandom(20, 'shuffle', 4),
    seededRandom(20, 'dropout', 3),
  ]) {
    expect(draw(other, 100).filter((value) => first.includes(value))).toEqual([]);
  }
});

it('is uniform: chi-squared of 20 bins below its 99.99 % quantile', () => {
  for (const bin of [
    (r: ReturnType<typeof seededRandom>) => Math.floor(r.next() * 20),
    (r: ReturnType<typeof seededRandom>) => r.integer(20),
  ]) {
    const random = seededRandom(1, 'uniform');
    const counts = new Array<number>(20).fill(0);
    for (let i = 0; i < 20_000; i++) counts[bin(random)]! += 1;
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(50.8);
  }
});

it('shuffles every value to every place equally often', () => {
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (let i = 0; i < 4000; i++) {
    for (const [place, value] of shuffle([0, 1, 2, 3], seededRandom(i, 'places')).entries())
      counts[value]![place]! += 1;
  }
  for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('shuffles typed arrays, and samples without replacement', () => {
  expect([...shuffle(Int32Array.of(1, 2, 3, 4, 5), seededRandom(0))].sort()).toEqual([1, 2, 3, 4, 5]);
  const values = Array.from({ length: 50 }, (_, i) => i);
  const drawn = sample(values, 20, seededRandom(0));
  expect(new Set(drawn).size).toBe(20);
  expect(sample(values, 80, seededRandom(0))).toHaveLength(50);
});
