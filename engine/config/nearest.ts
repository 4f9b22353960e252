// "Did you mean …": the valid name nearest to what was written.
import { closest, distance } from 'fastest-levenshtein';

/** The candidate that is close enough to be what was meant, by edit distance; undefined where none is. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const best = closest(name, candidates as string[]);
  return distance(name, best) <= Math.max(2, Math.floor(name.length / 3)) ? best : undefined;
}

/** The hint that goes with an unknown name: the nearest one, else a short list of the valid ones. */
export function meant(name: string, candidates: readonly string[]): string | undefined {
  const best = nearest(name, candidates);
  if (best !== undefined) return `Did you mean \`${best}\`?`;
  if (candidates.length === 0) return undefined;
  const shown = candidates.slice(0, 12).join(', ');
  return `Known: ${shown}${candidates.length > 12 ? ', …' : ''}.`;
}
