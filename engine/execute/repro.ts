// Brings the chosen instances up to date: each as soon as what it needs is, side by side as far as the slots go.
import type { Emit, Summary } from '../event.ts';
import type { Failure } from '../failure.ts';
import { LockTexts } from '../lock/write.ts';
import { type LockBlock, lockFile, writeLock } from '../lock-file.ts';
import type { PlanChoice } from '../ownership/made-outs.ts';
import type { Instance } from '../plan/instance.ts';
import { cacheFolder } from '../store/store-folder.ts';
import { marked } from '../varying.ts';
import { clean } from './clean.ts';
import { clearLeftovers } from './leftovers.ts';
import type { Outcome } from './outcome.ts';
import { runInstance } from './run-instance.ts';
import { shorterInstances } from './shorter-runs.ts';
import { Slots } from './slots.ts';
import { stageFailure } from './stage-failure.ts';
import { systemErrorText, thrownText } from './system-error.ts';
import { Tally } from './tally.ts';
import type { Workspace } from './workspace.ts';

export interface ReproOptions {
  readonly jobs: number;
  readonly force: boolean;
  /** Whether results of earlier runs may be taken from the store. */
  readonly restore: boolean;
  readonly keepGoing: boolean;
  /** The parameters that the plan was made with. */
  readonly choice?: PlanChoice;
  readonly emit: Emit;
  /** Gets what is done; of use if the process may end before this does. */
  readonly tally?: Tally;
  readonly signal: AbortSignal;
  /** Whether what commands print is reported while they run. */
  readonly verbose: boolean;
  /** Instances that run whatever their state, and whose runs are traced. */
  readonly audited?: ReadonlySet<string> | undefined;
  /** Called when all is done but the summary, with what was executed. */
  readonly afterwards?: (executed: readonly string[]) => Promise<void>;
}

/** How long lock blocks may wait to be written together. A cut in between costs a look at the run records. */
const lockInterval = 500; // milliseconds

/**
 * Brings the instances up to date, and ends with a summary, whatever the file system or a bug throws.
 * @returns the summary, and whether all that was chosen is up to date and recorded
 */
export async function repro(
  workspace: Workspace,
  instances: readonly Instance[],
  options: ReproOptions,
): Promise<{ readonly summary: Summary; readonly complete: boolean }> {
  const { emit, signal, tally = new Tally(instances) } = options;
  const told = new Set<string>();
  const attempt = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      tally.noteIncomplete();
      const message = thrownText(error, workspace.root);
      if (!told.has(message)) emit({ type: 'failure', failure: { reason: 'system', path, message } });
      told.add(message);
    }
  };
  let lock: LockWriter | undefined;
  emit({ type: 'plan', stages: instances.length });
  for (const warning of [...workspace.plan.warnings, ...workspace.codeWarnings])
    emit({ type: 'warning', warning });
  await attempt(cacheFolder, async () => {
    await clearLeftovers(workspace.root, workspace.cache);
    await clean(workspace, emit);
    workspace.made.choose(options.choice ?? {});
    lock = new LockWriter(workspace);
    await bringAll(workspace, instances, lock, tally, options);
  });
  await attempt(cacheFolder, async () => {
    workspace.check();
    await workspace.memo.save();
    await workspace.made.close();
  });
  await workspace.trash.emptied().catch((error: Error) => {
    const message = systemErrorText(error, workspace.root) ?? String(error);
    emit({ type: 'note', message: `Scratch could not be removed, the next run tries again. ${message}` });
  });
  await attempt(lockFile, async () => lock?.finish());
  await attempt(cacheFolder, async () => options.afterwards?.(tally.executed));
  if (signal.aborted)
    emit({ type: 'failure', failure: { reason: 'interrupted', signal: String(signal.reason) } });
  const summary = tally.summary();
  emit(summary);
  return { summary, complete: tally.isComplete };
}

