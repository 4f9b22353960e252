// Files and metrics that can't be compared, because they can't be read or are not numbers.
import type { Gate } from './gates.ts';
import type { Metric } from './metric.ts';
import { type FilePair, metricPairs } from './pairs.ts';
import type { FileProblem, Results } from './results.ts';

export interface Problems {
  readonly problems: readonly FileProblem[];
  /** Whether the new version has some that are not in the old one byte by byte. */
  readonly isNew: boolean;
}

export function problemsOf(
  old: Results,
  now: Results,
  files: readonly FilePair[],
  gates: readonly Gate[],
): Problems {
  const lost = files.flatMap((file) => notNumbers(file, gates));
  const unread = [...now.unreadable].some(([path, hash]) => old.unreadable.get(path) !== hash);
  const labels = { old: old.label, now: now.label };
  return {
    problems: [
      ...old.problems,
      ...now.problems,
      ...lost.map(({ side, path, message }) => ({ version: labels[side], path, message })),
    ],
    isNew: unread || lost.some(({ isNew }) => isNew),
  };
}

interface NotNumber {
  readonly side: 'old' | 'now';
  readonly path: string;
  readonly message: string;
  readonly isNew: boolean;
}

/** Metrics that are NaN, infinite, null or lost a seed. Of a file that is the same in both there is nothing to say. */
function notNumbers(file: FilePair, gates: readonly Gate[]): NotNumber[] {
  if (file.isIdentical) return [];
  return metricPairs(file, gates).flatMap((pair) =>
    (['old', 'now'] as const).flatMap((side): NotNumber[] => {
      const [metric, other] = [pair[side], pair[side === 'old' ? 'now' : 'old']];
      const message = metric === undefined ? undefined : problemOf(metric);
      if (metric === undefined || message === undefined) return [];
      // As many seeds may diverge as before; which ones do is chance.
      const asBefore = metric.scores?.size !== 0 && metric.diverged.length <= (other?.diverged.length ?? 0);
      const isNew = side === 'now' && !(metric.diverged.length > 0 && asBefore);
      return [{ side, path: file.path, message: `${pair.key} is ${message}`, isNew }];
    }),
  );
}

function problemOf({ diverged, isNull, value }: Metric): string | undefined {
  if (diverged.length > 0)
    return `not a number for ${diverged.length === 1 ? 'seed' : 'seeds'} ${diverged.join(', ')}`;
  if (Number.isFinite(value)) return undefined;
  return isNull ? 'null' : String(value);
}
