// Remembers what a path's content was when its files last looked as they do now; deleting it costs time and nothing else.
import { join, resolve } from 'node:path';
import { kindOfMode, sameContent } from './content.ts';
import { FileClock, type Moment, settledBefore } from './file-clock.ts';
import { readJson } from './files.ts';
import { leafOf, splitAbove } from './leaves.ts';
import { type Links, LinkTargets } from './links.ts';
import type { Listed, Listing } from './listing.ts';
import { changedAt, lookAt, lstatIfThere, sameWrite, stampOf, writtenAt } from './stamp.ts';
import { type Content, hashFile, listTree, type OnBytes, type Recall, sha256, walk } from './tree.ts';
import { type RememberedFiles, type RememberedLeaf, save, TreeMemo } from './tree-memo.ts';
import { entryStamp, stampTree, TreeStamp } from './tree-stamp.ts';

/** What a path held, and the stamp by which that can be told. */
export interface Seen {
  /** Of a file its stamp; of a directory a hash over the stamps of all its entries. */
  readonly stamp: string;
  readonly content: Content;
  /** Whether every change since gives another stamp. */
  readonly settled: boolean;
}

/** What the engine itself put into the workspace. */
export interface Learnt {
  readonly content: Content;
  /** Of a directory. */
  readonly listing: Listing | undefined;
  /** Of a file, when it was hashed or written. */
  readonly stamp: string | undefined;
  /** A moment before it was hashed, or after it was written. */
  readonly moment: Moment | undefined;
}

/** A look that is not older than this was just now. In milliseconds. */
const recent = 1_000;

/** Where a file with these bytes and this mode surely is now; undefined if none is. */
export type HeldFile = (path: string, hash: string, mode: number) => string | undefined;

export class StatMemo {
  /** The clock of the memo's file system. */
  readonly clock: FileClock;
  /** What links of directories lead to. */
  readonly targets: LinkTargets;
  readonly #file: string;
  readonly #folder: string;
  readonly #remembered: Record<string, Seen>;
  /** What was found in this run. The engine alone publishes outs meanwhile, and tells by `learn`. */
  readonly #seen = new Map<string, Promise<Seen | undefined>>();
  /** When a path was last looked at, on the process's clock. */
  readonly #looked = new Map<string, number>();
  #changed = false;

