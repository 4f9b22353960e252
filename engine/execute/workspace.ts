// A project's folder at work: its plan, its store, and what was found out about it in this run.
import { join, posix, resolve } from 'node:path';
import { paramsFile } from '../config/params.ts';
import type { PresentOuts } from '../explain.ts';
import type { Failure } from '../failure.ts';
import { type CodeClosure, CodeClosures } from '../fingerprint/code-closure.ts';
import { type CommandCode, CommandReader } from '../fingerprint/command-code.ts';
import { CompiledCode, inOrder } from '../fingerprint/compiled-code.ts';
import { declared } from '../fingerprint/declared.ts';
import { Environment, type FactRequest } from '../fingerprint/environment.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { paramsReader } from '../fingerprint/params-reader.ts';
import { ProjectFiles } from '../fingerprint/project-files.ts';
import { ReferenceMemo } from '../fingerprint/references.ts';
import type { Lock } from '../lock-file.ts';
import type { MadeOuts } from '../ownership/made-outs.ts';
import { type LeftoverPlace, lookAtLeftovers, type ShownLeftover } from '../ownership/move-out.ts';
import { Standings } from '../ownership/standing.ts';
import { matchGlob } from '../plan/globs.ts';
import type { Dependency, Instance } from '../plan/instance.ts';
import { stageReference } from '../plan/instantiate.ts';
import type { Plan } from '../plan/plan.ts';
import type { Result } from '../result.ts';
import { identityOf, sameContent } from '../store/content.ts';
import { isWider } from '../store/modes.ts';
import { ObjectStore } from '../store/object-store.ts';
import { RunRecords } from '../store/run-records.ts';
import { type Seen, StatMemo } from '../store/stat-memo.ts';
import { cacheFolder, storeFolder } from '../store/store-folder.ts';
import { type Content, type OnBytes, sha256 } from '../store/tree.ts';
import type { withFound } from '../varying.ts';
import type { Warning } from '../warning.ts';
import { checkCode, type SeenCode } from './code-checks.ts';
import { type HashProgress, hashProgress } from './hash-progress.ts';
import { Inputs } from './inputs.ts';
import { checkNamedOuts } from './named-outs.ts';
import { checkOutsAreNoSources } from './own-sources.ts';
import { RunLogs } from './run-log.ts';
import { checkShells } from './shells.ts';
import { ShorterRuns } from './shorter-runs.ts';
import { Trash } from './trash.ts';
import type { WorkspaceLock } from './workspace-lock.ts';

/** Folder of the store that a plan's pipeline.yaml names. */
export const storeOf = ({ root, pipeline }: Pick<Plan, 'root' | 'pipeline'>): string =>
  storeFolder(root, pipeline.definition.cache?.store);

/** Says what a path holds, undefined where there is nothing. A forecast also answers for outs that are yet to be restored. */
export type LookUp = (path: string) => Promise<Content | undefined>;

export class Workspace {
  readonly root: string;
  /** Folder of the state of the workspace. */
  readonly cache: string;
  /** Folder of the store, which other workspaces may share. */
  readonly store: string;
  readonly plan: Plan;
  readonly lock: Lock;
  /** What the engine has put here. */
  readonly made: MadeOuts;
  /** Whose is what stands at a path. */
  readonly standings: Standings;
  readonly memo: StatMemo;
  readonly objects: ObjectStore;
  readonly records: RunRecords;
  readonly shorterRuns: ShorterRuns;
  readonly logs: RunLogs;
  readonly trash: Trash;
  /** Makes sure that this run still holds the run lock; see RunLock. */
  readonly check: () => void;
  readonly #environment: Environment;
  readonly #closures: CodeClosures;
  readonly #onHashing: (progress: HashProgress) => void;
  #leftovers: Promise<ShownLeftover[]> | undefined;
  readonly #references: ReferenceMemo;
  #reader: CommandReader;
  #compiled: CompiledCode;
  #codeWarnings: readonly Warning[] = [];
  readonly #code = new Map<Instance, Promise<CommandCode>>();

