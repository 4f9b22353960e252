// Files and metrics that can't be compared, because they can't be read or are not numbers.
import type { Gate } from './gates.ts';
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
  const lost = files.flatMap((file) => notNumbers(file, old.label, now.label, gates));
  const unread = [...now.unreadable].some(([path, hash]) => old.unreadable.get(path) !== hash);
  return {
    problems: [...old.problems, ...now.problems, ...lost],
    isNew: unread || lost.some(({ version }) => version === now.label),
  };
}

/** Metrics that are NaN, null or lost a seed. Of a file that is the same in both there is nothing to say. */
function notNumbers(
  file: FilePair,
  oldLabel: string,
  newLabel: string,
  gates: readonly Gate[],
): FileProblem[] {
  if (file.isIdentical) return [];
  return metricPairs(file, gates).flatMap(({ key, old, now }) =>
    (
      [
        [oldLabel, old],
        [newLabel, now],
      ] as const
    ).flatMap(([version, metric]): FileProblem[] => {
      const { path } = file;
      if (metric === undefined) return [];
      const { diverged, isNull, value } = metric;
      if (diverged.length > 0) {
        const seeds = `${diverged.length === 1 ? 'seed' : 'seeds'} ${diverged.join(', ')}`;
        return [{ version, path, message: `${key} is not a number for ${seeds}` }];
      }
      return Number.isNaN(value) ? [{ version, path, message: `${key} is ${isNull ? 'null' : 'NaN'}` }] : [];
    }),
  );
}
