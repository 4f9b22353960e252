// Remembers what a path's content was when its files last looked as they do now; deleting it costs time and nothing else.
import { type BigIntStats, lstatSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readJson, writeFileAtomic } from './files.ts';
import {
  type Content,
  changedAt,
  contentOfManifest,
  type Entry,
  hashFile,
  type Listing,
  listTree,
  type OnBytes,
  sha256,
  stampOf,
  TreeStamp,
  walk,
} from './tree.ts';

/** A file that changed within this time of the look may change again without a new time stamp. In nanoseconds. */
const timestampGranularity = 20_000_000n;

interface Remembered {
  /** Of a file its stamp; of a directory a hash over the stamps of all its entries. */
  readonly stamp: string;
  readonly content: Content;
  /** Whether every file was old enough, when it was read, for its stamp to be trusted. */
  readonly settled: boolean;
}

/** Of a directory's files: path → stamp and hash. */
type RememberedFiles = Record<string, readonly [stamp: string, hash: string]>;

/** Where a file with this content surely stands now; undefined where none does. */
export type HeldFile = (kind: Entry['kind'], path: string, hash: string) => string | undefined;

export class StatMemo {
  readonly #file: string;
  readonly #folder: string;
  readonly #remembered: Record<string, Remembered>;
  /** What was found in this run. The engine alone publishes outs meanwhile, and tells by `learn`. */
  readonly #seen = new Map<string, Promise<Content | undefined>>();
  #changed = false;

  /** @param folder of the memo's own files */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'paths.json');
    this.#remembered = readJson<Record<string, Remembered>>(this.#file) ?? {};
  }

  /** What `path` holds; undefined where there is nothing. Looked at once in a run; only what looks changed is read. */
  content(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    let content = this.#seen.get(path);
    if (content === undefined) {
      content = this.look(root, path, onBytes);
      this.#seen.set(path, content);
    }
    return content;
  }

  /** What `path` holds at this moment. */
  async look(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    const absolute = resolve(root, path); // a dependency may lie outside of the project
    const stat = statSync(absolute, { throwIfNoEntry: false, bigint: true });
    if (stat === undefined || !(stat.isFile() || stat.isDirectory())) return undefined;
    const known = this.#remembered[path];
    const now = BigInt(Date.now()) * 1_000_000n;
    if (stat.isFile()) {
      const stamp = stampOf(stat);
      if (known?.settled === true && known.stamp === stamp && known.content.type === 'file')
        return known.content;
      const { hash, size } = await hashFile(absolute, onBytes);
      const content: Content = { type: 'file', hash, size, files: 1 };
      this.#remember(path, { stamp, content, settled: stat.mtimeNs < now - timestampGranularity });
      return content;
    }
    if (known?.settled === true && known.content.type === 'directory' && known.stamp === stampTree(absolute))
      return known.content;
    const files = this.#filesOf(path);
    const recall = (file: string, stamp: string): string | undefined =>
      files[file]?.[0] === stamp ? files[file][1] : undefined;
    const listing = await listTree(absolute, recall, onBytes);
    const content = contentOfManifest(listing.lines);
    await this.#rememberTree(path, content, listing, now);
    return content;
  }

  /** Remembers content that was just put at `path`, so that it is not read again. */
  async learn(root: string, path: string, content: Content, listing: Listing | undefined): Promise<void> {
    this.#seen.set(path, Promise.resolve(content));
    const now = BigInt(Date.now()) * 1_000_000n;
    if (listing !== undefined) return this.#rememberTree(path, content, listing, now);
    const stat = statSync(join(root, path), { bigint: true });
    this.#remember(path, {
      stamp: stampOf(stat),
      content,
      settled: stat.mtimeNs < now - timestampGranularity,
    });
  }

  /** Finds files of the directory at `path`: what is already there need not come from the store. */
  heldFiles(root: string, path: string): HeldFile {
    const files = this.#filesOf(path);
    return (kind, file, hash) => {
      const known = files[file];
      if (known === undefined || known[1] !== hash) return undefined;
      const absolute = join(root, path, file);
      const stat = lstatIfThere(absolute);
      if (stat?.isFile() !== true || stampOf(stat) !== known[0]) return undefined;
      return ((stat.mode & 0o111n) === 0n ? 'file' : 'executable') === kind ? absolute : undefined;
    };
  }

  /** Writes what was learnt. */
  async save(): Promise<void> {
    if (this.#changed) await this.#write(this.#file, this.#remembered);
    this.#changed = false;
  }

  #remember(path: string, remembered: Remembered): void {
    this.#remembered[path] = remembered;
    this.#changed = true;
  }

  async #rememberTree(
    path: string,
    content: Content,
    { lines, stamps }: Listing,
    now: bigint,
  ): Promise<void> {
    const files: RememberedFiles = {};
    const tree = new TreeStamp();
    for (const [i, line] of lines.entries()) {
      const stamp = stamps[i]!;
      tree.add(line[0], line[1], stamp);
      if ((line[0] === 'file' || line[0] === 'executable') && changedAt(stamp) < now - timestampGranularity)
        files[line[1]] = [stamp, line[2]];
    }
    await this.#write(this.#fileOf(path), files);
    this.#remember(path, {
      stamp: tree.digest(),
      content,
      settled: tree.newest < now - timestampGranularity,
    });
  }

  /** Where it can't be written, the next run takes longer, and that is all. */
  async #write(file: string, value: unknown): Promise<void> {
    await writeFileAtomic(file, JSON.stringify(value), { durable: false }).catch(() => undefined);
  }

  #filesOf(path: string): RememberedFiles {
    return readJson<RememberedFiles>(this.#fileOf(path)) ?? {};
  }

  #fileOf(path: string): string {
    return join(this.#folder, `${sha256(path).slice(0, 16)}.json`);
  }
}

/** undefined also if a file is in the place of a folder on the way. */
function lstatIfThere(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** One pass over a directory's entries, without reading them. */
function stampTree(folder: string): string {
  const tree = new TreeStamp();
  for (const { kind, path, stat } of walk(folder))
    tree.add(kind, path, kind === 'empty' ? '' : stampOf(stat));
  return tree.digest();
}
