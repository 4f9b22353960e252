// Stamps: what a look at a file tells without reading it. A file that changes gets another stamp.
import { type BigIntStats, lstatSync, statSync } from 'node:fs';

/**
 * Size, time of the last write, time of the last change of any kind, and inode. Programs can set the first of the two times
 * (`tar`, `touch -d`), but never the second.
 */
export const stampOf = (stat: BigIntStats): string =>
  `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`;

/** What stands at a path. */
export interface Look {
  /** Of a symbolic link, what it leads to. */
  readonly stat: BigIntStats;
  /** The stamp of `stat`, and after it that of the link. */
  readonly stamp: string;
  /** The stamp of the symbolic link; empty if it is none. */
  readonly link: string;
}

/** undefined if nothing is there or can be: a file is in the place of a folder on the way, or links lead in a circle. */
export function lstatIfThere(path: string): BigIntStats | undefined {
  return ifThere(() => lstatSync(path, { throwIfNoEntry: false, bigint: true }));
}

const nothing: ReadonlySet<string> = new Set(['ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

function ifThere(stat: () => BigIntStats | undefined): BigIntStats | undefined {
  try {
    return stat();
  } catch (error) {
    if (nothing.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Looks at a path, through a symbolic link; undefined if nothing is there. */
export function lookAt(path: string): Look | undefined {
  const own = lstatIfThere(path);
  if (own?.isSymbolicLink() !== true) return own && { stat: own, stamp: stampOf(own), link: '' };
  const stat = ifThere(() => statSync(path, { throwIfNoEntry: false, bigint: true }));
  const link = stampOf(own);
  return stat && { stat, stamp: `${stampOf(stat)} ${link}`, link };
}

/** The stamp of what stands at a path; `none` if nothing does. */
export const stampAt = (path: string): string => lookAt(path)?.stamp ?? 'none';

/** The latest time in a stamp, in nanoseconds since 1970; 0 in one without. */
export function changedAt(stamp: string): bigint {
  let latest = 0n;
  for (const [i, field] of stamp.split(' ').entries()) {
    if (i % 4 !== 1 && i % 4 !== 2) continue;
    const time = BigInt(field);
    if (time > latest) latest = time;
  }
  return latest;
}

/** The size in a file's stamp. */
export const sizeIn = (stamp: string): number => Number(stamp.slice(0, stamp.indexOf(' ')));

/** The time of the last write in a file's stamp, in nanoseconds since 1970. */
export const writtenAt = (stamp: string): bigint => BigInt(stamp.split(' ', 2)[1] ?? 0);

/** Whether two stamps differ at most in the time of a change that is no write: of the name, the mode or the links. */
export function sameWrite(one: string, other: string): boolean {
  const [a, b] = [one.split(' '), other.split(' ')];
  return a.length === b.length && a.every((field, i) => i % 4 === 2 || field === b[i]);
}
