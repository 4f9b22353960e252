// The content-addressed store: files by their SHA-256, directories as manifests. What is read back is verified.
import {
  type BigIntStats,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byCodeUnit } from '../order.ts';
import { breathe } from './breathe.ts';
import { crashPoint } from './crash-point.ts';
import { Incoming } from './incoming.ts';
import { stampOf } from './stamp.ts';
import type { HeldFile } from './stat-memo.ts';
import {
  ChangingFile,
  type Content,
  contentOfManifest,
  hashFile,
  type Listing,
  type ManifestLine,
  manifestText,
  type OnBytes,
  parseManifest,
  sha256,
  walk,
} from './tree.ts';

/** Files up to this size are read whole, hashed and written from memory: quicker for the many small ones of a directory. */
const small = 8 << 20; // bytes

export interface TakeOptions {
  readonly onBytes?: OnBytes;
  /** Whether objects that are there already are read again: some of this content has been found damaged. */
  readonly distrust?: boolean;
}

/** What was taken into the store. */
export interface Taken {
  readonly content: Content;
  /** Of a directory. */
  readonly listing: Listing | undefined;
}

/** An object that is not, or no longer, what its name says; it has been moved aside. */
export class DamagedObject extends Error {
  readonly hash: string;

  constructor(hash: string) {
    super(`object ${hash} is damaged`);
    this.hash = hash;
  }
}

export class ObjectStore {
  readonly #folder: string;
  readonly #quarantine: string;
  readonly #temporary: string;

  /** @param folder that holds `objects/`, `quarantine/` and `tmp/` */
  constructor(folder: string) {
    this.#folder = join(folder, 'objects');
    this.#quarantine = join(folder, 'quarantine');
    this.#temporary = join(folder, 'tmp');
  }

  /** Whether everything that `content` needs is there, as far as names and sizes tell. */
  async has(content: Content): Promise<boolean> {
    if (content.type === 'file') return this.#holds(content.hash, content.size);
    const lines = await this.#manifest(content.hash).catch(() => undefined);
    return (
      lines?.every((line) =>
        line[0] === 'file' || line[0] === 'executable' ? this.#holds(line[2], line[3]) : true,
      ) ?? false
    );
  }

  /** The manifest of a directory; undefined where the store has none, or a damaged one, which is moved aside. */
  async lines({ hash }: Content): Promise<ManifestLine[] | undefined> {
    return this.#manifest(hash).catch(() => undefined);
  }

