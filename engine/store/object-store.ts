// The content-addressed store: files by their SHA-256, directories as manifests. What is read back is verified.
import {
  type BigIntStats,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { byCodeUnit } from '../order.ts';
import { breathe } from './breathe.ts';
import { kindOfMode } from './content.ts';
import { crashPoint } from './crash-point.ts';
import { Incoming } from './incoming.ts';
import type { Links } from './links.ts';
import { Listing } from './listing.ts';
import { type LinkLine, type ManifestLine, type Part, parseManifest, sha256 } from './manifest.ts';
import { type ModeLine, modesText, parseModes, RestoredModes, StrictModes, usualMode } from './modes.ts';
import { stampOf } from './stamp.ts';
import type { HeldFile } from './stat-memo.ts';
import { ChangingFile, type Content, hashFile, lineOfLink, type OnBytes, walk } from './tree.ts';

/** Files up to this size are read whole, hashed and written from memory: quicker for the many small ones of a directory. */
const small = 8 << 20; // bytes

export interface TakeOptions {
  /** The links of the directory. */
  readonly links: Links;
  readonly onBytes?: OnBytes;
  /** Whether objects that are there already are read again: some of this content has been found damaged. */
  readonly distrust?: boolean;
}

/** What was taken into the store. */
export interface Taken {
  readonly content: Content;
  /** Of a directory. */
  readonly listing: Listing | undefined;
  /** Modes that are stricter than the umask asked for. */
  readonly strict: readonly ModeLine[];
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

  /**
   * Whether everything that `content` needs is there, as far as names and sizes tell.
   * @param leads whether what a link leads to outside of a directory is still what it was; all are, if not given
   */
  async has(content: Content, leads?: (link: LinkLine) => Promise<boolean>): Promise<boolean> {
    if (content.modes !== undefined && (await this.modes(content)) === undefined) return false;
    if (content.type !== 'directory') return this.#holds(content.hash, content.size);
    const holdsAll = await this.read(content, async (parts) => {
      for (const part of parts)
        for (const line of await part.lines()) {
          if ((line[0] === 'file' || line[0] === 'executable') && !this.#holds(line[2], line[3]))
            return false;
          if (leads !== undefined && line[0] === 'link' && !(await leads(line))) return false;
        }
      return true;
    });
    return holdsAll ?? false;
  }

  /** Reads the manifest of a directory; undefined if the store lacks some of it, or it is damaged, and then moved aside. */
  async read<T>({ hash }: Content, use: (parts: readonly Part[]) => Promise<T>): Promise<T | undefined> {
    try {
      return await use(await this.#parts(hash));
    } catch (error) {
      if (error instanceof DamagedObject) return undefined;
      throw error;
    }
  }

  /** The modes of an output that are stricter than usual; undefined if the store does not have the list. */
  async modes({ modes }: Content): Promise<ModeLine[] | undefined> {
    if (modes === undefined) return [];
    return this.#text(modes).then(parseModes, () => undefined);
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

  /** Whether an object is what its name says. */
  async isSound(hash: string, onBytes?: OnBytes): Promise<boolean> {
    try {
      return (await hashFile(this.#pathOf(hash), onBytes)).hash === hash;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true; // removed meanwhile: none is none damaged
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
      return false;
    }
  }

  /** Out of the way, where it can be looked at, so that the object counts as missing. */
  async moveAside(hash: string): Promise<void> {
    crashPoint('quarantine');
    await mkdir(this.#quarantine, { recursive: true });
    await rename(this.#pathOf(hash), join(this.#quarantine, hash)).catch(() => undefined);
  }

  /** Forgets an object. */
  remove(hash: string): void {
    rmSync(this.#pathOf(hash), { force: true });
  }

  /**
   * Hashes the file or directory at `path` and keeps a copy of it. An object is made of the very bytes that were hashed, so
   * whatever happens to `path` meanwhile, it is what its name says.
   */
  async take(path: string, options: TakeOptions): Promise<Taken> {
    const incoming = new Incoming(this.#temporary, (hash) => this.#pathOf(hash));
    try {
      const stat = lstatSync(path, { bigint: true });
      const modes = new StrictModes(path);
      if (stat.isFile()) {
        const type = kindOfMode(stat.mode);
        const mode = modes.file('', type, stat);
        const { hash, size } = await this.#takeFile(path, stat, mode, incoming, options);
        const content = { type, hash, size, files: 1, ...(await this.#takeModes(modes, incoming, options)) };
        await incoming.commit();
        return { content, listing: undefined, strict: modes.lines };
      }
      modes.folder('');
      const listing = new Listing({ folder: this.#temporary });
      for (const { kind, path: file, stat } of walk(path)) {
        listing.devices.add(stat.dev);
        if (kind === 'link') {
          const { line, stamp, target } = await lineOfLink(
            options.links,
            file,
            stat,
            undefined,
            options.onBytes,
          );
          listing.add(line, stamp);
          for (const device of target?.devices ?? []) listing.devices.add(device);
        } else if (kind === 'empty') {
          modes.folder(file);
          listing.add(['empty', file], '');
        } else {
          const mode = modes.file(file, kind, stat);
          const { hash, size } = await this.#takeFile(`${path}/${file}`, stat, mode, incoming, options);
          listing.add([kind, file, hash, size], stampOf(stat));
          await breathe();
        }
      }
      for (const text of listing.texts()) await this.#takeText(text, modes.listing, incoming, options);
      const content = { ...listing.content(), ...(await this.#takeModes(modes, incoming, options)) };
      await incoming.commit();
      return { content, listing, strict: modes.lines };
    } finally {
      await incoming.dispose();
    }
  }

  /**
   * Recreates `content` at `path`, which must not exist. Every byte that comes from the store is checked against its hash.
   * @param links those of the directory, by which it is known what they lead to
   * @param held finds those files of some paths that are already there with the same content; they are linked, not copied
   * @returns a directory's listing
   * @throws DamagedObject where an object is missing or damaged; what stands at `path` is then of no use
   */
  async restore(
    content: Content,
    path: string,
    links: Links,
    held?: (paths: readonly string[]) => HeldFile,
  ): Promise<Listing | undefined> {
    mkdirSync(dirname(path), { recursive: true });
    const strict = await this.modes(content);
    if (strict === undefined) throw new DamagedObject(content.modes!);
    const modes = new RestoredModes(strict);
    if (content.type !== 'directory') {
      await this.#restoreFile(content.hash, path, modes.of('', content.type));
      return undefined;
    }
    const folders = new RestoredFolders(path, modes);
    const listing = new Listing({ folder: this.#temporary });
    for (const part of await this.#parts(content.hash)) {
      const lines = await part.lines();
      const find = held?.(lines.map(([, entry]) => entry));
      for (const line of lines) {
        folders.make(line[0] === 'empty' ? line[1] : posix.dirname(line[1]));
        await this.#restoreEntry(line, path, modes, links, find, listing);
      }
    }
    folders.close();
    return listing;
  }

  async #restoreEntry(
    line: ManifestLine,
    path: string,
    modes: RestoredModes,
    links: Links,
    find: HeldFile | undefined,
    listing: Listing,
  ): Promise<void> {
    if (line[0] === 'empty') return listing.add(line, '');
    const target = `${path}/${line[1]}`;
    if (line[0] === 'link') {
      symlinkSync(line[2], target);
      const leads = links.published(line[1], line[2]);
      const stat = lstatSync(target, { bigint: true });
      for (const device of leads?.devices ?? [stat.dev]) listing.devices.add(device);
      // A link that leads to something else by now has no stamp: the next look sees that the content differs.
      const isSame = await links.leadsTo(line);
      const stamp = leads === undefined ? stampOf(stat) : `${leads.stamp} ${stampOf(stat)}`;
      return listing.add(line, isSame ? stamp : '');
    }
    const mode = modes.of(line[1], line[0]);
    const same = find?.(line[1], line[2], mode);
    const isLinked = same !== undefined && link(same, target);
    if (!isLinked) await this.#restoreFile(line[2], target, mode);
    const stat = lstatSync(target, { bigint: true });
    listing.devices.add(stat.dev);
    listing.add(line, stampOf(stat), isLinked);
    await breathe();
  }

  /** The parts of a manifest; a leaf is read when its lines are asked for. */
  async #parts(hash: string): Promise<Part[]> {
    const manifest = parseManifest(await this.#text(hash));
    if ('lines' in manifest) return [{ hash, lines: () => manifest.lines }];
    return manifest.leaves.map(([, leaf]) => ({ hash: leaf, lines: () => this.#leaf(leaf) }));
  }

  async #leaf(hash: string): Promise<ManifestLine[]> {
    const manifest = parseManifest(await this.#text(hash));
    return 'lines' in manifest ? manifest.lines : [];
  }

  /** An object that is text. */
  async #text(hash: string): Promise<string> {
    const text = await readFile(this.#pathOf(hash), 'utf8').catch(() => undefined);
    if (text === undefined) throw new DamagedObject(hash);
    if (sha256(text) !== hash) {
      await this.moveAside(hash);
      throw new DamagedObject(hash);
    }
    return text;
  }

  /** Keeps a list of an output's entries, or of their modes. @returns its hash */
  async #takeText(
    text: string,
    mode: number,
    incoming: Incoming,
    { distrust = false }: TakeOptions,
  ): Promise<string> {
    const hash = sha256(text);
    if (!incoming.has(hash) && !(await this.#keeps(hash, Buffer.byteLength(text), mode, distrust)))
      writeFileSync(await incoming.add(hash), text, { mode });
    return hash;
  }

  async #takeModes(
    modes: StrictModes,
    incoming: Incoming,
    options: TakeOptions,
  ): Promise<Pick<Content, 'modes'>> {
    if (modes.lines.length === 0) return {};
    return { modes: await this.#takeText(modesText(modes.lines), modes.listing, incoming, options) };
  }

  /** Hashes a file and keeps a copy with `mode`, unless there is one. */
  async #takeFile(
    path: string,
    stat: BigIntStats,
    mode: number,
    incoming: Incoming,
    { onBytes, distrust = false }: TakeOptions,
  ): Promise<{ hash: string; size: number }> {
    if (stat.size <= small) {
      const bytes = readFileSync(path);
      const hash = sha256(bytes);
      onBytes?.(bytes.length);
      if (!incoming.has(hash) && !(await this.#keeps(hash, bytes.length, mode, distrust)))
        writeFileSync(await incoming.add(hash), bytes, { mode });
      return { hash, size: bytes.length };
    }
    for (let attempt = 1; ; attempt++) {
      const before = stampOf(statSync(path, { bigint: true }));
      const { hash, size } = await hashFile(path, onBytes);
      if (incoming.has(hash) || (await this.#keeps(hash, size, mode, distrust))) return { hash, size };
      // A reflink where the file system has them, else a copy: the store shares no bytes that an edit could reach.
      const copy = await incoming.add(hash);
      await copyFile(path, copy, constants.COPYFILE_FICLONE);
      await chmod(copy, mode);
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
      if ((await hashFile(path)).hash === hash) return chmod(path, mode);
      await rm(path, { force: true });
    }
    await this.moveAside(hash);
    throw new DamagedObject(hash);
  }

  /**
   * Whether the object is there and, if it is not to be trusted, what its name says. It loses the rights that `mode` does not
   * give: what was public may have become private.
   */
  async #keeps(hash: string, size: number, mode: number, distrust: boolean): Promise<boolean> {
    if (!this.#holds(hash, size)) return false;
    const object = this.#pathOf(hash);
    if (!distrust || (await hashFile(object)).hash === hash) {
      if (mode !== usualMode('file')) restrict(object, mode);
      return true;
    }
    await this.moveAside(hash);
    return false;
  }

  #holds(hash: string, size: number): boolean {
    return statSync(this.#pathOf(hash), { throwIfNoEntry: false })?.size === size;
  }

  #pathOf(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash.slice(2));
  }
}

/** Takes the rights that `mode` does not give, unless the object belongs to another user: it is no secret to them. */
function restrict(object: string, mode: number): void {
  try {
    chmodSync(object, statSync(object).mode & mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** What the owner of a folder needs to put something into it. */
const ownerChanges = 0o700;

/** Makes the folders of a directory as they are needed. */
class RestoredFolders {
  readonly #path: string;
  readonly #modes: RestoredModes;
  readonly #made = new Set<string>();

  /** Makes the directory itself at `path`. */
  constructor(path: string, modes: RestoredModes) {
    this.#path = path;
    this.#modes = modes;
    this.make('.');
  }

  /** Makes the folder, and those around it, unless they are there. */
  make(folder: string): void {
    if (this.#made.has(folder)) return;
    if (folder !== '.') this.make(posix.dirname(folder));
    mkdirSync(join(this.#path, folder), { mode: this.#modeOf(folder) | ownerChanges });
    this.#made.add(folder);
  }

  /** Takes the owner's rights from read-only folders, those inside first. */
  close(): void {
    for (const folder of [...this.#made].reverse()) {
      const mode = this.#modeOf(folder);
      if ((mode & ownerChanges) !== ownerChanges) chmodSync(join(this.#path, folder), mode);
    }
  }

  #modeOf(folder: string): number {
    return this.#modes.of(folder === '.' ? '' : folder, 'folder');
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
