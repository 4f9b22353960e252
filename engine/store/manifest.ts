// Manifests: what names the content of a directory. A large one is split into leaves, so that an edit of a file rewrites only one.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { byCodeUnit } from '../order.ts';
import type { Content } from './content.ts';
import { Leaves, leafCount } from './leaves.ts';

/**
 * One line of a manifest: kind, path, then the file's hash and size, or the link's target. If the link leads out of the
 * directory to something that exists, what names the content of that follows.
 */
export type ManifestLine =
  | readonly ['file' | 'executable', path: string, hash: string, size: number]
  | readonly ['link', path: string, target: string, leadsTo?: string]
  | readonly ['empty', path: string];

/** The line of a link. */
export type LinkLine = Extract<ManifestLine, { 0: 'link' }>;

/** A line of a split manifest: the hash of a leaf, which is a manifest itself, and what it holds. */
export type LeafLine = readonly ['leaf', hash: string, entries: number, files: number, size: number];

/** A leaf of a split manifest, or all of another one. */
export interface Part {
  readonly hash: string;
  /** Its lines, in the order of a walk. */
  lines(): Promise<readonly ManifestLine[]> | readonly ManifestLine[];
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Text of a manifest; its hash is the directory's. */
export const manifestText = (lines: readonly (ManifestLine | LeafLine)[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** The lines of a manifest, or the leaves of a split one. */
export function parseManifest(text: string): { lines: ManifestLine[] } | { leaves: LeafLine[] } {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ManifestLine | LeafLine);
  return lines[0]?.[0] === 'leaf' ? { leaves: lines as LeafLine[] } : { lines: lines as ManifestLine[] };
}

/** All lines of some parts. */
export async function linesOf(parts: readonly Part[]): Promise<ManifestLine[]> {
  const lines: ManifestLine[] = [];
  for (const part of parts) for (const line of await part.lines()) lines.push(line);
  return lines;
}

/** The line of a leaf that holds `lines`. */
export function leafLine(lines: readonly ManifestLine[]): LeafLine {
  let size = 0;
  let files = 0;
  for (const line of lines) {
    if (line[0] !== 'file' && line[0] !== 'executable') continue;
    size += line[3];
    files++;
  }
  return ['leaf', sha256(manifestText(lines)), lines.length, files, size];
}

/** The content of a directory whose manifest is split into these leaves. */
export function contentOfLeaves(leaves: readonly LeafLine[]): Content {
  const sum = (field: 3 | 4): number => leaves.reduce((total, leaf) => total + leaf[field], 0);
  return { type: 'directory', hash: sha256(manifestText(leaves)), size: sum(4), files: sum(3) };
}

/** The content of a directory with these lines. */
export function contentOfLines(lines: Leaves<ManifestLine>): Content {
  const summaries: LeafLine[] = [];
  for (const { items } of lines.groups()) summaries.push(leafLine(items));
  if (lines.isSplit) return contentOfLeaves(summaries);
  const [, hash, , files, size] = summaries[0]!;
  return { type: 'directory', hash, size, files };
}

/** The content of that part of a directory whose lines `choose` keeps, maybe under another path. */
export async function contentOfPart(
  parts: readonly Part[],
  choose: (line: ManifestLine) => ManifestLine | undefined,
): Promise<Content> {
  const chosen = new Leaves<ManifestLine>({ compare: byWalk });
  for (const part of parts)
    for (const line of await part.lines()) {
      const kept = choose(line);
      if (kept !== undefined) chosen.add(kept[1], kept);
    }
  return contentOfLines(chosen);
}

/** What is at `path` inside a directory with this manifest; undefined if nothing is. */
export async function contentWithin(parts: readonly Part[], path: string): Promise<Content | undefined> {
  for (const part of parts)
    for (const line of await part.lines()) {
      if (line[1] !== path) continue;
      return line[0] === 'file' || line[0] === 'executable'
        ? { type: line[0], hash: line[2], size: line[3], files: 1 }
        : undefined;
    }
  let isKnown = true;
  let isThere = false;
  const content = await contentOfPart(parts, (line) => {
    if (!line[1].startsWith(`${path}/`)) return undefined;
    isThere = true;
    const [kind, name, ...rest] = line;
    const inner = [kind, name.slice(path.length + 1), ...rest] as unknown as ManifestLine;
    // A link that leads out of this part but not out of the whole: the manifest does not say what is there.
    if (inner[0] === 'link' && inner[3] === undefined && leadsOut(inner)) isKnown = false;
    return inner;
  });
  return isThere && isKnown ? content : undefined;
}

const leadsOut = ([, path, text]: LinkLine): boolean =>
  posix.isAbsolute(text) || posix.join(posix.dirname(path), text).startsWith('..');

/** The order in which a walk meets entries: by code unit in each folder. No name has the character NUL. */
const byWalk = (one: ManifestLine, other: ManifestLine): number =>
  byCodeUnit(one[1].replaceAll('/', '\0'), other[1].replaceAll('/', '\0'));

/** Pairs of parts that may differ: of two split manifests, leaf by leaf, those with different hashes. */
export function* differingParts(
  before: readonly Part[],
  after: readonly Part[],
): Generator<{ before: readonly Part[]; after: readonly Part[] }> {
  if (before.length !== leafCount || after.length !== leafCount) return yield { before, after };
  for (const [i, part] of before.entries())
    if (part.hash !== after[i]!.hash) yield { before: [part], after: [after[i]!] };
}
