// The recorded predictions of twelve training seeds of the default study, for tests of how often verdicts are wrong.
import { existsSync, readFileSync } from 'node:fs';

const file = new URL('../../../shared/seeds.json', import.meta.url);

interface Recorded {
  readonly classes: readonly string[];
  /** The class of each image, a digit each. */
  readonly truth: string;
  readonly families: readonly number[];
  /** By run and seed: the class that the model says, a digit for each image, and p(true) in thousandths, three digits each. */
  readonly runs: Record<string, Record<string, { readonly said: string; readonly pTrue: string }>>;
}

/** Whether the recording is there: it is not part of the repository. */
export const hasRecording = existsSync(file);

export const readRecording = (): Recorded => JSON.parse(readFileSync(file, 'utf8')) as Recorded;

/** Scores of one training. */
export interface Scored {
  readonly accuracy: number;
  /** Macro average. */
  readonly f1: number;
  /** Mean cross-entropy; a probability of 0.000 is taken for 0.0005. */
  readonly loss: number;
}

export function score(truth: string, said: string, pTrue: string): Scored {
  const classes = [...new Set(truth)];
  const right = [...truth].filter((digit, i) => said[i] === digit).length;
  const f1 = classes.map((digit) => {
    const both = [...truth].filter((each, i) => each === digit && said[i] === digit).length;
    const either = count(truth, digit) + count(said, digit);
    return either === 0 ? 0 : (2 * both) / either;
  });
  let loss = 0;
  for (let i = 0; i < truth.length; i++)
    loss -= Math.log(Math.max(0.0005, Number(pTrue.slice(3 * i, 3 * i + 3)) / 1000));
  return {
    accuracy: right / truth.length,
    f1: f1.reduce((sum, each) => sum + each, 0) / f1.length,
    loss: loss / truth.length,
  };
}

const count = (text: string, digit: string): number => text.split(digit).length - 1;
