// Runs an instance's commands, then records what they made, and publishes it.
import { join, relative } from 'node:path';
import type { Reason } from '../explain.ts';
import { unreadNames } from '../fingerprint/unread.ts';
import { findUnowned, moveAside } from '../ownership/protect.ts';
import type { Instance } from '../plan/instance.ts';
import { crashPoint } from '../store/crash-point.ts';
import { UnreadableName } from '../store/file-names.ts';
import { PartialStates } from '../store/partial-states.ts';
import type { Content } from '../store/tree.ts';
import type { Examined } from './examine.ts';
import { exitText } from './exit-text.ts';
import { blockOf, noteMade } from './made.ts';
import type { Outcome, Overtaken, RunOptions } from './outcome.ts';
import { collect, publish, type ReadyOut } from './publish.ts';
import { scratchFolder } from './restore.ts';
import { findResumption, type Resumption } from './resume.ts';
import { type Ended, runCommands } from './run-command.ts';
import type { LogEnd } from './run-log.ts';
import { listFileProblem, makeScratch, type Scratch } from './scratch.ts';
import { stageFailure } from './stage-failure.ts';
import { systemErrorText } from './system-error.ts';
import {
  asUnreadableName,
  changedAgain,
  changedPlan,
  keepsChanging,
  uncollectedText,
  unreadableText,
} from './unusable.ts';
import type { Workspace } from './workspace.ts';

/** What is to run, and why. */
interface Work extends Pick<Examined, 'fingerprint' | 'inputs' | 'present'> {
  readonly key: string;
  readonly reasons: readonly Reason[];
  /** Folder for the outputs that are replaced. */
  readonly old: string;
}

type Failed = Outcome & { readonly status: 'failed' };

/** Runs an instance, unless something speaks against it before its command starts. */
export async function execute(
  workspace: Workspace,
  instance: Instance,
  work: Work,
  options: RunOptions,
): Promise<Outcome | Overtaken> {
  if (options.signal.aborted || options.halted()) return { status: 'interrupted' };
  return (
    (await obstacle(workspace, instance, work, options)) ??
    (await new Execution(workspace, instance, work, options).run())
  );
}

/** Why the command does not start. */
async function obstacle(
  workspace: Workspace,
  instance: Instance,
  { inputs, present }: Work,
  { force }: RunOptions,
): Promise<Failed | Overtaken | undefined> {
  const early = await inputs.changedBeforeStart();
  if (early !== undefined) {
    const failure = stageFailure(instance, keepsChanging(early.path));
    return { status: 'overtaken', path: early.path, started: false, inputs, failure };
  }
  const unowned = force ? undefined : await findUnowned(workspace, instance, present);
  if (unowned !== undefined) return { status: 'failed', failure: unowned };
  const problem = listFileProblem(instance);
  return problem === undefined ? undefined : { status: 'failed', failure: stageFailure(instance, problem) };
}

/** Whether a run uses nothing of earlier ones. */
export const startsFromScratch = (options: Pick<RunOptions, 'force' | 'restore' | 'audit'>): boolean =>
  options.force || !options.restore || options.audit;

const neverStarted = { exitCode: null, killedBy: null, seconds: null, peakMemory: null };

/** Whether no signal ended it; a shell tells by an exit code above 128 that one ended what it started. */
const endedByItself = ({ exitCode }: Ended): boolean => exitCode !== null && exitCode <= 128;

/** One run of an instance. */
class Execution {
  readonly #workspace: Workspace;
  readonly #instance: Instance;
  readonly #work: Work;
  readonly #options: RunOptions;
  #timeout: AbortSignal | null = null;
  readonly #log: string;
  readonly #shownLog: string;
  #logEnd: LogEnd | undefined;
  #ended: Ended | undefined;
  /** Whether it began with what an interrupted run left. */
  #continues = false;
  #keepsPartial = true;

  constructor(workspace: Workspace, instance: Instance, work: Work, options: RunOptions) {
    this.#workspace = workspace;
    this.#instance = instance;
    this.#work = work;
    this.#options = options;
    this.#log = workspace.logs.pathOf(work.key);
    this.#shownLog = relative(workspace.root, this.#log);
  }