async function bringAll(
  workspace: Workspace,
  instances: readonly Instance[],
  lock: LockWriter,
  tally: Tally,
  options: ReproOptions,
): Promise<void> {
  const { emit, signal } = options;
  const slots = new Slots(options.jobs);
  const results = new Map<string, Promise<boolean>>();
  const shorter = shorterInstances(workspace.plan, instances);
  let stopped = false;
  const skip = (instance: Instance, because: string): boolean => {
    tally.note(instance, 'skipped');
    emit({ type: 'skipped', stage: instance.name, because });
    return false;
  };
  const bring = async (instance: Instance): Promise<boolean> => {
    // What was not chosen, as with --single-item, counts as it stands.
    for (const need of workspace.plan.graph.needs.get(instance.name)!)
      if ((await results.get(need.name)) === false) return skip(instance, need.name);
    const halted = (): boolean => stopped;
    const cause = (): string => (signal.aborted ? 'interrupted' : (tally.firstFailed ?? 'interrupted'));
    if (signal.aborted || halted()) return skip(instance, cause());
    const outcome = await runInstance(workspace, instance, {
      force: options.force,
      restore: options.restore,
      emit,
      slots,
      signal,
      verbose: options.verbose,
      audit: options.audited?.has(instance.name) === true,
      halted,
      shorterEnded: async () => results.get(shorter.get(instance)?.name ?? ''),
    }).catch(
      (error: Error): Outcome => ({ status: 'failed', failure: unexpected(workspace, instance, error) }),
    );
    if (outcome.status === 'interrupted') return skip(instance, cause());
    tally.note(instance, outcome.status);
    if (outcome.status === 'failed') {
      stopped ||= !options.keepGoing;
      emit({ type: 'failure', failure: withSkips(outcome.failure, workspace, instances) });
      return false;
    }
    if (outcome.block !== undefined) lock.set(outcome.block);
    return true;
  };
  for (const instance of instances) results.set(instance.name, bring(instance));
  // If one throws, the others come to an end first.
  const ended = await Promise.allSettled(results.values());
  const thrown = ended.find(({ status }) => status === 'rejected');
  if (thrown?.status === 'rejected') throw thrown.reason;
}

/** What the file system or a bug threw while the engine worked on an instance. */
function unexpected(workspace: Workspace, instance: Instance, error: Error): Failure {
  const message = thrownText(error, workspace.root);
  return stageFailure(instance, message);
}

/** Names the dependents, at any distance, that a failure takes with it. */
function withSkips(failure: Failure, workspace: Workspace, chosen: readonly Instance[]): Failure {
  if (!('skips' in failure)) return failure;
  const { feeds } = workspace.plan.graph;
  const reached = new Set([failure.stage]);
  for (const name of reached) for (const { name: dependent } of feeds.get(name) ?? []) reached.add(dependent);
  reached.delete(failure.stage);
  return { ...failure, skips: chosen.filter(({ name }) => reached.has(name)).map(({ name }) => name) };
}

/** Collects lock blocks and writes them together, one write at a time, beside the stages' work. */
export class LockWriter {
  readonly #workspace: Workspace;
  readonly #texts = new LockTexts();
  /** When the next write may begin: long locks are written less often. */
  #due = 0;
  #dirty: boolean;
  #writing: Promise<void> = Promise.resolve();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    // Stages that pipeline.yaml no longer has leave the lock with the next write.
    const known = new Set(workspace.plan.graph.instances.map(({ name }) => name));
    const gone = [...workspace.lock.blocks.keys()].filter((name) => !known.has(name));
    for (const name of gone) workspace.lock.blocks.delete(name);
    this.#dirty = gone.length > 0 || workspace.lock.damaged.length > 0;
    this.#markVarying();
  }

  /** The lock follows at once when an output is declared as varying, or no longer is. */
  #markVarying(): void {
    const { lock, plan } = this.#workspace;
    const { instances, outs } = plan.graph;
    for (const instance of instances) {
      const block = lock.blocks.get(instance.name);
      const now = block && marked(block, instance, outs);
      if (now === undefined || now === block || JSON.stringify(now) === JSON.stringify(block)) continue;
      lock.blocks.set(instance.name, now);
      this.#dirty = true;
    }
  }

  set(block: LockBlock): void {
    this.#workspace.lock.blocks.set(block.stage, block);
    this.#dirty = true;
    // An error shows again, and is told, at the end.
    if (performance.now() > this.#due) void this.finish().catch(() => undefined);
  }

  /** Writes what was set since the last write. */
  finish(): Promise<void> {
    this.#due = Number.POSITIVE_INFINITY;
    const write = async (): Promise<void> => {
      if (!this.#dirty) return;
      this.#workspace.check();
      this.#dirty = false;
      const started = performance.now();
      try {
        await writeLock(this.#workspace.root, this.#workspace.lock.blocks.values(), this.#texts);
      } catch (error) {
        this.#dirty = true;
        throw error;
      } finally {
        const now = performance.now();
        this.#due = now + Math.max(lockInterval, 10 * (now - started));
      }
    };
    this.#writing = this.#writing.catch(() => undefined).then(write);
    return this.#writing;
  }
}
