// The workspaces that share a store, and what each of them needs: a collection in one keeps what the others need.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Lock, readLock } from '../lock-file.ts';
import { readJson, writeFileAtomic } from './files.ts';
import type { Content } from './tree.ts';

/** A workspace and what its pipeline.lock named when it last used the store. */
interface Entry {
  readonly root: string;
  readonly host: string;
  /** Day of the last use. */
  readonly seen: string;
  readonly keys: readonly string[];
  readonly contents: readonly Content[];
}

/** What the other workspaces need. */
export interface Registered {
  readonly keys: ReadonlySet<string>;
  readonly contents: readonly Content[];
  /** Folders on this host that no longer exist. */
  readonly gone: readonly string[];
  /** Files of the registry that can't be read. */
  readonly damaged: readonly string[];
}

export class Registry {
  readonly #folder: string;
  readonly #root: string;
  /** File that holds the name of this workspace in the registry. */
  readonly #idFile: string;

  /**
   * @param store that is shared
   * @param root of this workspace
   * @param cache of this workspace
   */
  constructor(store: string, root: string, cache: string) {
    this.#folder = join(store, 'workspaces');
    this.#root = root;
    this.#idFile = join(cache, 'workspace-id');
  }

  /** Notes what this workspace needs. */
  async note(lock: Lock): Promise<void> {
    const blocks = [...lock.blocks.values()];
    const entry: Entry = {
      root: this.#root,
      host: hostname(),
      seen: new Date().toISOString().slice(0, 10),
      keys: blocks.map(({ key }) => key),
      contents: blocks
        .flatMap(({ outs }) => Object.values(outs))
        .map(({ path: _, cache: __, ...content }) => content),
    };
    const text = `${JSON.stringify(entry)}\n`;
    const file = this.#pathOf(await this.#id());
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) await writeFileAtomic(file, text);
  }

  /** What the other workspaces need: as they noted it, and as their pipeline.lock says now if it can be read here. */
  others(): Registered {
    const keys = new Set<string>();
    const contents: Content[] = [];
    const gone = new Set<string>();
    const damaged: string[] = [];
    for (const { name, entry } of this.#entries()) {
      if (entry === undefined) {
        damaged.push(name);
        continue;
      }
      for (const key of entry.keys) keys.add(key);
      contents.push(...entry.contents);
      if (entry.host !== hostname()) continue;
      if (!existsSync(entry.root)) gone.add(entry.root);
      for (const { key, outs } of readLock(entry.root).blocks.values()) {
        keys.add(key);
        contents.push(...Object.values(outs));
      }
    }
    return { keys, contents, gone: [...gone], damaged };
  }

  /** Forgets the workspaces at `root`, but not this one. @returns whether there was one */
  forget(root: string): boolean {
    const found = this.#entries().filter(({ name, entry }) => entry?.root === root || name === root);
    for (const { name } of found) rmSync(join(this.#folder, name), { force: true });
    return found.length > 0;
  }

  /** Folders of the other workspaces. */
  roots(): string[] {
    return this.#entries().flatMap(({ entry }) => (entry === undefined ? [] : [entry.root]));
  }

  #entries(): { name: string; entry: Entry | undefined }[] {
    if (!existsSync(this.#folder)) return [];
    const own = existsSync(this.#idFile) ? `${readFileSync(this.#idFile, 'utf8').trim()}.json` : undefined;
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json') && name !== own)
      .map((name) => {
        const entry = readJson<Entry>(join(this.#folder, name));
        return {
          name,
          entry: Array.isArray(entry?.contents) && Array.isArray(entry.keys) ? entry : undefined,
        };
      });
  }

  /** This workspace's name in the registry. A copy of a workspace gets a name of its own. */
  async #id(): Promise<string> {
    const id = existsSync(this.#idFile) ? readFileSync(this.#idFile, 'utf8').trim() : '';
    if (/^[\w-]+$/.test(id)) {
      const entry = readJson<Entry>(this.#pathOf(id));
      if (entry === undefined || (entry.root === this.#root && entry.host === hostname())) return id;
    }
    const fresh = randomUUID();
    await writeFileAtomic(this.#idFile, `${fresh}\n`);
    return fresh;
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