  /** Hash and size of every object; anything else among them is passed over. */
  *list(): Generator<{ hash: string; size: number }> {
    if (!existsSync(this.#folder)) return;
    for (const prefix of readdirSync(this.#folder).sort(byCodeUnit)) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
      for (const rest of readdirSync(join(this.#folder, prefix)).sort(byCodeUnit)) {
        const size = statSync(join(this.#folder, prefix, rest), { throwIfNoEntry: false })?.size;
        if (size !== undefined && /^[0-9a-f]{62}$/.test(rest)) yield { hash: prefix + rest, size };
      }
    }
  }

  /** Whether an object is what its name says; one that is not is moved aside. */
  async check(hash: string, onBytes?: OnBytes): Promise<boolean> {
    try {
      if ((await hashFile(this.#pathOf(hash), onBytes)).hash === hash) return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true; // removed meanwhile: none is none damaged
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    }
    await this.#moveAside(hash);
    return false;
  }

  /** Forgets an object. */
  remove(hash: string): void {
    rmSync(this.#pathOf(hash), { force: true });
  }

  /**
   * Hashes the file or directory at `path` and keeps a copy of it. An object is made of the very bytes that were hashed, so
   * whatever happens to `path` meanwhile, it is what its name says.
   */
  async take(path: string, options: TakeOptions = {}): Promise<Taken> {
    const incoming = new Incoming(this.#temporary, (hash) => this.#pathOf(hash));
    try {
      const stat = lstatSync(path, { bigint: true });
      if (stat.isFile()) {
        const { hash, size } = await this.#takeFile(path, stat, incoming, options);
        await incoming.commit();
        return { content: { type: 'file', hash, size, files: 1 }, listing: undefined };
      }
      const lines: ManifestLine[] = [];
      const stamps: string[] = [];
      const devices = new Set<bigint>();
      for (const { kind, path: file, stat } of walk(path)) {
        devices.add(stat.dev);
        stamps.push(kind === 'empty' ? '' : stampOf(stat));
        if (kind === 'empty') lines.push(['empty', file]);
        else if (kind === 'link') lines.push(['link', file, readlinkSync(join(path, file))]);
        else {
          const { hash, size } = await this.#takeFile(join(path, file), stat, incoming, options);
          lines.push([kind, file, hash, size]);
          await breathe();
        }
      }
      const content = contentOfManifest(lines);
      const text = manifestText(lines);
      if (!(await this.#keeps(content.hash, Buffer.byteLength(text), options.distrust === true)))
        writeFileSync(await incoming.add(content.hash), text);
      await incoming.commit();
      return { content, listing: { lines, stamps, devices } };
    } finally {
      await incoming.dispose();
    }
  }

  /**
   * Recreates `content` at `path`, which must not exist. Every byte that comes from the store is checked against its hash.
   * @param held finds files that are already there with the same content; they are linked, not copied
   * @returns a directory's listing
   * @throws DamagedObject where an object is missing or damaged; what stands at `path` is then of no use
   */
  async restore(content: Content, path: string, held?: HeldFile): Promise<Listing | undefined> {
    mkdirSync(dirname(path), { recursive: true });
    if (content.type === 'file') {
      await this.#restoreFile(content.hash, path, 0o666);
      return undefined;
    }
    const lines = await this.#manifest(content.hash);
    mkdirSync(path);
    const folders = new Set(
      lines.map(([kind, entry]) => (kind === 'empty' ? join(path, entry) : dirname(join(path, entry)))),
    );
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const stamps: string[] = [];
    const linked = new Set<string>();
    for (const line of lines) {
      const target = join(path, line[1]);
      if (line[0] === 'link') symlinkSync(line[2], target);
      else if (line[0] !== 'empty') {
        const same = held?.(line[0], line[1], line[2]);
        if (same !== undefined && link(same, target)) linked.add(line[1]);
        else await this.#restoreFile(line[2], target, line[0] === 'executable' ? 0o777 : 0o666);
        await breathe();
      }
      stamps.push(line[0] === 'empty' ? '' : stampOf(lstatSync(target, { bigint: true })));
    }
    return { lines, stamps, devices: new Set([lstatSync(path, { bigint: true }).dev]), linked };
  }

  async #manifest(hash: string): Promise<ManifestLine[]> {
    const text = await readFile(this.#pathOf(hash), 'utf8').catch(() => undefined);
    if (text === undefined) throw new DamagedObject(hash);
    if (sha256(text) !== hash) {
      await this.#moveAside(hash);
      throw new DamagedObject(hash);
    }
    return parseManifest(text);
  }

  /** Hashes a file and keeps a copy, unless there is one. */
  async #takeFile(
    path: string,
    stat: BigIntStats,
    incoming: Incoming,
    { onBytes, distrust = false }: TakeOptions,
  ): Promise<{ hash: string; size: number }> {
    if (stat.size <= small) {
      const bytes = readFileSync(path);
      const hash = sha256(bytes);
      onBytes?.(bytes.length);
      if (!incoming.has(hash) && !(await this.#keeps(hash, bytes.length, distrust)))
        writeFileSync(await incoming.add(hash), bytes);
      return { hash, size: bytes.length };
    }
    for (let attempt = 1; ; attempt++) {
      const before = stampOf(statSync(path, { bigint: true }));
      const { hash, size } = await hashFile(path, onBytes);
      if (incoming.has(hash) || (await this.#keeps(hash, size, distrust))) return { hash, size };
      // A reflink where the file system has them, else a copy: the store shares no bytes that an edit could reach.
      const copy = await incoming.add(hash);
      await copyFile(path, copy, constants.COPYFILE_FICLONE);
      if (stampOf(statSync(path, { bigint: true })) === before) return { hash, size };
      incoming.drop(hash);
      if (attempt === 3) throw new ChangingFile(path);
    }
  }

  async #restoreFile(hash: string, path: string, mode: number): Promise<void> {
    crashPoint('restore-file');
    const object = this.#pathOf(hash);
    const size = statSync(object, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new DamagedObject(hash);
    if (size <= small) {
      const bytes = readFileSync(object);
      if (sha256(bytes) === hash) return writeFileSync(path, bytes, { mode });
    } else {
      await copyFile(object, path, constants.COPYFILE_FICLONE);
      if ((await hashFile(path)).hash === hash) return chmod(path, mode & ~process.umask());
      await rm(path, { force: true });
    }
    await this.#moveAside(hash);
    throw new DamagedObject(hash);
  }

  /** Whether the object is there and, if it is not to be trusted, what its name says. */
  async #keeps(hash: string, size: number, distrust: boolean): Promise<boolean> {
    if (!this.#holds(hash, size)) return false;
    if (!distrust || (await hashFile(this.#pathOf(hash))).hash === hash) return true;
    await this.#moveAside(hash);
    return false;
  }

  /** Out of the way, where it can be looked at, so that the object counts as missing. */
  async #moveAside(hash: string): Promise<void> {
    crashPoint('quarantine');
    await mkdir(this.#quarantine, { recursive: true });
    await rename(this.#pathOf(hash), join(this.#quarantine, hash)).catch(() => undefined);
  }

  #holds(hash: string, size: number): boolean {
    const object = this.#pathOf(hash);
    return existsSync(object) && statSync(object).size === size;
  }

  #pathOf(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash.slice(2));
  }
}

/** Gives a file a second name; false where the file system won't. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