  /** @param folder of the memo's own files */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'paths.json');
    this.#remembered = readJson<Record<string, Seen>>(this.#file) ?? {};
    this.clock = new FileClock(folder);
    this.targets = new LinkTargets(folder);
  }

  /** What `path` holds; undefined where there is nothing. Looked at once in a run; only what looks changed is read. */
  async content(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    return (await this.seen(root, path, onBytes))?.content;
  }

  /** The look at `path` that this run rests on. */
  seen(root: string, path: string, onBytes?: OnBytes): Promise<Seen | undefined> {
    let seen = this.#seen.get(path);
    if (seen === undefined) {
      seen = this.#look(root, path, onBytes);
      this.#seen.set(path, seen);
    }
    return seen;
  }

  /** What `path` holds at this moment. */
  async look(root: string, path: string, onBytes?: OnBytes): Promise<Content | undefined> {
    return (await this.#look(root, path, onBytes))?.content;
  }

  /** Looks at `path` again when it is next asked for. */
  forget(path: string): void {
    this.#seen.delete(path);
  }

  /** Whether `path` was looked at just now. */
  isRecent(path: string): boolean {
    return performance.now() - (this.#looked.get(path) ?? Number.NEGATIVE_INFINITY) < recent;
  }

  /** The path that is no longer what was seen, or was not for a while: `path`, or a file in it. */
  async changed(root: string, path: string, seen: Seen): Promise<string | undefined> {
    const absolute = resolve(root, path);
    const found = lookAt(absolute);
    this.#looked.set(path, performance.now());
    const isFolder = seen.content.type === 'directory';
    if (found === undefined || found.stat.isDirectory() !== isFolder) return path;
    if (!isFolder && found.stamp !== seen.stamp) return path;
    const links = this.targets.of(root, absolute);
    if (isFolder) {
      const now = stampTree(absolute, links, found.link);
      if (now.digest() !== seen.stamp) return this.#changedWithin(absolute, links, path, now);
    }
    if (seen.settled) return undefined;
    // The stamp can't tell; the content can.
    return sameContent(await this.look(root, path), seen.content) ? undefined : path;
  }

  /** The file of a directory that changed, as far as the memo tells; else the directory. */
  #changedWithin(absolute: string, links: Links, path: string, now: TreeStamp): string {
    const memo = this.#treeOf(path);
    const leaves = memo.leaves();
    const isSame = (leaf: number): boolean => leaves?.[leaf]?.stamp === now.leaf(leaf);
    const files = new Map(Object.entries(memo.files() ?? {}));
    for (const leaf of leaves?.keys() ?? [])
      if (!isSame(leaf)) for (const [file, known] of Object.entries(memo.leaf(leaf))) files.set(file, known);
    const unknown: string[] = [];
    for (const { kind, path: file, stat } of walk(absolute)) {
      if (leaves !== undefined && isSame(leafOf(file))) continue;
      const known = files.get(file);
      if (kind === 'empty' || (kind === 'link' && known === undefined)) continue;
      if (known === undefined) unknown.push(file);
      else if (known[0] !== entryStamp(links, kind, file, stat)) return `${path}/${file}`;
      files.delete(file);
    }
    const file = [...files.keys()][0] ?? unknown[0];
    return file === undefined ? path : `${path}/${file}`;
  }

  async #look(root: string, path: string, onBytes?: OnBytes): Promise<Seen | undefined> {
    const absolute = resolve(root, path); // a dependency may lie outside of the project
    this.#looked.set(path, performance.now());
    const found = lookAt(absolute);
    if (found === undefined || !(found.stat.isFile() || found.stat.isDirectory())) return undefined;
    const known = this.#remembered[path];
    const { stat, stamp, link } = found;
    if (stat.isFile()) {
      const type = kindOfMode(stat.mode);
      if (known?.settled === true && known.stamp === stamp && known.content.type === type) return known;
      const changed = changedAt(stamp);
      const before = settledBefore(this.clock.past(changed), [stat.dev]);
      const { hash, size } = await hashFile(absolute, onBytes);
      return this.#remember(path, {
        stamp,
        content: { type, hash, size, files: 1 },
        settled: changed < before,
      });
    }
    return this.#lookAtTree(path, absolute, this.targets.of(root, absolute), link, onBytes);
  }

  async #lookAtTree(
    path: string,
    absolute: string,
    links: Links,
    link: string,
    onBytes?: OnBytes,
  ): Promise<Seen> {
    const known = this.#remembered[path];
    const isSettled = known?.settled === true && known.content.type === 'directory';
    const memo = this.#treeOf(path);
    let unchanged = new Map<number, RememberedLeaf>();
    if (isSettled || memo.isSplit()) {
      const now = stampTree(absolute, links, link);
      if (isSettled && now.digest() === known.stamp) return known;
      unchanged = new Map(
        [...(memo.leaves() ?? []).entries()].filter(
          ([leaf, { settled, stamp }]) => settled && stamp === now.leaf(leaf),
        ),
      );
    }
    const find = memo.finder();
    const recall =
      find &&
      ((paths: readonly string[]): Recall => {
        const files = find(paths);
        return (file, stamp) => (files[file]?.[0] === stamp ? files[file][1] : undefined);
      });
    for (;;) {
      const moment = this.clock.now();
      const lines = new Map([...unchanged].map(([leaf, { line }]) => [leaf, line]));
      const listing = await listTree(absolute, { links, recall, unchanged: lines, onBytes });
      // So few are left that the directory is split no longer: its manifest needs all lines.
      if (unchanged.size > 0 && listing.size <= splitAbove) unchanged.clear();
      else return this.#rememberTree(path, listing.content(), listing, moment, link, unchanged);
    }
  }

  /** Remembers content that was just put at `path`, so that it is not read again. */
  async learn(root: string, path: string, { content, listing, stamp, moment }: Learnt): Promise<void> {
    const learn = async (): Promise<Seen | undefined> => {
      if (listing !== undefined) return this.#rememberTree(path, content, listing, moment, '');
      const now = lookAt(resolve(root, path));
      if (now === undefined || stamp === undefined) return undefined;
      // The rename changed the second time of the stamp. By a clock of whole seconds, others may have done so since.
      const wholeSeconds = now.stat.ctimeNs % 1_000_000_000n === 0n;
      const settled =
        changedAt(stamp) < settledBefore(moment, [now.stat.dev]) &&
        sameWrite(stamp, now.stamp) &&
        !wholeSeconds;
      return this.#remember(path, { stamp: now.stamp, content, settled });
    };
    const learnt = learn();
    this.#seen.set(path, learnt);
    this.#looked.set(path, performance.now());
    await learnt;
  }

  /** Finds files of the directory at `path` by the paths in it: what is already there need not come from the store. */
  heldFiles(root: string, path: string): (paths: readonly string[]) => HeldFile {
    const find = this.#treeOf(path).finder();
    return (paths) => {
      const files = find?.(paths) ?? {};
      return (file, hash, mode) => {
        const known = files[file];
        if (known === undefined || known[1] !== hash) return undefined;
        const absolute = resolve(root, path, file);
        const stat = lstatIfThere(absolute);
        if (stat?.isFile() !== true || stampOf(stat) !== known[0]) return undefined;
        return (Number(stat.mode) & 0o7777) === mode ? absolute : undefined;
      };
    };
  }

  /** Writes what was learnt. */
  async save(): Promise<void> {
    if (this.#changed) await save(this.#file, this.#remembered);
    this.#changed = false;
  }

  #remember(path: string, seen: Seen): Seen {
    this.#remembered[path] = seen;
    this.#changed = true;
    return seen;
  }

  /** @param unchanged leaves whose entries are not in the listing */
  async #rememberTree(
    path: string,
    content: Content,
    listing: Listing,
    moment: Moment | undefined,
    link: string,
    unchanged: ReadonlyMap<number, RememberedLeaf> = new Map(),
  ): Promise<Seen> {
    const memo = this.#treeOf(path);
    const tree = new TreeStamp(link);
    const before = settledBefore(moment, listing.devices);
    let settled = changedAt(link) < before;
    const lines = listing.leaves();
    const leaves: RememberedLeaf[] = [];
    for (const [leaf, remembered] of unchanged) {
      tree.set(leaf, remembered.stamp);
      leaves[leaf] = remembered;
    }
    for (const { leaf, items } of listing.groups()) {
      const { files, settled: isSettled } = settledFiles(items, before);
      settled &&= isSettled;
      for (const [[kind, file], stamp] of items) tree.add(kind, file, stamp);
      await memo.write(leaf, files);
      if (leaf !== undefined)
        leaves[leaf] = { stamp: tree.leaf(leaf), line: lines[leaf]!, settled: isSettled };
    }
    await memo.complete(listing.isSplit ? leaves : undefined);
    return this.#remember(path, { stamp: tree.digest(), content, settled });
  }

  #treeOf(path: string): TreeMemo {
    return new TreeMemo(join(this.#folder, sha256(path).slice(0, 16)));
  }
}

/** Those of some entries that were last changed before a moment, and whether all were. */
function settledFiles(
  entries: readonly Listed[],
  before: bigint,
): { files: RememberedFiles; settled: boolean } {
  const files = Object.create(null) as RememberedFiles;
  let settled = true;
  for (const [line, stamp, linked] of entries) {
    if (stamp === '') continue;
    // Of a file that was linked, the engine itself made the last change that was no write.
    const isSettled = (linked === 1 ? writtenAt(stamp) : changedAt(stamp)) < before;
    settled &&= isSettled;
    if (!isSettled) continue;
    if (line[0] === 'file' || line[0] === 'executable') files[line[1]] = [stamp, line[2]];
    else if (line[0] === 'link' && line[3] !== undefined) files[line[1]] = [stamp, line[3]];
  }
  return { files, settled };
}
