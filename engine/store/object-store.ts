// The content-addressed store: files by their SHA-256, directories as manifests. What is read back is verified.
import { constants, existsSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { temporaryName, writeFileAtomic } from './files.ts';
import { type Content, hashFile, type ManifestLine, manifestText, parseManifest, sha256 } from './tree.ts';

/** Copies under way at once: enough to keep a disk busy. */
const copies = 8;

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

  /** @param folder that holds `objects/` and `quarantine/` */
  constructor(folder: string) {
    this.#folder = join(folder, 'objects');
    this.#quarantine = join(folder, 'quarantine');
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

  /** Keeps a copy of the file or directory at `path`, which `content` (and `lines`, its manifest) describe. */
  async put(path: string, content: Content, lines: readonly ManifestLine[] | undefined): Promise<void> {
    if (lines === undefined) {
      await this.#putFile(path, content.hash, content.size);
      return;
    }
    const limit = pLimit(copies);
    await Promise.all(
      lines.map((line) =>
        line[0] === 'file' || line[0] === 'executable'
          ? limit(() => this.#putFile(join(path, line[1]), line[2], line[3]))
          : Promise.resolve(),
      ),
    );
    const text = manifestText(lines);
    if (!this.#holds(content.hash, Buffer.byteLength(text)))
      await writeFileAtomic(this.#pathOf(content.hash), text);
  }

  /**
   * Recreates `content` at `path`, which must not exist. Every byte is checked against its hash.
   * @returns the manifest of a directory
   * @throws DamagedObject where an object is missing or damaged; what stands at `path` is then of no use
   */
  async restore(content: Content, path: string): Promise<ManifestLine[] | undefined> {
    await mkdir(dirname(path), { recursive: true });
    if (content.type === 'file') {
      await this.#restoreFile(content.hash, path);
      return undefined;
    }
    const lines = await this.#manifest(content.hash);
    await mkdir(path);
    const folders = new Set(
      lines.map(([kind, entry]) => (kind === 'empty' ? join(path, entry) : dirname(join(path, entry)))),
    );
    for (const folder of folders) await mkdir(folder, { recursive: true });
    const limit = pLimit(copies);
    await Promise.all(
      lines.map((line) =>
        limit(async () => {
          const target = join(path, line[1]);
          if (line[0] === 'link') await symlink(line[2], target);
          else if (line[0] !== 'empty') {
            await this.#restoreFile(line[2], target);
            if (line[0] === 'executable') await chmod(target, 0o755);
          }
        }),
      ),
    );
    return lines;
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

  async #putFile(path: string, hash: string, size: number): Promise<void> {
    if (this.#holds(hash, size)) return;
    const object = this.#pathOf(hash);
    await mkdir(dirname(object), { recursive: true });
    const temporary = temporaryName(object);
    try {
      // A reflink where the file system has them, else a copy: the store shares no bytes that an edit could reach.
      await copyFile(path, temporary, constants.COPYFILE_FICLONE);
      const file = await open(temporary, 'r+');
      await file.sync().finally(() => file.close());
      await rename(temporary, object);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #restoreFile(hash: string, path: string): Promise<void> {
    const object = this.#pathOf(hash);
    const size = statSync(object, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new DamagedObject(hash);
    if (size <= 8 << 20) {
      const bytes = await readFile(object);
      if (sha256(bytes) === hash) return writeFile(path, bytes);
    } else {
      await copyFile(object, path, constants.COPYFILE_FICLONE);
      if ((await hashFile(path)).hash === hash) return;
      await rm(path, { force: true });
    }
    await this.#moveAside(hash);
    throw new DamagedObject(hash);
  }

  /** Out of the way, where it can be looked at, so that the object counts as missing. */
  async #moveAside(hash: string): Promise<void> {
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
