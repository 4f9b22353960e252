// Tests what separates two trained configurations: other iterations of a model, or other models of an iteration.
import { crossedInterval } from '../engine/statistics/crossed-bootstrap.ts';
import { holm } from '../engine/statistics/holm.ts';
import { netWins, signFlip } from '../engine/statistics/sign-flip.ts';
import { fewestSeeds, level, verdicts } from '../engine/statistics/verdicts.ts';
import { type Replicated, scoresBySeed } from './replicated.ts';

/** Scores that differences are tested of. */
export const testedScores = ['accuracy', 'loss', 'f1', 'roughness'] as const;
export type TestedScore = (typeof testedScores)[number];

/** One model and iteration, as far as tests need it. */
export interface Side {
  readonly model: string;
  readonly run: string;
  readonly scores: Readonly<Record<TestedScore, Replicated>>;
  /** Whether each image is right, for each seed that did not diverge: `[images]` by seed. */
  readonly right: ReadonlyMap<string, readonly boolean[]>;
}

/**
 * With three seeds or more a difference is real or within noise: another seed would have to agree. With fewer, all that can be
 * said is whether these trained networks differ on these images.
 */
export type Verdict = 'real' | 'within noise' | 'differs on these images' | 'no difference on these images';

/** A difference, later minus earlier, and what a test says of it; `p` and what follows from it is null if nothing could be tested. */
export interface TestedDifference {
  readonly difference: number;
  readonly p: number | null;
  /** Adjusted after Holm for the comparisons of this score in the family. */
  readonly adjustedP: number | null;
  readonly verdict: Verdict | null;
}

export interface TestedPair {
  readonly scores: Readonly<Record<TestedScore, TestedDifference>>;
  /** 95 % interval of the accuracy's difference, over families of images and seeds. */
  readonly accuracyInterval: readonly [number, number];
  /** Images that most seeds get right only before, and only after. */
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

/**
 * @param pairs a family of comparisons: p-values are adjusted for their number
 * @param families family of each image `[images]`
 */
export function testPairs(
  pairs: readonly (readonly [Side, Side])[],
  families: readonly string[],
): TestedPair[] {
  const tested = Object.fromEntries(
    testedScores.map((score) => [
      score,
      hasSeeds(pairs)
        ? overSeeds(pairs, score)
        : score === 'accuracy'
          ? onImages(pairs, families)
          : pairs.map((pair) => untested(pair, score)),
    ]),
  ) as Record<TestedScore, TestedDifference[]>;
  return pairs.map(([before, after], i) => {
    const [was, is] = [majority(before), majority(after)];
    return {
      scores: Object.fromEntries(testedScores.map((score) => [score, tested[score][i]!])) as Record<
        TestedScore,
        TestedDifference
      >,
      accuracyInterval: crossedInterval({ values: differences(before, after), families }),
      onlyBefore: was.filter((right, image) => right && !is[image]).length,
      onlyAfter: is.filter((right, image) => right && !was[image]).length,
    };
  });
}

const hasSeeds = (pairs: readonly (readonly [Side, Side])[]): boolean =>
  pairs.flat().every(({ right }) => right.size >= fewestSeeds);

function overSeeds(pairs: readonly (readonly [Side, Side])[], score: TestedScore): TestedDifference[] {
  const family = pairs.map(([before, after]) => ({
    metric: score,
    first: scoresBySeed(before.scores[score]),
    second: scoresBySeed(after.scores[score]),
  }));
  return verdicts(family).map((verdict, i) =>
    verdict === null
      ? untested(pairs[i]!, score)
      : {
          difference: verdict.difference,
          p: verdict.p,
          adjustedP: verdict.adjustedP,
          verdict: verdict.significant ? 'real' : 'within noise',
        },
  );
}

function onImages(
  pairs: readonly (readonly [Side, Side])[],
  families: readonly string[],
): TestedDifference[] {
  const pValues = pairs.map(([before, after]) => {
    const seeds = sharedSeeds(before, after);
    const wins = seeds.map(([a, b]) => netWins(a, b, families));
    return signFlip(wins[0]!.map((_, family) => wins.reduce((sum, each) => sum + each[family]!, 0)));
  });
  const adjusted = holm(pValues);
  return pairs.map((pair, i) => ({
    ...untested(pair, 'accuracy'),
    p: pValues[i]!,
    adjustedP: adjusted[i]!,
    verdict: adjusted[i]! < level ? 'differs on these images' : 'no difference on these images',
  }));
}

const untested = ([before, after]: readonly [Side, Side], score: TestedScore): TestedDifference => ({
  difference: after.scores[score].mean - before.scores[score].mean,
  p: null,
  adjustedP: null,
  verdict: null,
});

/** What the seeds that both sides have got right; if they share none, each seed of one with one of the other. */
function sharedSeeds(before: Side, after: Side): (readonly [readonly boolean[], readonly boolean[]])[] {
  const shared = [...before.right].flatMap(([seed, a]) => {
    const b = after.right.get(seed);
    return b === undefined ? [] : [[a, b] as const];
  });
  if (shared.length > 0) return shared;
  const others = [...after.right.values()];
  return [...before.right.values()].slice(0, others.length).map((a, i) => [a, others[i]!] as const);
}

/** 1, 0 or -1 for each image, by seed. */
const differences = (before: Side, after: Side): number[][] =>
  sharedSeeds(before, after).map(([a, b]) => a.map((right, i) => Number(b[i]) - Number(right)));

/** Whether more than half of the seeds get each image right. */
function majority({ right }: Side): boolean[] {
  const seeds = [...right.values()];
  return seeds[0]!.map((_, image) => 2 * seeds.filter((each) => each[image]).length > seeds.length);
}