  /**
   * @param onHashing is told how far the hashing of something large is
   * @param lock of a run that changes the workspace
   */
  constructor(
    plan: Plan,
    facts: FactRequest,
    onHashing: (progress: HashProgress) => void = () => undefined,
    lock?: WorkspaceLock,
  ) {
    this.#onHashing = onHashing;
    this.check = lock?.check ?? (() => undefined);
    this.root = plan.root;
    this.plan = plan;
    this.cache = join(plan.root, cacheFolder);
    this.lock = plan.lock;
    this.made = plan.made;
    this.memo = new StatMemo(join(this.cache, 'memo'));
    this.store = lock?.store ?? storeOf(plan);
    this.objects = new ObjectStore(this.store);
    this.records = new RunRecords(this.store);
    this.shorterRuns = new ShorterRuns(this.records);
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
    this.#reader = this.#newReader();
    this.#compiled = this.#newCompiled();
  }

  #newCompiled(): CompiledCode {
    return new CompiledCode(this.#paramsReader);
  }

  readonly #paramsReader = (code: Readonly<Record<string, string>>): Promise<string | undefined> =>
    paramsReader(this.root, code, this.#references);

  /** What tells the contents of varying outputs that no lock knows. */
  get varyingSources(): Parameters<typeof withFound>[2] {
    return {
      recorded: (key) => this.records.get(key),
      isMade: (path) => this.made.get(path) !== undefined,
    };
  }

  #newReader(): CommandReader {
    return new CommandReader(new ProjectFiles(this.root, this.plan.paths), this.#references, this.lookUp);
  }

  /**
   * Reads the code of all `instances` at once, which is quicker than one by one, and finds their environment facts: what is
   * wrong with either is known before anything starts.
   */
  async prepare(instances: readonly Instance[]): Promise<Result<void>> {
    const codes = await this.#codesOf(instances);
    const declared = await checkNamedOuts(this.plan, instances, codes);
    if (!declared.ok) return declared;
    const modules = new Set([...codes.values()].flatMap((code) => this.#unmade(code.modules)));
    const packages = new Set([...codes.values()].flatMap((code) => code.packages));
    const closures = await this.#closures.of([...modules, ...packages]);
    if (!closures.ok) return closures;
    const checked = await checkOutsAreNoSources(this, instances, (instance) => {
      const { modules, files, data } = codes.get(instance)!;
      const noCode = new Set(data);
      const closure = modules.flatMap((module) => Object.keys(closures.value.get(module)?.code ?? {}));
      return [...modules, ...files.filter((file) => !noCode.has(file)), ...closure];
    });
    if (!checked.ok) return checked;
    const seen = await Promise.all(instances.map((instance) => this.#seenCode(instance, closures.value)));
    await this.#references.save();
    const code = checkCode(this.plan, seen, (path) => this.#reader.size(path));
    if (!code.ok) return code;
    this.#codeWarnings = code.value;
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
  readonly lookUp: LookUp = async (path) => (await this.#look(path))?.content;

  #look(path: string): Promise<Seen | undefined> {
    return this.memo.seen(this.root, path, this.hashing(path, resolve(this.root, path)));
  }

  /** Watches the hashing of what stands at `absolute` and is called `path`. */
  hashing(path: string, absolute: string): OnBytes {
    return hashProgress(path, absolute, this.#onHashing);
  }

  /**
   * The instance's fingerprint and what it was computed from, or the path of a dependency that is not there.
   * @param lookUp for a forecast; nothing can be recorded of what it says
   */
  async fingerprint(
    instance: Instance,
    lookUp?: LookUp,
  ): Promise<{ missing: string } | { fingerprint: Fingerprint; inputs: Inputs }> {
    const {
      attributes,
      modules,
      files,
      packages: loaded,
      scripts,
      runsNode,
      readsParams,
    } = await this.codeOf(instance);
    const closures = await this.#closures.of([...modules, ...loaded]);
    if (!closures.ok) throw new Error(unreadable(closures.failures[0]));
    const compiled = this.#compiled.of(closures.value);
    const more: Record<string, string> = {};
    for (const [script, text] of Object.entries(scripts)) more[script] = sha256(text);
    const seen = new Map<string, Seen>();
    const look: LookUp = async (path) => {
      if (lookUp !== undefined) return lookUp(path);
      const found = await this.#look(path);
      if (found !== undefined) seen.set(path, found);
      return found?.content;
    };
    for (const file of files) {
      const content = await look(file);
      if (content !== undefined) more[file] = content.hash;
    }
    const reader = readsParams ?? (await compiled.readsParams) ?? (await this.#paramsReader(more));
    if (reader !== undefined) {
      const content = await look(paramsFile);
      if (content !== undefined) more[paramsFile] = content.hash;
    }
    const deps: Record<string, Record<string, string>> = {};
    // What is frozen never runs again: whatever its dependencies are now, it does not depend on them.
    for (const { name, paths } of instance.frozen ? [] : instance.deps) {
      deps[name] = {};
      for (const path of paths) {
        const content = await look(path);
        if (content === undefined) return { missing: path };
        deps[name][path] = identityOf(content);
      }
    }
    const { cmd, shell, params, matrix, outs, wdir } = declared(instance);
    const fingerprint: Fingerprint = {
      format: 2,
      cmd,
      ...(shell === undefined ? {} : { shell }),
      code: isEmpty(more) ? compiled.code : inOrder({ ...compiled.code, ...more }),
      packages: compiled.packages,
      params,
      matrix,
      deps,
      outs,
      ...(await this.#environment.of(instance.env, runsNode)),
      ...(wdir === undefined ? {} : { wdir }),
    };
    const looks = { paths: seen, modules: closures.value, scripts, files, attributes: new Set(attributes) };
    const codeNow = (): Promise<CommandCode> => this.#codeOf(instance, this.#newReader());
    return { fingerprint, inputs: new Inputs(this, this.#closures, instance, looks, codeNow) };
  }

  /**
   * Looks at an instance's inputs again when they are next asked for.
   * @param looked paths that its key was computed from
   * @returns the instance with the paths that its patterns match now
   */
  async refresh(instance: Instance, looked: Iterable<string>): Promise<Instance> {
    this.#closures.forget();
    this.#compiled = this.#newCompiled();
    for (const path of looked) this.memo.forget(path);
    this.#reader = this.#newReader();
    const deps: Dependency[] = [];
    for (const dep of instance.deps) {
      const { pattern } = dep;
      const isGlob = pattern !== null && !stageReference.test(pattern);
      const paths = isGlob ? await matchGlob(pattern, this.plan) : dep.paths;
      deps.push({ ...dep, paths });
    }
    return { ...instance, deps };
  }

  /**
   * The code that an instance's commands run, and the data that they name. What a stage makes, and what the instance declares,
   * counts by its content as a dependency.
   */
  codeOf(instance: Instance): Promise<CommandCode> {
    return this.#codeOf(instance, undefined);
  }

  /** @param reader that looks now, instead of what was found in this run */
  async #codeOf(instance: Instance, reader: CommandReader | undefined): Promise<CommandCode> {
    const code = await (reader === undefined ? this.#readCommands(instance) : read(instance, reader));
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

  async #seenCode(instance: Instance, closures: ReadonlyMap<string, CodeClosure>): Promise<SeenCode> {
    const code = await this.codeOf(instance);
    const found = new Map(code.modules.map((module) => [module, closures.get(module)!]));
    const readsParams = code.readsParams ?? (await this.#compiled.of(found).readsParams);
    const computed = code.computed ?? [...found.values()].flatMap((closure) => closure.computed)[0];
    return {
      ...code,
      instance,
      ...(readsParams === undefined ? {} : { readsParams }),
      ...(computed === undefined ? {} : { computed }),
    };
  }

  /** What `prepare` found that is worth a word but stops nothing. */
  get codeWarnings(): readonly Warning[] {
    return this.#codeWarnings;
  }

  #unmade(paths: readonly string[]): string[] {
    return paths.filter((path) => this.plan.graph.outs.containing(path) === undefined);
  }

  async #codesOf(instances: readonly Instance[]): Promise<Map<Instance, CommandCode>> {
    const codes = new Map<Instance, CommandCode>();
    for (const instance of instances) codes.set(instance, await this.#readCommands(instance));
    return codes;
  }

  #readCommands(instance: Instance): Promise<CommandCode> {
    let code = this.#code.get(instance);
    if (code === undefined) {
      code = read(instance, this.#reader);
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

const isEmpty = (entries: object): boolean => Object.keys(entries).length === 0;

/** Looks for the code of an instance's commands. */
function read({ cmds, shell, wdir, deps }: Instance, reader: CommandReader): Promise<CommandCode> {
  const single = deps.filter(({ list }) => !list);
  const paths = Object.fromEntries(single.map(({ name, paths: [path] }) => [name, path!]));
  return reader.read({ cmds, shell, wdir, deps: paths });
}

/** Code that was changed into something that can't be compiled after the plan was checked. */
function unreadable(failure: Failure | undefined): string {
  if (failure?.reason !== 'configuration') return 'Its code changed while it was read.';
  const { position, message } = failure;
  const place = position === undefined ? '' : `${position.file}:${position.line}:${position.column} `;
  return `Its code changed and can't be compiled: ${place}${message}`;
}
