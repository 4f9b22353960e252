// The order of runs for people: by the numbers in their names, so that batch64 comes before batch128.

const parts = (name: string): string[] => name.split(/(\d+)/);

/** Compares names part by part, digits by value and all else by code unit. */
export function compareRuns(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!];
    if (x === y) continue;
    const order = i % 2 === 1 ? Number(x) - Number(y) : 0; // split puts what it captures, the digits, at odd places
    return order || (x < y ? -1 : 1);
  }
  return left.length - right.length;
}

/**
 * What differs between two runs, in words: `batch32-epochs20` and `batch64-epochs20` give `batch 32 → 64`.
 *
 * Runs whose names are not made of the same fields are named whole.
 */
export function changeInWords(from: string, to: string): string {
  const fields = (run: string) => run.split('-').map((field) => /^(\D+)([\d.]+)$/.exec(field));
  const [before, after] = [fields(from), fields(to)];
  const same =
    before.length === after.length &&
    before.every((field, i) => field !== null && field[1] === after[i]?.[1]);
  if (!same) return `${from} → ${to}`;
  return before
    .flatMap((field, i) =>
      field![2] === after[i]![2] ? [] : [`${field![1]} ${field![2]} → ${after[i]![2]}`],
    )
    .join(', ');
}
