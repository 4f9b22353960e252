// A project's folder at work: its plan, its store, and what was found out about it in this run.
import { join, posix, resolve } from 'node:path';
import type { PresentOuts } from '../explain.ts';
import { CodeClosures } from '../fingerprint/code-closure.ts';
import { type CommandCode, CommandReader } from '../fingerprint/command-code.ts';
import { declared } from '../fingerprint/declared.ts';
import { Environment, type FactRequest } from '../fingerprint/environment.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { ProjectFiles } from '../fingerprint/project-files.ts';
import { ReferenceMemo } from '../fingerprint/references.ts';
import type { Lock } from '../lock-file.ts';
import { byCodeUnit } from '../order.ts';
import type { MadeOuts } from '../ownership/made-outs.ts';
import { type LeftoverPlace, lookAtLeftovers, type ShownLeftover } from '../ownership/move-out.ts';
import { Standings } from '../ownership/standing.ts';
import type { Instance } from '../plan/instance.ts';
import type { Plan } from '../plan/plan.ts';
import type { Result } from '../result.ts';
import { identityOf, sameContent } from '../store/content.ts';
import { isWider } from '../store/modes.ts';
import { ObjectStore } from '../store/object-store.ts';
import { RunRecords } from '../store/run-records.ts';
import { StatMemo } from '../store/stat-memo.ts';
import type { Content, OnBytes } from '../store/tree.ts';
import { type HashProgress, hashProgress } from './hash-progress.ts';
import { checkOutsAreNoSources } from './own-sources.ts';
import { RunLogs } from './run-log.ts';
import { checkShells } from './shells.ts';
import { Trash } from './trash.ts';

/** Folder of the store, relative to the project. */
export const cacheFolder = 'cache';

/** Says what a path holds, undefined where there is nothing. A forecast also answers for outs that are yet to be restored. */
export type LookUp = (path: string) => Promise<Content | undefined>;

export class Workspace {
  readonly root: string;
  readonly cache: string;
  readonly plan: Plan;
  readonly lock: Lock;
  /** What the engine has put here. */
  readonly made: MadeOuts;
  /** Whose is what stands at a path. */
  readonly standings: Standings;
  readonly memo: StatMemo;
  readonly objects: ObjectStore;
  readonly records: RunRecords;
  readonly logs: RunLogs;
  readonly trash: Trash;
  readonly #environment: Environment;
  readonly #closures: CodeClosures;
  readonly #onHashing: (progress: HashProgress) => void;
  #leftovers: Promise<ShownLeftover[]> | undefined;
  readonly #references: ReferenceMemo;
  readonly #reader: CommandReader;
  readonly #code = new Map<Instance, Promise<CommandCode>>();

