// Whose is what stands at an output's path? Only what a run made may be replaced without a word.
import { join, posix } from 'node:path';
import { parseLock } from '../lock/read.ts';
import { type Lock, lockFile } from '../lock-file.ts';
import { sameContent } from '../store/content.ts';
import { contentWithin } from '../store/manifest.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { RunRecords } from '../store/run-records.ts';
import { lstatIfThere } from '../store/stamp.ts';
import { type Content, walk } from '../store/tree.ts';
import { type Leftovers, madeByPath } from './leftovers.ts';
import type { MadeOuts } from './made-outs.ts';

/**
 * `free`: nothing that anybody could miss. `made`: what a run left, or what the store has. `edited`: a run's output that was
 * changed since. `unowned`: what no run made.
 */
export type Standing =
  | { readonly is: 'free' | 'made' | 'edited' }
  /** `path` may also be a file where a folder around the output belongs. */
  | { readonly is: 'unowned'; readonly path: string };

export interface StandingSources {
  readonly root: string;
  readonly lock: Lock;
  readonly made: MadeOuts;
  readonly records: RunRecords;
  readonly objects: ObjectStore;
  readonly leftovers: Leftovers;
}

/** Answers for one run; what is only rarely needed is read when it is. */
export class Standings {
  readonly #sources: StandingSources;
  #named: Map<string, readonly Content[]> | undefined;
  #recorded: Map<string, Content[]> | undefined;
  #committed: Promise<Map<string, Content[]>> | undefined;

  constructor(sources: StandingSources) {
    this.#sources = sources;
  }

  /** @param content what `path` holds, links followed; null if there is no file or folder */
  async of(path: string, content: Content | null | undefined): Promise<Standing> {
    const { root, objects } = this.#sources;
    const absolute = join(root, path);
    const stat = lstatIfThere(absolute);
    if (stat === undefined) return this.#around(path);
    const isPlain = (stat.isFile() || stat.isDirectory()) && content != null;
    if (isPlain && stat.isDirectory() && isEmpty(absolute)) return { is: 'free' };
    const same = (one: Content): boolean => isPlain && sameContent(one, content);
    const named = this.#namedAt(path);
    if (named.some(same)) return { is: 'made' };
    if (named.length > 0) return { is: isPlain && (await objects.has(content)) ? 'made' : 'edited' };
    if (isPlain && (await this.#isPart(path, content))) return { is: 'made' };
    if (isPlain && stat.isDirectory() && (await this.#isLeftOver(path))) return { is: 'free' };
    if ((this.#recordedAt(path) ?? []).some(same)) return { is: 'made' };
    const committed = (await this.#committedAt()).get(path) ?? [];
    if (committed.some(same)) return { is: 'made' };
    return committed.length > 0 ? { is: 'edited' } : { is: 'unowned', path };
  }

  /** Of a path where there is nothing: a file may be in the way of the folder around it. */
  #around(path: string): Standing {
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) {
      const stat = lstatIfThere(join(this.#sources.root, folder));
      if (stat?.isDirectory() === true) break;
      const leaves = this.#sources.leftovers.containing(folder) !== undefined;
      if (stat !== undefined && !leaves) return { is: 'unowned', path: folder };
    }
    return { is: 'free' };
  }

  /** What this workspace's lock and earlier runs say was made at `path`. */
  #namedAt(path: string): readonly Content[] {
    const { lock, made } = this.#sources;
    this.#named ??= madeByPath(lock, made);
    const noted = made.get(path); // may be younger
    return [...(this.#named.get(path) ?? []), ...(noted === undefined ? [] : [noted])];
  }

  /** Whether it lay there inside a folder that a run made. */
  async #isPart(path: string, content: Content): Promise<boolean> {
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder))
      for (const around of this.#namedAt(folder)) {
        if (around.type !== 'directory') continue;
        const within = await this.#sources.objects.read(around, (parts) =>
          contentWithin(parts, posix.relative(folder, path)),
        );
        if (sameContent(within, content)) return true;
      }
    return false;
  }

  /** Whether a folder holds nothing but leftovers, which move out before anything takes its place. */
  async #isLeftOver(folder: string): Promise<boolean> {
    const { root, leftovers } = this.#sources;
    if (leftovers.inside(folder).length === 0) return false;
    for (const { kind, path } of walk(join(root, folder)))
      if (kind !== 'empty' && leftovers.containing(posix.join(folder, path)) === undefined) return false;
    return true;
  }

  /** What the store's run records say was made at `path`. */
  #recordedAt(path: string): Content[] | undefined {
    this.#recorded ??= this.#readRecords();
    return this.#recorded.get(path);
  }

  #readRecords(): Map<string, Content[]> {
    const found = new Map<string, Content[]>();
    for (const { fingerprint, outs } of this.#sources.records.all())
      for (const [name, content] of Object.entries(outs)) add(found, fingerprint.outs[name], content);
    return found;
  }

  /** What the lock at HEAD says, which a merge may have damaged here. */
  #committedAt(): Promise<Map<string, Content[]>> {
    this.#committed ??= this.#readCommitted();
    return this.#committed;
  }

  async #readCommitted(): Promise<Map<string, Content[]>> {
    const found = new Map<string, Content[]>();
    const { Repository } = await import('../compare/git.ts');
    const repository = await Repository.open(this.#sources.root);
    const files = repository.ok
      ? await repository.value.tree('HEAD', 'HEAD').read([lockFile], () => true)
      : repository;
    const { blocks, disputed } = parseLock((files.ok && files.value.get(lockFile)) || '');
    for (const { outs } of [...blocks.values(), ...disputed])
      for (const out of Object.values(outs)) add(found, out.path, out);
    return found;
  }
}

function add(found: Map<string, Content[]>, path: string | undefined, content: Content): void {
  if (path === undefined) return;
  const others = found.get(path);
  if (others === undefined) found.set(path, [content]);
  else others.push(content);
}

/** Whether a folder holds nothing but folders. */
function isEmpty(folder: string): boolean {
  for (const { kind } of walk(folder)) if (kind !== 'empty') return false;
  return true;
}
