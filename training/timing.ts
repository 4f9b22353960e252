// How long a training took, also one whose epochs ran in several goes: each epoch counts as it was measured when it ran.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../engine/stage.ts';
import type { Backend } from './backend.ts';
import type { EpochTime } from './fit.ts';

/** What the shorter run that a training went on from measured. */
export const EarlierTiming = z.object({
  epochSeconds: z.array(z.number()),
  imagesPerSecond: z.number().gt(0),
});
export type EarlierTiming = z.infer<typeof EarlierTiming>;

/** @throws UserError where the timing of the earlier epochs was not brought along */
export async function earlierTiming(path: string | undefined): Promise<EarlierTiming> {
  if (path === undefined) {
    throw new UserError(
      'The earlier run left no timing. Name it in pipeline.yaml: `resume: { with: [timing], … }`.',
    );
  }
  return EarlierTiming.parse(JSON.parse(await readFile(path, 'utf8')));
}

/**
 * The fields of `timing.json`; `resumedFrom` says how many epochs are of a shorter run.
 *
 * @param earlier what that one measured
 * @param times of all other epochs
 * @param pictures of an epoch
 */
export function timingOf(
  earlier: EarlierTiming | null,
  times: readonly EpochTime[],
  pictures: number,
  backend: Backend,
) {
  const epochSeconds = [...(earlier?.epochSeconds ?? []), ...times.map((time) => milliseconds(time.seconds))];
  const before = earlier === null ? 0 : (pictures * earlier.epochSeconds.length) / earlier.imagesPerSecond;
  const stepSeconds = before + sum(times.map((time) => time.trainSeconds));
  return {
    trainSeconds: milliseconds(sum(epochSeconds)),
    epochSeconds,
    ...(earlier === null ? {} : { resumedFrom: earlier.epochSeconds.length }),
    // A training that diverged in its first epoch has no finished one.
    imagesPerSecond: stepSeconds === 0 ? 0 : Math.round((pictures * epochSeconds.length) / stepSeconds),
    backend: backend.label,
    threads: backend.threads,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Seconds, to the millisecond. */
const milliseconds = (seconds: number) => Math.round(seconds * 1000) / 1000;
