// Remembers what a path's content was when its files last looked as they do now; deleting it costs time and nothing else.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeFileAtomic } from './files.ts';
import {
  type Content,
  contentOfManifest,
  hashFile,
  type ManifestLine,
  manifestOf,
  type OnBytes,
  sha256,
  stampOf,
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

export class StatMemo {
  readonly #file: string;
  readonly #folder: string;
  readonly #remembered: Record<string, Remembered>;
  /** What was found in this run. The engine alone publishes outs meanwhile, and tells by `learn`. */
  readonly #seen = new Map<string, Content | undefined>();
  #changed = false;

  /** @param folder of the memo's own files */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'paths.json');
    this.#remembered = readJson<Record<string, Remembered>>(this.#file) ?? {};
  }

  /** What `path` holds; undefined where there is nothing. Looked at once in a run; only what looks changed is read. */
  async content(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    if (this.#seen.has(path)) return this.#seen.get(path);
    const content = await this.look(root, path, onBytes);
    this.#seen.set(path, content);
    return content;
  }

  /** What `path` holds at this moment. */
  async look(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    const absolute = join(root, path);
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
    const look = stampTree(absolute);
    if (known?.settled === true && known.stamp === look.stamp && known.content.type === 'directory')
      return known.content;
    const files = readJson<RememberedFiles>(this.#filesOf(path)) ?? {};
    const lines = await manifestOf(
      absolute,
      (file, stamp) => (files[file]?.[0] === stamp ? files[file][1] : undefined),
      onBytes,
    );
    const content = contentOfManifest(lines);
    await this.#rememberTree(path, absolute, lines, look, now);
    return content;
  }

  /** Remembers content that was just put at `path`, so that it is not read again. */
  async learn(
    root: string,
    path: string,
    content: Content,
    lines: readonly ManifestLine[] | undefined,
  ): Promise<void> {
    this.#seen.set(path, content);
    const absolute = join(root, path);
    const now = BigInt(Date.now()) * 1_000_000n;
    if (content.type === 'file') {
      const stat = statSync(absolute, { bigint: true });
      this.#remember(path, {
        stamp: stampOf(stat),
        content,
        settled: stat.mtimeNs < now - timestampGranularity,
      });
    } else if (lines !== undefined) {
      await this.#rememberTree(path, absolute, lines, stampTree(absolute), now);
    }
  }

  /** Writes what was learnt. */
  async save(): Promise<void> {
    if (this.#changed) await writeFileAtomic(this.#file, JSON.stringify(this.#remembered));
    this.#changed = false;
  }

  #remember(path: string, remembered: Remembered): void {
    this.#remembered[path] = remembered;
    this.#changed = true;
  }

  async #rememberTree(
    path: string,
    absolute: string,
    lines: readonly ManifestLine[],
    look: Look,
    now: bigint,
  ): Promise<void> {
    const hashes = new Map(
      lines.flatMap((line) => (line[0] === 'file' || line[0] === 'executable' ? [[line[1], line[2]]] : [])),
    );
    const files: RememberedFiles = {};
    for (const { path: file, stat } of walk(absolute)) {
      const hash = hashes.get(file);
      if (hash !== undefined && stat.mtimeNs < now - timestampGranularity)
        files[file] = [stampOf(stat), hash];
    }
    await writeFileAtomic(this.#filesOf(path), JSON.stringify(files));
    this.#remember(path, {
      stamp: look.stamp,
      content: contentOfManifest(lines),
      settled: look.newest < now - timestampGranularity,
    });
  }

  #filesOf(path: string): string {
    return join(this.#folder, `${sha256(path).slice(0, 16)}.json`);
  }
}

interface Look {
  readonly stamp: string;
  /** Latest time of change among the files, nanoseconds since 1970. */
  readonly newest: bigint;
}

/** One pass over a directory's entries, without reading them. */
function stampTree(folder: string): Look {
  const hash = createHash('sha256');
  let newest = 0n;
  for (const { kind, path, stat } of walk(folder)) {
    // The time and inode of an empty directory say nothing about its content.
    hash.update(kind === 'empty' ? `${path}\0${kind}\n` : `${path}\0${kind} ${stampOf(stat)}\n`);
    if (kind !== 'empty' && stat.mtimeNs > newest) newest = stat.mtimeNs;
  }
  return { stamp: hash.digest('hex'), newest };
}
