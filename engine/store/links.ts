// Symbolic links in a directory. One that leads to something inside it is kept as a link; one that leads out of it also counts
// with what it leads to.
//
// Real paths come from the system (`native`): Node's own take `link/..` by its text, and never end if that leads to itself.
import { type BigIntStats, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type Content, identityOf, kindOfMode } from './content.ts';
import { linkTarget } from './file-names.ts';
import { type LinkLine, type Part, sha256 } from './manifest.ts';
import { changedAt, stampOf } from './stamp.ts';
import { hashFile, listTree, type OnBytes, walk } from './tree.ts';

/** What a link outside of the directory leads to. */
interface Target {
  readonly path: string;
  readonly type: Content['type'];
  readonly stamp: string;
  readonly devices: ReadonlySet<bigint>;
}

/** A link of a directory. */
export interface Link {
  /** The path that it holds, relative to its folder if it leads to something in the project. */
  readonly text: string;
  /** A path to what it leads to outside of the directory; undefined if that is inside. */
  readonly to: string | undefined;
}

/** A link, and how it looks now. */
interface SeenLink {
  readonly text: string;
  /** Of what it leads to outside of the directory, if that exists, and of itself. */
  readonly stamp: string;
  readonly target: Target | undefined;
}

/** Contents that links lead to, each hashed once in a run unless it changes. */
export class LinkTargets {
  /** A folder for what of a large directory does not fit into memory. */
  readonly overflow: string;
  /** Path → what it held when it had this stamp. */
  readonly #known = new Map<string, { readonly stamp: string; readonly identity: string }>();

  constructor(overflow: string) {
    this.overflow = overflow;
  }

  /**
   * The links of a directory.
   * @param root the project
   * @param folder where the directory is now
   * @param at where it will be published, if not there
   */
  of(root: string, folder: string, at = folder): Links {
    return new Links(this, root, folder, at, [], new Map());
  }

  /** The manifest of the directory at `path` in the project. */
  async parts(root: string, path: string): Promise<readonly Part[]> {
    const folder = resolve(root, path);
    return (await listTree(folder, { links: this.of(root, folder) })).parts();
  }

  recall({ path, stamp }: Target): string | undefined {
    const known = this.#known.get(path);
    return known?.stamp === stamp ? known.identity : undefined;
  }

  remember({ path, stamp }: Target, identity: string): void {
    // What has just changed may change again and look the same.
    if (changedAt(stamp) < BigInt(Date.now() - settling) * 1_000_000n)
      this.#known.set(path, { stamp, identity });
  }
}

/** A file that was changed longer ago than this gets another stamp with its next change, on any file system. */
const settling = 3_000; // milliseconds

export class Links {
  readonly #all: LinkTargets;
  readonly #root: string;
  readonly #folder: string;
  readonly #at: string;
  /** Real paths of the directories that are being listed and whose links led here. */
  readonly #outer: readonly string[];
  /** The directory without links on its way; found out when it is needed. */
  #own: string | undefined;
  /** Real path → how a directory looked that a link leads to: several links may lead to the same. */
  readonly #seen: Map<string, Target>;

  constructor(
    all: LinkTargets,
    root: string,
    folder: string,
    at: string,
    outer: readonly string[],
    seen: Map<string, Target>,
  ) {
    this.#all = all;
    this.#root = root;
    this.#folder = folder;
    this.#at = at;
    this.#outer = outer;
    this.#seen = seen;
  }

  /** A folder for what of a large directory does not fit into memory. */
  get overflow(): string {
    return this.#all.overflow;
  }

  /** Reads the link at `path` in the directory. */
  read(path: string): Link {
    return this.#link(path, linkTarget(join(this.#folder, path)));
  }

