// What a path holds: a walk over a file or a directory in a fixed order, and the manifest that names its content.
import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { byCodeUnit } from '../order.ts';
import { breathe } from './breathe.ts';
import { type Content, kindOfMode } from './content.ts';
import { checkNames } from './file-names.ts';
import type { Links } from './links.ts';
import { stampOf } from './stamp.ts';

export type { Content } from './content.ts';

/** An entry of a directory: a file, an executable file, a symbolic link or an empty directory. */
export interface Entry {
  readonly kind: 'file' | 'executable' | 'link' | 'empty';
  /** Relative to the directory, with `/`. */
  readonly path: string;
  readonly stat: BigIntStats;
}

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

/** Python writes its bytecode there, beside the modules that it imports: the folder follows from them and is no content. */
export const bytecodeFolder = '__pycache__';

/** All entries below `folder`, in code-unit order of each folder's names; memory is bounded by one folder's listing. */
export function* walk(folder: string, prefix = ''): Generator<Entry> {
  const found = readdirSync(join(folder, prefix), { withFileTypes: true }).filter(
    ({ name }) => name !== bytecodeFolder,
  );
  checkNames(join(folder, prefix), found);
  if (found.length === 0 && prefix !== '') {
    yield { kind: 'empty', path: prefix, stat: lstatSync(join(folder, prefix), { bigint: true }) };
  }
  for (const entry of found.sort((a, b) => byCodeUnit(a.name, b.name))) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      yield* walk(folder, path);
      continue;
    }
    const stat = lstatSync(`${folder}/${path}`, { bigint: true });
    // The type is asked of the stat: some file systems don't give it with the name.
    if (stat.isDirectory()) yield* walk(folder, path);
    else if (stat.isSymbolicLink()) yield { kind: 'link', path, stat };
    else if (stat.isFile()) yield { kind: kindOfMode(stat.mode), path, stat };
    // Sockets, pipes and devices have no content to keep.
  }
}

/** Text of a manifest; its hash is the directory's. */
export const manifestText = (lines: readonly ManifestLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

export const parseManifest = (text: string): ManifestLine[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ManifestLine);

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

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

/** A remembered hash of a file, for one whose stamp is unchanged. */
export type Recall = (path: string, stamp: string) => string | undefined;

/** A directory's manifest with the stamp of each entry when it was looked at. */
export interface Listing {
  readonly lines: readonly ManifestLine[];
  /** In the order of the lines; an empty directory has none, since its time and inode say nothing about its content. */
  readonly stamps: readonly string[];
  /** The file systems that its entries are on. */
  readonly devices: ReadonlySet<bigint>;
  /** Files of a restored directory that share their inode with the directory that it replaces. */
  readonly linked?: ReadonlySet<string>;
}

/**
 * Lists a directory. Files that `recall` knows are not read.
 * @param links those of the directory
 */
export async function listTree(
  folder: string,
  links: Links,
  recall?: Recall,
  onBytes?: OnBytes,
): Promise<Listing> {
  const lines: ManifestLine[] = [];
  const stamps: string[] = [];
  const devices = new Set<bigint>();
  for (const { kind, path, stat } of walk(folder)) {
    devices.add(stat.dev);
    if (kind === 'link') {
      const { line, stamp, target } = await lineOfLink(links, path, stat, recall, onBytes);
      lines.push(line);
      stamps.push(stamp);
      for (const device of target?.devices ?? []) devices.add(device);
      continue;
    }
    stamps.push(kind === 'empty' ? '' : stampOf(stat));
    if (kind === 'empty') lines.push(['empty', path]);
    else {
      const known = recall?.(path, stamps.at(-1)!);
      if (known !== undefined) {
        lines.push([kind, path, known, Number(stat.size)]);
        onBytes?.(Number(stat.size));
      } else {
        const { hash, size } = await hashFile(join(folder, path), onBytes);
        lines.push([kind, path, hash, size]);
        await breathe();
      }
    }
  }
  return { lines, stamps, devices };
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

/** Stamps of all of a directory's entries as one. */
export class TreeStamp {
  readonly #hash = createHash('sha256');
  #text: string;

  /** @param link stamp of the symbolic link that leads to the directory; empty if none does */
  constructor(link: string) {
    this.#text = `${link}\n`;
  }

  add(kind: Entry['kind'], path: string, stamp: string): void {
    this.#text += `${path}\0${kind} ${stamp}\n`;
    // One call for many entries is quicker than one for each.
    if (this.#text.length > 1 << 16) {
      this.#hash.update(this.#text);
      this.#text = '';
    }
  }

  digest(): string {
    return this.#hash.update(this.#text).digest('hex');
  }
}

/** The content that a manifest describes. */
export function contentOfManifest(lines: readonly ManifestLine[]): Content {
  let size = 0;
  let files = 0;
  for (const line of lines) {
    if (line[0] !== 'file' && line[0] !== 'executable') continue;
    size += line[3];
    files++;
  }
  return { type: 'directory', hash: sha256(manifestText(lines)), size, files };
}

/** What lies at `path` inside a directory with this manifest; undefined if nothing does. */
export function contentWithin(lines: readonly ManifestLine[], path: string): Content | undefined {
  const file = lines.find((line) => line[1] === path);
  if (file !== undefined)
    return file[0] === 'file' || file[0] === 'executable'
      ? { type: file[0], hash: file[2], size: file[3], files: 1 }
      : undefined;
  const inner = lines
    .filter((line) => line[1].startsWith(`${path}/`))
    .map(([kind, name, ...rest]) => [kind, name.slice(path.length + 1), ...rest] as unknown as ManifestLine);
  // A link that leads out of this part but not out of the whole: the manifest does not say what is there.
  if (inner.some((line) => line[0] === 'link' && line[3] === undefined && leadsOut(line))) return undefined;
  return inner.length > 0 ? contentOfManifest(inner) : undefined;
}

const leadsOut = ([, path, text]: LinkLine): boolean =>
  posix.isAbsolute(text) || posix.join(posix.dirname(path), text).startsWith('..');
