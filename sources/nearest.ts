// The name that was probably meant.
import { closest } from 'fastest-levenshtein';

/** The nearest of `names` by edit distance, in lower case too, or undefined when there are none. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const lower = closest(
    name.toLowerCase(),
    names.map((other) => other.toLowerCase()),
  );
  return names.find((other) => other.toLowerCase() === lower);
}