  /** @param onHashing is told how far the hashing of something large is */
  constructor(plan: Plan, facts: FactRequest, onHashing: (progress: HashProgress) => void = () => undefined) {
    this.#onHashing = onHashing;
    this.root = plan.root;
    this.plan = plan;
    this.cache = join(plan.root, cacheFolder);
    this.lock = plan.lock;
    this.made = plan.made;
    this.memo = new StatMemo(join(this.cache, 'memo'));
    this.objects = new ObjectStore(this.cache);
    this.records = new RunRecords(this.cache);
    this.logs = new RunLogs(this.cache);
    this.trash = new Trash(join(this.cache, 'tmp'));
    this.standings = new Standings({ ...this, leftovers: plan.leftovers });
    this.#environment = new Environment(plan.root, plan.pipeline.definition.environment ?? {}, facts);
    this.#closures = new CodeClosures(
      plan.root,
      join(this.cache, 'memo', 'code.json'),
      this.memo.clock,
      (path) => plan.graph.outs.containing(path) !== undefined,
    );
    this.#references = new ReferenceMemo(plan.root, join(this.cache, 'memo', 'references.json'));
    this.#reader = new CommandReader(new ProjectFiles(plan.root, plan.paths), this.#references, this.lookUp);
  }

  /**
   * Reads the code of all `instances` at once, which is quicker than one by one, and finds their environment facts: what is
   * wrong with either is known before anything starts.
   */
  async prepare(instances: readonly Instance[]): Promise<Result<void>> {
    const codes = await this.#codesOf(instances);
    const modules = new Set([...codes.values()].flatMap((code) => this.#unmade(code.modules)));
    const closures = await this.#closures.of([...modules]);
    if (!closures.ok) return closures;
    const checked = await checkOutsAreNoSources(this, instances, (instance) => {
      const { named, modules, files } = codes.get(instance)!;
      const closure = modules.flatMap((module) => Object.keys(closures.value.get(module)?.code ?? {}));
      return [...named, ...modules, ...files, ...closure];
    });
    if (!checked.ok) return checked;
    const shells = checkShells(this.plan, instances);
    if (!shells.ok) return shells;
    return this.#environment.check(
      instances.flatMap(({ env }) => env),
      (name) => this.plan.pipeline.source.position(['environment', name]),
    );
  }

  /** Values of the instance's environment facts and variables, without Node's version. */
  environmentOf(instance: Instance): Promise<Record<string, string>> {
    return this.#environment.values(instance.env);
  }

  /** What `path` holds now. */
  readonly lookUp: LookUp = (path) =>
    this.memo.content(this.root, path, this.hashing(path, resolve(this.root, path)));

  /** Watches the hashing of what stands at `absolute` and is called `path`. */
  hashing(path: string, absolute: string): OnBytes {
    return hashProgress(path, absolute, this.#onHashing);
  }

  /** The instance's fingerprint, or the path of a dependency that is not there. */
  async fingerprint(
    instance: Instance,
    lookUp = this.lookUp,
  ): Promise<{ missing: string } | { fingerprint: Fingerprint }> {
    const code: Record<string, string> = {};
    const packages: Record<string, string> = {};
    const { modules, files } = await this.codeOf(instance);
    const closures = await this.#closures.of(modules);
    if (!closures.ok) throw new Error(`The code of ${instance.name} changed while it was read.`);
    for (const closure of closures.value.values()) {
      Object.assign(code, closure.code);
      Object.assign(packages, closure.packages);
    }
    for (const file of files) {
      const content = await lookUp(file);
      if (content !== undefined) code[file] = content.hash;
    }
    const deps: Record<string, Record<string, string>> = {};
    // What is frozen never runs again: whatever its dependencies are now, it does not depend on them.
    for (const { name, paths } of instance.frozen ? [] : instance.deps) {
      deps[name] = {};
      for (const path of paths) {
        const content = await lookUp(path);
        if (content === undefined) return { missing: path };
        deps[name][path] = identityOf(content);
      }
    }
    const { cmd, shell, params, matrix, outs, wdir } = declared(instance);
    const fingerprint: Fingerprint = {
      format: 2,
      cmd,
      ...(shell === undefined ? {} : { shell }),
      code: Object.fromEntries(Object.entries(code).sort(([a], [b]) => byCodeUnit(a, b))),
      packages: Object.fromEntries(Object.entries(packages).sort(([a], [b]) => byCodeUnit(a, b))),
      params,
      matrix,
      deps,
      outs,
      ...(await this.#environment.of(instance.env)),
      ...(wdir === undefined ? {} : { wdir }),
    };
    return { fingerprint };
  }

  /**
   * The code that an instance's commands run, and the data that they name. What a stage makes, and what the instance declares,
   * counts by its content as a dependency.
   */
  async codeOf(instance: Instance): Promise<CommandCode> {
    const code = await this.#readCommands(instance);
    const { deps } = instance;
    if (code.files.length === 0 && code.modules.length === 0) return code;
    const declared = new Set(deps.flatMap(({ paths }) => paths));
    const isDeclared = (path: string): boolean => {
      for (let folder = path; folder !== '.'; folder = posix.dirname(folder))
        if (declared.has(folder)) return true;
      return false;
    };
    const counting = (paths: readonly string[]): string[] =>
      this.#unmade(paths).filter((path) => !isDeclared(path));
    return {
      ...code,
      modules: this.#unmade(code.modules),
      files: counting(code.files),
      data: counting(code.data),
    };
  }

  #unmade(paths: readonly string[]): string[] {
    return paths.filter((path) => this.plan.graph.outs.containing(path) === undefined);
  }

  async #codesOf(instances: readonly Instance[]): Promise<Map<Instance, CommandCode>> {
    const codes = new Map<Instance, CommandCode>();
    for (const instance of instances) codes.set(instance, await this.#readCommands(instance));
    await this.#references.save();
    return codes;
  }

  #readCommands(instance: Instance): Promise<CommandCode> {
    let code = this.#code.get(instance);
    if (code === undefined) {
      const { cmds, shell, wdir } = instance;
      const single = instance.deps.filter(({ list }) => !list);
      const deps = Object.fromEntries(single.map(({ name, paths }) => [name, paths[0]!]));
      code = this.#reader.read({ cmds, shell, wdir, deps });
      this.#code.set(instance, code);
    }
    return code;
  }

  /** With what leftovers are looked at and moved out. */
  leftoverPlace(): LeftoverPlace {
    const { instances, outs } = this.plan.graph;
    return { ...this, outs, folders: new Set(instances.map(({ wdir }) => wdir)) };
  }

  /** The leftovers that are in the workspace, each looked at once. */
  leftovers(): Promise<ShownLeftover[]> {
    this.#leftovers ??= lookAtLeftovers(this.leftoverPlace(), this.plan.leftovers);
    return this.#leftovers;
  }

  /** Says which leftovers stay, after the others were moved out. */
  keepLeftovers(kept: ShownLeftover[]): void {
    this.#leftovers = Promise.resolve(kept);
  }

  /** What the workspace holds for each of the instance's outs; null where there is nothing. */
  async present(instance: Instance, lookUp = this.lookUp): Promise<PresentOuts> {
    const locked = this.lock.blocks.get(instance.name)?.outs;
    const present: Record<string, PresentOuts[string]> = {};
    for (const { name, path } of instance.outs) {
      const content = (await lookUp(path)) ?? null;
      const known = locked?.[name];
      const wider =
        known?.modes !== undefined && sameContent(content, known) && (await this.isWider(path, known));
      present[name] = content && (wider ? { ...content, wider } : content);
    }
    return present;
  }

  /** Whether somebody has more rights to the output at `path` than the run gave that made its content. */
  async isWider(path: string, content: Content): Promise<boolean> {
    return isWider(join(this.root, path), (await this.objects.modes(content)) ?? []);
  }
}
