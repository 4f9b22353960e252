// What a path holds: a walk over a directory in a fixed order, the hash of a file, and the listing of a directory.
import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { breathe } from './breathe.ts';
import { kindOfMode } from './content.ts';
import { checkNames } from './file-names.ts';
import { Leaves, leafOf } from './leaves.ts';
import type { Links } from './links.ts';
import { Listing } from './listing.ts';
import type { LeafLine, ManifestLine } from './manifest.ts';
import { sizeIn, stampOf } from './stamp.ts';

export type { Content } from './content.ts';
export { sha256 } from './manifest.ts';

/** An entry of a directory: a file, an executable file, a symbolic link or an empty directory. */
export interface Entry {
  readonly kind: 'file' | 'executable' | 'link' | 'empty';
  /** Relative to the directory, with `/`. */
  readonly path: string;
  readonly stat: BigIntStats;
}

/** Python writes its bytecode there, beside the modules that it imports: the folder follows from them and is no content. */
export const bytecodeFolder = '__pycache__';

/** All entries below `folder`, in code-unit order of each folder's names; memory is bounded by the names in one folder. */
export function* walk(folder: string, prefix = ''): Generator<Entry> {
  const names = readdirSync(prefix === '' ? folder : `${folder}/${prefix}`);
  checkNames(join(folder, prefix), names);
  names.sort(); // by code unit
  let isEmpty = true;
  for (const name of names) {
    if (name === bytecodeFolder) continue;
    isEmpty = false;
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const stat = lstatSync(`${folder}/${path}`, { bigint: true });
    if (stat.isDirectory()) yield* walk(folder, path);
    else if (stat.isSymbolicLink()) yield { kind: 'link', path, stat };
    else if (stat.isFile()) yield { kind: kindOfMode(stat.mode), path, stat };
    // Sockets, pipes and devices have no content to keep.
  }
  if (isEmpty && prefix !== '')
    yield { kind: 'empty', path: prefix, stat: lstatSync(`${folder}/${prefix}`, { bigint: true }) };
}

const small = 1 << 20; // below this, one read is quicker than a stream

/** Is told of bytes as they are hashed, or found to need no hashing. */
export type OnBytes = (bytes: number) => void;

/** Somebody writes to a file again and again while it is hashed. */
export class ChangingFile extends Error {
  constructor(path: string) {
    super(`\`${path}\` keeps changing while it is read. Run it again when nobody writes to it.`);
  }
}

/**
 * SHA-256 of a file's bytes, read in pieces.
 * @throws ChangingFile
 */
export async function hashFile(path: string, onBytes?: OnBytes): Promise<{ hash: string; size: number }> {
  for (let attempt = 1; ; attempt++) {
    const before = statSync(path, { bigint: true });
    const hash = createHash('sha256');
    if (before.size <= small) {
      hash.update(readFileSync(path));
      onBytes?.(Number(before.size));
    } else {
      for await (const piece of createReadStream(path, { highWaterMark: small })) {
        hash.update(piece as Buffer);
        onBytes?.((piece as Buffer).length);
      }
    }
    if (stampOf(statSync(path, { bigint: true })) === stampOf(before))
      return { hash: hash.digest('hex'), size: Number(before.size) };
    if (attempt === 3) throw new ChangingFile(path);
  }
}

/** A remembered hash of a file, or of what a link leads to, for one whose stamp is unchanged. */
export type Recall = (path: string, stamp: string) => string | undefined;

export interface ListOptions {
  /** The links of the directory. */
  readonly links: Links;
  /** Finds what is remembered of entries; absent if nothing is. */
  readonly recall?: ((paths: readonly string[]) => Recall) | undefined;
  /** Leaves whose entries need no look. */
  readonly unchanged?: ReadonlyMap<number, LeafLine>;
  /** Most entries of a directory whose manifest is not split. */
  readonly limit?: number;
  readonly onBytes?: OnBytes | undefined;
}

/** Lists a directory. Files that `recall` knows are not read. */
export async function listTree(folder: string, options: ListOptions): Promise<Listing> {
  const { links, recall, unchanged = new Map(), limit } = options;
  const listing = new Listing({ folder: links.overflow, unchanged, limit });
  const looks = new Leaves<Looked>({ folder: links.overflow, limit });
  if (unchanged.size > 0) looks.split();
  for (const { kind, path, stat } of walk(folder)) {
    if (unchanged.size > 0 && unchanged.has(leafOf(path))) continue;
    listing.devices.add(stat.dev);
    const stamp = kind === 'empty' ? '' : stampOf(stat);
    // What is remembered is looked up leaf by leaf; what is not had better be read folder by folder.
    if (recall !== undefined) looks.add(path, [kind, path, stamp]);
    else if (kind === 'link') await listLink(listing, path, stat, options);
    else await listFile(listing, folder, [kind, path, stamp], options);
  }
  if (recall === undefined) return listing;
  for (const { items } of looks.groups()) {
    const known = recall(items.map(([, path]) => path));
    for (const [kind, path, stamp] of items)
      if (kind === 'link')
        await listLink(listing, path, lstatSync(join(folder, path), { bigint: true }), options, known);
      else await listFile(listing, folder, [kind, path, stamp], options, known);
  }
  return listing;
}

type Looked = readonly [kind: Entry['kind'], path: string, stamp: string];

async function listLink(
  listing: Listing,
  path: string,
  stat: BigIntStats,
  { links, onBytes }: ListOptions,
  recall?: Recall,
): Promise<void> {
  const { line, stamp, target } = await lineOfLink(links, path, stat, recall, onBytes);
  listing.add(line, stamp);
  for (const device of target?.devices ?? []) listing.devices.add(device);
}

/** Lists a file or an empty directory. */
async function listFile(
  listing: Listing,
  folder: string,
  [kind, path, stamp]: readonly ['file' | 'executable' | 'empty', string, string],
  { onBytes }: ListOptions,
  recall?: Recall,
): Promise<void> {
  if (kind === 'empty') return listing.add(['empty', path], stamp);
  const known = recall?.(path, stamp);
  if (known !== undefined) {
    const size = sizeIn(stamp);
    listing.add([kind, path, known, size], stamp);
    onBytes?.(size);
  } else {
    const { hash, size } = await hashFile(join(folder, path), onBytes);
    listing.add([kind, path, hash, size], stamp);
    await breathe();
  }
}

/** The line of a link, with its stamp and what it leads to. */
export async function lineOfLink(
  links: Links,
  path: string,
  stat: BigIntStats,
  recall?: Recall,
  onBytes?: OnBytes,
): Promise<{ line: ManifestLine } & ReturnType<Links['look']>> {
  const seen = links.look(path, stat);
  const { text, target, stamp } = seen;
  if (target === undefined) return { line: ['link', path, text], ...seen };
  const identity = recall?.(path, stamp) ?? (await links.identity(target, onBytes));
  return { line: ['link', path, text, identity], ...seen };
}