  async run(): Promise<Outcome | Overtaken> {
    const { key, fingerprint, inputs } = this.#work;
    const workspace = this.#workspace;
    const fromScratch = startsFromScratch(this.#options);
    const resume = fromScratch ? undefined : await findResumption(workspace, this.#instance, fingerprint);
    const partials = new PartialStates(workspace.cache);
    // The key of what runs every time does not tell that a run is the very same.
    const partial = await partials.begin(key, fromScratch || this.#instance.always);
    this.#continues = partial.found;
    this.#emitStarted(resume);
    const environment = await workspace.environmentOf(this.#instance);
    const folder = scratchFolder(workspace, key);
    const scratch = await makeScratch(
      folder,
      workspace.root,
      this.#instance,
      environment,
      resume,
      partial.path,
    );
    const { timeout } = this.#instance;
    this.#timeout = timeout && AbortSignal.timeout(timeout.seconds * 1000);
    try {
      const ended = await this.#runCommands(scratch, { RODADA_PARTIAL: partial.path, ...environment });
      if (this.#options.signal.aborted) {
        await this.#logEnd?.({ ...ended, outcome: 'interrupted' });
        return { status: 'interrupted' };
      }
      const unsuccessful = await this.#judge(ended);
      if (unsuccessful !== undefined) return unsuccessful;
      const collected = await this.#collect(scratch);
      if ('status' in collected) return collected;
      const { outs } = collected;
      await this.#record(outs, ended, scratch.resumed ? resume : undefined);
      return await this.#publish(outs, ended);
    } catch (error) {
      workspace.check();
      const message = systemErrorText(error, workspace.root) ?? String(error);
      await this.#logEnd?.({ ...neverStarted, ...this.#ended, outcome: 'failed', message });
      throw error;
    } finally {
      workspace.check();
      workspace.trash.add(folder);
      // What was made of an input that has changed since is not what the key says.
      const keeps = async () => this.#keepsPartial && (await inputs.changed()) === undefined;
      const discard = (path: string): void => workspace.trash.add(path);
      await partials.end(key, keeps, discard).catch(() => undefined);
    }
  }

  #emitStarted(resume: Resumption | undefined): void {
    const resumes = resume === undefined ? {} : { resumes: resume.run };
    const continues = this.#continues ? { continues: true } : {};
    const { reasons } = this.#work;
    const stage = this.#instance.name;
    this.#options.emit({ type: 'started', stage, reasons, log: this.#shownLog, ...resumes, ...continues });
  }

  async #runCommands(scratch: Scratch, env: Readonly<Record<string, string>>): Promise<Ended> {
    const { root, logs } = this.#workspace;
    const { name: stage, shell, wdir } = this.#instance;
    const { emit, signal, verbose, audit } = this.#options;
    this.#logEnd = await logs.begin(stage, this.#work.key);
    const tracing = audit ? new (await import('../audit/audit.ts')).Tracing(scratch.folder) : undefined;
    const ended = await runCommands({
      prefix: tracing && (() => tracing.prefix()),
      commands: scratch.commands,
      shell,
      root,
      cwd: join(root, wdir),
      env: { RODADA_STAGE: scratch.inputs, ...env },
      log: this.#log,
      onLine: verbose ? (line) => emit({ type: 'output', stage, text: `${line}\n` }) : undefined,
      onWarning: (message) => emit({ type: 'stage-warning', stage, message }),
      onProgress: (progress) => emit({ type: 'progress', stage, ...progress }),
      signal: this.#timeout === null ? signal : AbortSignal.any([signal, this.#timeout]),
    });
    this.#ended = ended;
    this.#workspace.check();
    if (tracing !== undefined && !signal.aborted && ended.unstarted === undefined) {
      const found = await tracing.audit(root, this.#instance, this.#work.inputs.looked());
      emit({ type: 'audit', stage, ...found });
    }
    return ended;
  }

  /** What a run ends with whose outputs must not be kept; undefined if all is well so far. */
  async #judge(ended: Ended): Promise<Failed | Overtaken | undefined> {
    if (this.#timeout?.aborted) {
      const { text } = this.#instance.timeout!;
      return this.#failed(`Its command took longer than its timeout of ${text} and was ended.`);
    }
    if (ended.exitCode === 0) crashPoint('command-ended');
    // The command reads no more: what changes from here on does not change its result.
    const { inputs } = this.#work;
    const changed = await inputs.changed();
    if (changed?.planned === true) return this.#failed(changedPlan(changed.path));
    if (changed !== undefined) {
      this.#keepsPartial = false;
      const { failure } = await this.#failed(changedAgain(changed.path));
      return { status: 'overtaken', path: changed.path, started: true, inputs, failure };
    }
    return ended.exitCode === 0 ? undefined : this.#failed(exitText(ended));
  }

  async #failed(message: string): Promise<Failed> {
    const ended = this.#ended!;
    // If a run continued another and failed by itself, what it continued may be the cause: the next run starts from scratch.
    if (this.#continues && endedByItself(ended) && !this.#timeout?.aborted) this.#keepsPartial = false;
    await this.#logEnd?.({ ...ended, outcome: 'failed', message });
    const { exitCode, tail } = ended;
    const failure = { ...stageFailure(this.#instance, message), exitCode, tail, log: this.#shownLog };
    return { status: 'failed', failure };
  }

  /** Takes the outputs into the store. */
  async #collect(scratch: Scratch): Promise<Failed | { readonly outs: Readonly<Record<string, ReadyOut>> }> {
    const { key, present } = this.#work;
    const workspace = this.#workspace;
    // If the same run was recorded before, it may be repeated because the store does not have what it should.
    const distrust = workspace.records.get(key) !== undefined;
    const collected = await collect(workspace, this.#instance, scratch.outs, distrust, present).catch(
      asUnreadableName,
    );
    if (collected instanceof UnreadableName)
      return this.#failed(unreadableText(collected, this.#instance, scratch));
    if ('state' in collected) return this.#failed(uncollectedText(collected));
    return collected;
  }

  /** Writes the record before the workspace gets the outputs: if the engine dies in between, the next run restores them. */
  async #record(
    outs: Readonly<Record<string, ReadyOut>>,
    { seconds }: Ended,
    resumed: Resumption | undefined,
  ): Promise<void> {
    const contents = Object.entries(outs).map(([name, { content }]): [string, Content] => [name, content]);
    this.#workspace.check();
    await this.#workspace.records.put({
      key: this.#work.key,
      stage: this.#instance.name,
      fingerprint: this.#work.fingerprint,
      outs: Object.fromEntries(contents),
      seconds,
      ended: new Date().toISOString(),
      ...(resumed === undefined ? {} : { resumed: resumed.key }),
    });
    this.#keepsPartial = false;
  }

