// Tests of differences: over seeds if both versions have enough of them, else over images.
import { crossedInterval } from '../statistics/crossed-bootstrap.ts';
import { fisherExact, type Proportion } from '../statistics/fisher.ts';
import { holm } from '../statistics/holm.ts';
import { netWins, signFlip } from '../statistics/sign-flip.ts';
import { type Alternative, fewestSeeds, level, verdicts } from '../statistics/verdicts.ts';
import { accuracyKey, type FilePair, type MetricPair } from './pairs.ts';
import type { Predictions } from './predictions.ts';
import { proportionOf } from './proportions.ts';

/** What a test says about one difference. */
export interface Evidence {
  readonly test: 'paired t' | "Welch's t" | 'sign flips' | "Fisher's exact";
  /** Whether it holds for other seeds, and not only for these trainings. */
  readonly overSeeds: boolean;
  readonly p: number;
  /** After Holm, for all tests of the family. */
  readonly adjustedP: number;
  readonly significant: boolean;
  /** How many tests the family has. */
  readonly family: number;
  /** Of the difference; 0 if nothing varies. */
  readonly standardError: number;
  readonly df: number;
  /** 95 % interval of the difference, over seeds; null for a test over images. */
  readonly interval: readonly [number, number] | null;
}

/** `worse` asks only whether the new version is worse, each metric in its direction. */
export type Question = 'differs' | 'worse';

/**
 * Tests all differences of a family at once.
 *
 * @returns in the order of the pairs; null if there is nothing to test with. Such a pair, and a file that is the same byte by byte, is not
 * part of the family.
 */
export function testFamily(pairs: readonly MetricPair[], question: Question): (Evidence | null)[] {
  const seeds = seedTests(pairs, question);
  const tests = pairs.map((pair, i) =>
    pair.file.isIdentical ? null : (seeds[i] ?? imageTest(pair, question)),
  );
  const known = tests.flatMap((test) => (test === null ? [] : [test.p]));
  const adjusted = holm(known);
  let next = 0;
  return tests.map((test) => {
    if (test === null) return null;
    const adjustedP = adjusted[next++]!;
    return { ...test, adjustedP, significant: adjustedP < level, family: known.length };
  });
}

type Test = Omit<Evidence, 'adjustedP' | 'significant' | 'family'>;

function seedTests(pairs: readonly MetricPair[], question: Question): (Test | null)[] {
  const tested = pairs.flatMap((pair, i) => (hasSeeds(pair) ? [i] : []));
  const signs = tested.map((i) => (question === 'worse' && pairs[i]!.direction === 'lower' ? -1 : 1));
  const found = verdicts(
    tested.map((i, k) => {
      const { file, key, old, now } = pairs[i]!;
      const signed = (scores: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
        signs[k] === 1 ? scores : new Map([...scores].map(([seed, score]) => [seed, -score]));
      const metric = signs[k] === 1 ? key : `-${key}`;
      const independent = file.images === 'other';
      return { metric, first: signed(old!.scores!), second: signed(now!.scores!), independent };
    }),
    question === 'worse' ? 'less' : 'two-sided',
  );
  const tests: (Test | null)[] = pairs.map(() => null);
  found.forEach((verdict, k) => {
    if (verdict === null) return;
    const { test, p, standardError, df, interval } = verdict;
    const [low, high] = interval;
    tests[tested[k]!] = {
      test: test === 'paired' ? 'paired t' : "Welch's t",
      overSeeds: true,
      p,
      standardError,
      df,
      interval: signs[k] === 1 ? interval : [-high, -low],
    };
  });
  return tests;
}

const hasSeeds = ({ file, old, now }: MetricPair): boolean =>
  !file.isIdentical && [old, now].every((metric) => (metric?.scores?.size ?? 0) >= fewestSeeds);

/** Of an accuracy: sign flips if both sides answered about the same images, else Fisher's test. */
function imageTest({ file, key, old, now, direction }: MetricPair, question: Question): Test | null {
  if (key !== accuracyKey || old === undefined || now === undefined) return null;
  const worse: Alternative = direction === 'lower' ? 'greater' : 'less';
  const alternative = question === 'worse' ? worse : 'two-sided';
  const rows = answersInPairs(file);
  if (rows !== undefined) {
    const families = file.nowAnswers!.images.images.map(({ family }) => family);
    const wins = sumOfRows(rows.map(([before, after]) => netWins(before, after, families)));
    const images = families.length * rows.length;
    const standardError = Math.sqrt(wins.reduce((sum, each) => sum + each ** 2, 0)) / images;
    return { ...overImages, test: 'sign flips', p: signFlip(wins, alternative), standardError };
  }
  const [before, after] = [proportionOf(file.old!), proportionOf(file.now!)];
  if (before === undefined || after === undefined) return null;
  const p = fisherExact(before, after, alternative);
  return { ...overImages, test: "Fisher's exact", p, standardError: errorOf(before, after) };
}

/** A normal distribution, as there are many images. */
const overImages = { overSeeds: false, df: 10_000, interval: null } as const;

function errorOf(first: Proportion, second: Proportion): number {
  const share = (first.successes + second.successes) / (first.trials + second.trials);
  return Math.sqrt(share * (1 - share) * (1 / first.trials + 1 / second.trials));
}

/** Families come in the same order in each row. */
const sumOfRows = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, family) => rows.reduce((sum, row) => sum + row[family]!, 0));

type Row = Predictions['right'] extends ReadonlyMap<string, infer Answers> ? Answers : never;

/** What both sides answered with the same seeds, or else seed by seed in their order; undefined if not about the same images. */
function answersInPairs({ oldAnswers, nowAnswers, images }: FilePair): [old: Row, now: Row][] | undefined {
  if (images !== 'same' || oldAnswers === undefined || nowAnswers === undefined) return undefined;
  const [old, now] = [oldAnswers.right, nowAnswers.right];
  const shared = [...old.keys()].filter((seed) => now.has(seed));
  if (shared.length > 0) return shared.map((seed) => [old.get(seed)!, now.get(seed)!]);
  const [before, after] = [[...old.values()], [...now.values()]];
  return before.slice(0, after.length).map((row, i) => [row, after[i]!]);
}

/**
 * The 95 % interval of a difference of accuracies, for other images and other seeds; undefined if the sides have not as many seeds, or no
 * answers about the same images.
 *
 * It takes some 30 ms for each metric.
 */
export function intervalOverImages({ file, key, old, now }: MetricPair): [number, number] | undefined {
  const rows = key === accuracyKey && !file.isIdentical ? answersInPairs(file) : undefined;
  if (
    rows === undefined ||
    rows.length !== (old?.scores?.size ?? 1) ||
    rows.length !== (now?.scores?.size ?? 1)
  )
    return undefined;
  return crossedInterval({
    values: rows.map(([before, after]) => after.map((right, i) => Number(right) - Number(before[i]))),
    families: file.nowAnswers!.images.images.map(({ family }) => family),
  });
}
