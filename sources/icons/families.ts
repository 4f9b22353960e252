// Groups icon sets that draw alike into design families, which the split must keep on one side.
import type { IconifyInfo } from '@iconify/types';
import { byCodeUnit } from '../source.ts';
import type { SelectedIcon } from './select.ts';

/** Path data shorter than this is a shape that unrelated sets share by chance: a line, a circle, a box. */
const telling = 40; // characters
/** Sets with so many telling shapes in common have one origin. */
const sharedShapes = 2;

/**
 * The family of each set: the connected components (union-find) of sets linked by any of
 *
 * 1. the same author, or the same owner of the repository: styles of one family, versions, and the colour twin;
 * 2. at least two identical path data of 40 characters or more among the icons: forks, such as famicons of ion;
 * 3. a list of known relatives: redrawn after one another, which neither author nor data tells.
 *
 * Grouping too much only makes the split coarser; grouping too little leaks pictures from training to validation.
 *
 * @param sets information of each set by prefix
 * @param icons the icons whose shapes are compared
 * @param relatives lists of prefixes that belong together; unknown ones are ignored
 * @returns prefix → family, named after its first prefix in code-unit order
 */
export function families(
  sets: ReadonlyMap<string, IconifyInfo | undefined>,
  icons: readonly SelectedIcon[],
  relatives: readonly (readonly string[])[],
): Map<string, string> {
  const parents = new Map([...sets.keys()].map((prefix) => [prefix, prefix]));
  const find = (prefix: string): string => {
    let root = prefix;
    while (parents.get(root) !== root) root = parents.get(root)!;
    parents.set(prefix, root);
    return root;
  };
  const unite = (a: string, b: string): void => {
    const [first, second] = [find(a), find(b)].sort(byCodeUnit) as [string, string];
    parents.set(second, first);
  };

  const firstOf = new Map<string, string>();
  for (const [prefix, info] of sets) {
    for (const key of authorKeys(info)) {
      const other = firstOf.get(key);
      if (other === undefined) firstOf.set(key, prefix);
      else unite(prefix, other);
    }
  }
  for (const [a, b] of setsOfSharedShapes(icons)) unite(a, b);
  for (const list of relatives) {
    const [first, ...others] = list.filter((prefix) => parents.has(prefix));
    for (const other of others) unite(first!, other);
  }
  return new Map([...parents.keys()].map((prefix) => [prefix, find(prefix)]));
}

function authorKeys(info: IconifyInfo | undefined): string[] {
  if (info === undefined) return [];
  const owner = /^https:\/\/(?:github|gitlab)\.com\/([^/]+)/i.exec(info.author.url ?? '')?.[1]?.toLowerCase();
  // Iconify's own author keeps forks of other people's sets under his name.
  const repository = owner === undefined || owner === 'cyberalien' ? [] : [`owner ${owner}`];
  return [`author ${info.author.name.toLowerCase()}`, ...repository];
}

/** Pairs of sets that have at least `sharedShapes` telling path data in common. */
function setsOfSharedShapes(icons: readonly SelectedIcon[]): [string, string][] {
  const setsOf = new Map<string, Set<string>>();
  for (const { set, svg } of icons) {
    for (const [, data] of svg.matchAll(/\sd="([^"]+)"/g)) {
      const shape = data!.replace(/[\s,]+/g, ' ').trim();
      if (shape.length < telling) continue;
      const sets = setsOf.get(shape);
      if (sets === undefined) setsOf.set(shape, new Set([set]));
      else sets.add(set);
    }
  }
  const shared = new Map<string, number>();
  for (const sets of setsOf.values()) {
    const sorted = [...sets].sort(byCodeUnit);
    for (const [i, a] of sorted.entries()) {
      for (const b of sorted.slice(i + 1)) shared.set(`${a} ${b}`, (shared.get(`${a} ${b}`) ?? 0) + 1);
    }
  }
  return [...shared]
    .filter(([, count]) => count >= sharedShapes)
    .map(([pair]) => pair.split(' ') as [string, string]);
}