  async #publish(outs: Readonly<Record<string, ReadyOut>>, ended: Ended): Promise<Outcome> {
    const workspace = this.#workspace;
    const instance = this.#instance;
    const { key, fingerprint, old } = this.#work;
    const { emit, force } = this.#options;
    await this.#logEnd?.({ ...ended, outcome: 'executed' });
    // The result is kept: once the path is free, the next run restores it.
    const written = await moveAside(workspace, instance, (name) => outs[name]!.held, { force, emit });
    if (written !== undefined) return { status: 'failed', failure: written };
    workspace.check();
    noteMade(workspace, instance, (name) => outs[name]?.content);
    await publish(workspace, outs, old);
    await this.#warn();
    emit({ type: 'executed', stage: instance.name, seconds: ended.seconds });
    return { status: 'executed', block: blockOf(workspace, instance, key, fingerprint, outs) };
  }

  async #warn(): Promise<void> {
    const { emit } = this.#options;
    const { root } = this.#workspace;
    const { modules, files } = await this.#workspace.codeOf(this.#instance);
    for (const path of this.#work.inputs.left)
      emit({ type: 'warning', warning: { what: 'undeclared-write', stage: this.#instance.name, path } });
    const code = Object.keys(this.#work.fingerprint.code);
    for (const warning of unreadNames(this.#instance, [...modules, ...files], code, root))
      emit({ type: 'warning', warning });
  }
}