  /** What a link at `path` that holds `text` leads to outside of the directory once this is published. */
  published(path: string, text: string): Target | undefined {
    const to = resolve(dirname(join(this.#at, path)), text);
    return insideOf(this.#at, to) === undefined ? this.target(to) : undefined;
  }

  /** Whether that is what the link's line in a manifest says. */
  async leadsTo([, path, text, identity]: LinkLine): Promise<boolean> {
    const target = this.published(path, text);
    return (target && (await this.identity(target))) === identity;
  }

  #link(path: string, text: string): Link {
    const own = dirname(join(this.#at, path)); // the folder of the link
    const moves = this.#at !== this.#folder;
    if (isAbsolute(text)) {
      for (const home of [this.#folder, this.#at, this.#real]) {
        const inside = insideOf(home, resolve(text));
        if (inside !== undefined)
          return { text: relative(own, join(this.#at, inside)) || '.', to: undefined };
      }
      const isHere =
        insideOf(this.#root, resolve(text)) !== undefined && insideOf(this.#root, own) !== undefined;
      return { text: isHere ? relative(own, resolve(text)) : text, to: text };
    }
    const published = resolve(own, text);
    if (!moves) return { text, to: this.#isInside(path, text) ? undefined : join(this.#folder, path) };
    if (insideOf(this.#at, published) !== undefined) return { text, to: undefined };
    // A command that makes a relative link may think of where it makes it, as `ln -sr` does.
    const inScratch = resolve(dirname(join(this.#folder, path)), text);
    if (statOf(published) === undefined && statOf(inScratch) !== undefined)
      return { text: relative(own, inScratch), to: inScratch };
    return { text, to: published };
  }

  /** How a link looks, with what it leads to. */
  look(path: string, stat: BigIntStats): SeenLink {
    const { text, to } = this.read(path);
    const target = to === undefined ? undefined : this.target(to);
    return { text, target, stamp: target === undefined ? stampOf(stat) : `${target.stamp} ${stampOf(stat)}` };
  }

  /** What is at `to`; undefined if that does not exist, has no content, or holds the directory itself. */
  target(to: string): Target | undefined {
    const stat = statOf(to);
    if (stat?.isFile() === true)
      return { path: to, type: kindOfMode(stat.mode), stamp: stampOf(stat), devices: new Set([stat.dev]) };
    if (stat?.isDirectory() !== true) return undefined;
    const path = realpathSync.native(to);
    if ([this.#real, ...this.#outer].some((folder) => insideOf(path, folder) !== undefined)) return undefined;
    let target = this.#seen.get(path);
    if (target === undefined) {
      target = { path, type: 'directory', ...this.#inside(path).#stamp(stat.dev) };
      this.#seen.set(path, target);
    }
    return target;
  }

  /** Names the content of a target. */
  async identity(target: Target, onBytes?: OnBytes): Promise<string> {
    let identity = this.#all.recall(target);
    if (identity === undefined) {
      const { path, type } = target;
      if (type === 'directory')
        identity = identityOf((await listTree(path, { links: this.#inside(path), onBytes })).content());
      else identity = identityOf({ type, hash: (await hashFile(path, onBytes)).hash });
      this.#all.remember(target, identity);
    }
    return identity;
  }

  get #real(): string {
    this.#own ??= realPath(this.#at);
    return this.#own;
  }

  /** The links of a directory that one of these leads to. */
  #inside(path: string): Links {
    return new Links(this.#all, this.#root, path, path, [this.#real, ...this.#outer], this.#seen);
  }

  /** One stamp for all that the directory holds, in the form of a file's. */
  #stamp(device: bigint): Pick<Target, 'stamp' | 'devices'> {
    const devices = new Set([device]);
    let newest = 0n;
    let all = '';
    for (const { kind, path, stat } of walk(this.#folder)) {
      const link = kind === 'link' ? this.look(path, stat) : undefined;
      const stamp = link?.stamp ?? (kind === 'empty' ? '' : stampOf(stat));
      for (const other of link?.target?.devices ?? [stat.dev]) devices.add(other);
      all = sha256(`${all}${kind} ${path}\0${stamp}`);
      const changed = stamp === '' ? 0n : changedAt(stamp);
      if (changed > newest) newest = changed;
    }
    return { stamp: `0 ${newest} ${newest} ${all || 'empty'}`, devices };
  }

  /** Whether a relative link leads to something inside the directory. */
  #isInside(path: string, text: string): boolean {
    if (insideOf(this.#folder, resolve(dirname(join(this.#folder, path)), text)) === undefined) return false;
    // `x/..` is not where it seems if `x` is a link itself.
    if (!/[^/.][^/]*\/+\.\.(\/|$)/.test(text)) return true;
    try {
      return insideOf(this.#real, realpathSync.native(join(this.#folder, path))) !== undefined;
    } catch {
      return true; // it leads nowhere
    }
  }
}

/** `path` relative to the folder that holds it or is it; undefined if it is elsewhere. */
export function insideOf(folder: string, path: string): string | undefined {
  const inside = relative(folder, path);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? undefined : inside;
}

/** What a path leads to; undefined if there is nothing, or nothing that can be reached. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** The path without links on its way, of something that may not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
  }
}
