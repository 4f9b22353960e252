// What an instance's key was computed from. When its command has ended, the engine looks again, and records nothing if something changed.
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { CodeClosure, CodeClosures } from '../fingerprint/code-closure.ts';
import type { CommandCode } from '../fingerprint/command-code.ts';
import { matchGlob } from '../plan/globs.ts';
import type { Instance } from '../plan/instance.ts';
import { stageReference } from '../plan/instantiate.ts';
import type { Plan } from '../plan/plan.ts';
import { stampAt } from '../store/stamp.ts';
import type { Seen, StatMemo } from '../store/stat-memo.ts';
import { FolderWatch } from './folder-watch.ts';

/** What was looked at for a fingerprint. */
export interface Looks {
  /** Path of a dependency or of a file of code → what it held. */
  readonly paths: ReadonlyMap<string, Seen>;
  /** JavaScript or TypeScript that the commands run, or a file that stands for a package → its closure. */
  readonly modules: ReadonlyMap<string, CodeClosure>;
  /** Scripts of package.json that the commands run → their texts. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Code of other languages. */
  readonly files: readonly string[];
  /** Files whose mode or owner the commands set. */
  readonly attributes: ReadonlySet<string>;
}

/** A file that is no longer what the key was computed from. */
export interface Changed {
  readonly path: string;
  /** Whether it is a file that the plan was made from: a new plan takes a new run of the engine. */
  readonly planned: boolean;
}

export class Inputs {
  readonly #plan: Plan;
  readonly #memo: StatMemo;
  readonly #closures: CodeClosures;
  readonly #instance: Instance;
  readonly #looks: Looks;
  readonly #codeNow: () => Promise<CommandCode>;
  /** Data that the commands name and that was not there before they ran. */
  left: readonly string[] = [];
  /** From the start of the command on. */
  #folders: FolderWatch | undefined;

  /** @param codeNow looks for the code of the instance's commands */
  constructor(
    { plan, memo }: { readonly plan: Plan; readonly memo: StatMemo },
    closures: CodeClosures,
    instance: Instance,
    looks: Looks,
    codeNow: () => Promise<CommandCode>,
  ) {
    this.#plan = plan;
    this.#memo = memo;
    this.#codeNow = codeNow;
    this.#closures = closures;
    this.#instance = instance;
    this.#looks = looks;
  }

  /** Dependencies and files of code. */
  get paths(): Iterable<string> {
    return this.#looks.paths.keys();
  }

  /** Paths of all that was looked at for the key. */
  looked(): Set<string> {
    const files = [...this.#looks.modules.values()].flatMap(({ inputs }) => Object.keys(inputs));
    return new Set([...this.#looks.paths.keys(), ...files]);
  }

  /** What changed since the key was computed, just before the command starts. A directory that was looked at just now is not walked. */
  async changedBeforeStart(): Promise<Changed | undefined> {
    const changed = await this.#changed(true);
    if (changed === undefined) this.#folders = this.#watch();
    return changed;
  }

  /** What changed since the key was computed, also if it has changed back. */
  changed(): Promise<Changed | undefined> {
    return this.#changed(false);
  }

  async #changed(atStart: boolean): Promise<Changed | undefined> {
    const path =
      (await this.#changedCode()) ??
      (await this.#changedPath(atStart)) ??
      (await this.#newCode()) ??
      (await this.#changedMatch()) ??
      this.#folders?.changed();
    if (path !== undefined) return { path, planned: false };
    const planned = atStart ? undefined : this.#changedPlan();
    return planned === undefined ? undefined : { path: planned, planned: true };
  }

  async #changedCode(): Promise<string | undefined> {
    for (const [script, closure] of this.#looks.modules) {
      const changed = await this.#closures.changed(script, closure);
      if (changed !== undefined) return changed;
    }
    return undefined;
  }

  async #changedPath(atStart: boolean): Promise<string | undefined> {
    for (const [path, seen] of this.#looks.paths) {
      if (atStart && seen.content.type === 'directory' && this.#memo.isRecent(path)) continue;
      const changed = await this.#memo.changed(this.#plan.root, path, seen);
      if (changed === undefined) continue;
      // `chmod +x run.sh && ./run.sh` changes the time of a change, and no content.
      const isSame = this.#looks.attributes.has(path) && (await this.#hashOf(path)) === seen.content.hash;
      if (!isSame) return changed;
    }
    return undefined;
  }

  async #hashOf(path: string): Promise<string | undefined> {
    return (await this.#memo.look(this.#plan.root, path))?.hash;
  }

  /** Code that the commands run now, because it was not there before. */
  async #newCode(): Promise<string | undefined> {
    const { modules, packages, scripts, files, data } = await this.#codeNow();
    const before = this.#looks.scripts;
    const changed = Object.keys({ ...before, ...scripts }).find((name) => before[name] !== scripts[name]);
    if (changed !== undefined) return changed;
    // Data that was not there is what the commands themselves leave.
    this.left = data.filter((path) => !this.#looks.files.includes(path));
    const known = [...this.#looks.modules.keys(), ...this.#looks.files, ...data];
    return difference([...modules, ...packages, ...files], known);
  }

  /** A file that a pattern matches and did not match, or the other way round. */
  async #changedMatch(): Promise<string | undefined> {
    for (const { pattern, paths } of this.#instance.deps) {
      if (pattern === null || stageReference.test(pattern)) continue;
      const now = await matchGlob(pattern, this.#plan);
      const changed = difference(paths, now) ?? difference(now, paths);
      if (changed !== undefined) return changed;
    }
    return undefined;
  }

  /** Watches the folders of all inputs from now on. */
  #watch(): FolderWatch {
    const files = [...this.#looks.modules.values()].flatMap(({ inputs }) => Object.keys(inputs));
    const directories: string[] = [];
    for (const [path, { content }] of this.#looks.paths)
      (content.type === 'directory' ? directories : files).push(path);
    return new FolderWatch(this.#plan.root, this.#memo.clock, files, directories);
  }

  /** A file that the plan was made from and that the code reads by itself: the command may have seen other values than the key. */
  #changedPlan(): string | undefined {
    const { root, stamps } = this.#plan;
    const imported = [...this.#looks.modules.values()].flatMap(({ inputs }) => Object.keys(inputs));
    const files = [...imported, ...this.#looks.files];
    const inKey = new Set([...files, ...this.#looks.paths.keys()]);
    const changed = Object.keys(stamps).filter(
      (file) => !inKey.has(file) && stampAt(join(root, file)) !== stamps[file],
    );
    if (changed.length === 0) return undefined;
    const texts = [...this.#instance.cmds, ...files.map((file) => textOf(join(root, file)))];
    return changed.find((file) => texts.some((text) => text.includes(posix.basename(file))));
  }
}

/** The first of `some` that is not among `others`. */
function difference(some: readonly string[], others: readonly string[]): string | undefined {
  const among = new Set(others);
  return some.find((path) => !among.has(path));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
