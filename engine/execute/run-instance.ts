// Brings one instance up to date: examine, decide, then restore or run, and publish.
import { dirname, join, relative, resolve } from 'node:path';
import { type Decision, decide } from '../decide.ts';
import type { Emit } from '../event.ts';
import type { PresentOuts, Reason } from '../explain.ts';
import type { Failure } from '../failure.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { unreadNames } from '../fingerprint/unread.ts';
import type { LockBlock } from '../lock-file.ts';
import { findUnowned, moveAside } from '../ownership/protect.ts';
import type { Instance } from '../plan/instance.ts';
import { sameContent } from '../store/content.ts';
import { crashPoint } from '../store/crash-point.ts';
import { UnreadableName } from '../store/file-names.ts';
import { DamagedObject } from '../store/object-store.ts';
import { PartialStates } from '../store/partial-states.ts';
import type { RunRecord } from '../store/run-records.ts';
import { lookAt } from '../store/stamp.ts';
import type { Content, LinkLine } from '../store/tree.ts';
import { marked, withFound } from '../varying.ts';
import { exitText } from './exit-text.ts';
import type { Inputs } from './inputs.ts';
import { collect, publish, type ReadyOut, type Uncollected } from './publish.ts';
import { findResumption } from './resume.ts';
import { type Ended, runCommands } from './run-command.ts';
import type { LogEnd } from './run-log.ts';
import { listFileProblem, makeScratch, type Scratch } from './scratch.ts';
import type { Slots } from './slots.ts';
import { systemErrorText } from './system-error.ts';
import type { LookUp, Workspace } from './workspace.ts';

export interface RunOptions extends ExamineOptions {
  readonly emit: Emit;
  readonly slots: Slots;
  readonly signal: AbortSignal;
  /** Whether what commands print is reported while they run. */
  readonly verbose: boolean;
  /** Whether the run is traced, to find what it reads and writes without declaring it. */
  readonly audit: boolean;
  /** Whether a failure elsewhere keeps new commands from being started. */
  readonly halted: () => boolean;
  /** Waits for a run that this one may go on from. */
  readonly shorterEnded: () => Promise<unknown>;
}

export type Outcome =
  /** A block comes with it if something became known of varying outputs. */
  | { readonly status: 'fresh'; readonly block?: LockBlock }
  | { readonly status: 'restored' | 'executed'; readonly block: LockBlock }
  | { readonly status: 'failed'; readonly failure: Failure }
  | { readonly status: 'interrupted' };

/** An input changed after the key was computed, so nothing was recorded under that key. */
interface Overtaken {
  readonly status: 'overtaken';
  readonly path: string;
  /** Whether the command had started. */
  readonly started: boolean;
  readonly inputs: Inputs;
  /** What is reported if the instance does not run again. */
  readonly failure: Failure;
}

/** How often inputs may change before the command starts. */
const patience = 5;

/** Brings an instance up to date. If an input changes while its command runs, it runs once more, with the new inputs. */
export async function runInstance(
  workspace: Workspace,
  instance: Instance,
  options: RunOptions,
): Promise<Outcome> {
  let current = instance;
  let ran = false;
  for (let attempt = 1; ; attempt++) {
    const outcome = await bringUpToDate(workspace, current, options);
    if (outcome.status !== 'overtaken') return outcome;
    const { path, started, inputs, failure } = outcome;
    if ((started && ran) || attempt > patience) return { status: 'failed', failure };
    if (started) options.emit({ type: 'rerun', stage: instance.name, path });
    ran ||= started;
    current = await workspace.refresh(current, inputs.paths);
  }
}

async function bringUpToDate(
  workspace: Workspace,
  instance: Instance,
  options: RunOptions,
): Promise<Outcome | Overtaken> {
  const { emit } = options;
  const force = options.force || options.audit;
  const examined = await examine(workspace, instance, { ...options, force });
  if ('failure' in examined) return { status: 'failed', failure: examined.failure };
  const { decision, fingerprint, inputs, present, found } = examined;
  if (decision.action === 'fresh') {
    noteMade(workspace, instance, (name) => present[name] ?? undefined);
    emit({ type: 'fresh', stage: instance.name });
    return found === undefined ? { status: 'fresh' } : { status: 'fresh', block: found };
  }
  const folder = scratchFolder(workspace, decision.key);
  workspace.check();
  workspace.trash.add(folder); // there is one only if an earlier run's could not be removed
  const old = join(folder, 'old');
  let reasons = decision.reasons;
  if (decision.action === 'restore') {
    const outs = await restore(workspace, instance, decision.record, present);
    if (outs !== undefined) {
      const unowned = await moveAside(workspace, instance, (name) => outs[name]!.held, {
        ...options,
        present,
      });
      if (unowned !== undefined) {
        workspace.trash.add(folder);
        return { status: 'failed', failure: unowned };
      }
      workspace.check();
      noteMade(workspace, instance, (name) => outs[name]?.content);
      await publish(workspace, outs, old);
      workspace.trash.add(folder);
      workspace.records.used(decision.key);
      emit({ type: 'restored', stage: instance.name, reasons });
      const locked = instance.frozen ? workspace.lock.blocks.get(instance.name) : undefined;
      return {
        status: 'restored',
        block: locked ?? blockOf(workspace, instance, decision.key, fingerprint, outs),
      };
    }
    workspace.trash.add(folder);
    const message = `${instance.name}: its cached outs are damaged and were moved to cache/quarantine; it runs again.`;
    emit({ type: 'note', message });
    reasons = reasons.length > 0 ? reasons : [{ what: 'never-run' } satisfies Reason];
  }
  if (!startsFromScratch(options)) await options.shorterEnded();
  return options.slots.use(instance.slots, () =>
    execute(workspace, instance, { key: decision.key, fingerprint, inputs, present, reasons, old }, options),
  );
}

interface Examined {
  readonly decision: Decision;
  readonly fingerprint: Fingerprint;
  readonly inputs: Inputs;
  readonly present: PresentOuts;
  /** The lock's block with what was found out about varying outputs; absent if nothing was. */
  readonly found?: LockBlock | undefined;
}

export interface ExamineOptions {
  /** Run whatever the state. */
  readonly force: boolean;
  /** Whether results of earlier runs may be taken from the store. */
  readonly restore: boolean;
  /** What the paths of deps and outs hold; the workspace as it is by default. */
  readonly lookUp?: LookUp;
}

/** Looks at an instance's inputs, outs and record, and decides. */
export async function examine(
  workspace: Workspace,
  instance: Instance,
  { force, restore, lookUp }: ExamineOptions,
): Promise<Examined | { failure: Failure }> {
  const read = await leftoverRead(workspace, instance);
  if (read !== undefined) return { failure: stageFailure(instance, read) };
  const refused = (error: Error): { failure: Failure } => {
    const message = systemErrorText(error, workspace.root) ?? error.message;
    return { failure: stageFailure(instance, message) };
  };
  const computed = await workspace.fingerprint(instance, lookUp).catch(refused);
  if ('failure' in computed) return computed;
  if ('missing' in computed)
    return { failure: stageFailure(instance, `Its dependency \`${computed.missing}\` does not exist.`) };
  const { fingerprint, inputs } = computed;
  const held = await workspace.present(instance, lookUp).then((present) => ({ present }), refused);
  if ('failure' in held) return held;
  const { present } = held;
  const locked = workspace.lock.blocks.get(instance.name);
  const block = locked && withFound(locked, present, workspace.varyingSources);
  const found = block === locked ? undefined : block;
  const situation = { fingerprint, block, present, force, always: instance.always };
  const asItStands = decide({ ...situation, record: undefined });
  const { key } = asItStands;
  if (instance.frozen) {
    const decision = await decideFrozen(workspace, instance, present, key);
    return 'failure' in decision ? decision : { decision, fingerprint, inputs, present };
  }
  if (asItStands.action === 'fresh') return { decision: asItStands, fingerprint, inputs, present, found };
  const record = restore ? workspace.records.get(key) : undefined;
  const stored =
    record !== undefined && (await isStored(workspace, instance, record.outs, present, lookUp !== undefined));
  const decision = decide({ ...situation, record: stored ? record : undefined });
  return { decision, fingerprint, inputs, present };
}

/** Notes which paths a run made, before they get their content. */
function noteMade(
  { made }: Workspace,
  { name: stage, outs }: Instance,
  contentOf: (name: string) => Content | undefined,
): void {
  for (const { name, path, cache } of outs) {
    const content = contentOf(name);
    if (content !== undefined) made.note({ ...content, path, stage, ...(cache ? {} : { cache }) });
  }
}

/**
 * Whether every output is in the store or, if the store does not keep it, still in the workspace.
 * @param foretells whether other stages may be brought up to date before
 */
async function isStored(
  workspace: Workspace,
  instance: Instance,
  outs: RunRecord['outs'],
  present: PresentOuts,
  foretells = false,
): Promise<boolean> {
  const { root, memo, objects, plan } = workspace;
  for (const { name, path, cache } of instance.outs) {
    const content = outs[name];
    if (content === undefined) return false;
    if (!cache) {
      if (!sameContent(present[name], content)) return false;
    } else {
      const links = memo.targets.of(root, join(root, path));
      const leads = async (line: LinkLine): Promise<boolean> => {
        // What other stages make may be restored first.
        const to = relative(root, resolve(root, path, dirname(line[1]), line[2]));
        return (foretells && plan.graph.outs.containing(to) !== undefined) || links.leadsTo(line);
      };
      if (!(await objects.has(content, leads))) return false;
    }
  }
  return true;
}

/** Why an instance can't run: a folder that it reads holds a leftover that stays, and a clean build does not have that. */
async function leftoverRead(workspace: Workspace, { deps, frozen }: Instance): Promise<string | undefined> {
  const { leftovers } = workspace.plan;
  if (frozen || leftovers.isEmpty) return undefined;
  const staying = (await workspace.leftovers()).filter(({ edited }) => edited).map(({ path }) => path);
  for (const folder of staying.length > 0 ? deps.flatMap(({ paths }) => paths) : []) {
    const left = leftovers.inside(folder).find(({ path }) => staying.includes(path));
    if (left !== undefined)
      return `It reads \`${folder}\`, which holds \`${left.path}\`, left over from \`${left.stage}\` and changed by hand since. Move that away, or run \`rodada clean --keep ${left.path}\` to keep it as a file of your own.`;
  }
  return undefined;
}

/** What is frozen counts as it stands; only an out that is gone comes back, as the lock has it. */
async function decideFrozen(
  workspace: Workspace,
  instance: Instance,
  present: PresentOuts,
  key: string,
): Promise<Decision | { failure: Failure }> {
  const gone = instance.outs.filter(({ name }) => present[name] === null);
  if (gone.length === 0) return { action: 'fresh', key };
  const block = workspace.lock.blocks.get(instance.name);
  const reasons = gone.map(({ path }): Reason => ({ what: 'out', path, state: 'missing' }));
  if (block !== undefined) {
    const outs: Record<string, Content> = { ...block.outs };
    for (const [name, content] of Object.entries(present)) if (content !== null) outs[name] = content;
    const missing = { ...instance, outs: gone };
    if (await isStored(workspace, missing, outs, present)) {
      const record = { ...block, outs, seconds: 0, ended: '' };
      return { action: 'restore', key: block.key, record, reasons };
    }
  }
  const paths = gone.map(({ path }) => `\`${path}\``).join(', ');
  const message = `It is frozen, and ${paths} can't be brought back; make it by hand, or run \`rodada unfreeze ${instance.stage}\`.`;
  return { failure: stageFailure(instance, message) };
}

/** The same in every run with this key: commands write it into their outputs. The run lock keeps others away from it. */
const scratchFolder = ({ cache }: Workspace, key: string): string => join(cache, 'tmp', key);

/** The record's outs, recreated in scratch where the workspace does not hold them; undefined where one is damaged. */
async function restore(
  workspace: Workspace,
  instance: Instance,
  record: RunRecord,
  present: PresentOuts,
): Promise<Record<string, ReadyOut> | undefined> {
  const folder = scratchFolder(workspace, record.key);
  const locked = workspace.lock.blocks.get(instance.name);
  const outs: Record<string, ReadyOut> = {};
  try {
    for (const [i, { name, path }] of instance.outs.entries()) {
      const content = record.outs[name]!;
      const from = join(folder, `restored${i}`);
      const known = locked === undefined || locked.outs[name]?.modes === content.modes;
      const held = known && sameContent(present[name], content) && !(await workspace.isWider(path, content));
      const files = workspace.memo.heldFiles(workspace.root, path);
      const links = workspace.memo.targets.of(workspace.root, from, join(workspace.root, path));
      const listing = held ? undefined : await workspace.objects.restore(content, from, links, files);
      const stamp = held ? undefined : lookAt(from)?.stamp;
      outs[name] = { from, path, content, listing, held, stamp, moment: workspace.memo.clock.now() };
    }
    crashPoint('restored');
    return outs;
  } catch (error) {
    if (error instanceof DamagedObject) return undefined;
    throw error;
  }
}

interface Work extends Pick<Examined, 'fingerprint' | 'inputs' | 'present'> {
  readonly key: string;
  readonly reasons: readonly Reason[];
  /** Where outs that give way are moved. */
  readonly old: string;
}

async function execute(
  workspace: Workspace,
  instance: Instance,
  { key, fingerprint, inputs, present, reasons, old }: Work,
  { emit, signal, halted, force, restore, verbose, audit }: RunOptions,
): Promise<Outcome | Overtaken> {
  if (signal.aborted || halted()) return { status: 'interrupted' };
  const early = await inputs.changedBeforeStart();
  if (early !== undefined) {
    const message = `\`${early.path}\` keeps changing. Run it again when nobody writes to it.`;
    return {
      status: 'overtaken',
      path: early.path,
      started: false,
      inputs,
      failure: stageFailure(instance, message),
    };
  }
  const unowned = force ? undefined : await findUnowned(workspace, instance, present);
  if (unowned !== undefined) return { status: 'failed', failure: unowned };
  const problem = listFileProblem(instance);
  if (problem !== undefined) return { status: 'failed', failure: stageFailure(instance, problem) };
  const log = workspace.logs.pathOf(key);
  const shownLog = relative(workspace.root, log);
  const fromScratch = startsFromScratch({ force, restore, audit });
  const resume = fromScratch ? undefined : await findResumption(workspace, instance, fingerprint);
  const resumes = resume === undefined ? {} : { resumes: resume.run };
  const partials = new PartialStates(workspace.cache);
  // The key of what runs every time does not tell that a run is the very same.
  const partial = await partials.begin(key, fromScratch || instance.always);
  let keepsPartial = true;
  const continues = partial.found ? { continues: true } : {};
  emit({ type: 'started', stage: instance.name, reasons, log: shownLog, ...resumes, ...continues });
  const environment = await workspace.environmentOf(instance);
  const scratch = await makeScratch(
    scratchFolder(workspace, key),
    workspace.root,
    instance,
    environment,
    resume,
    partial.path,
  );
  let logEnd: LogEnd | undefined;
  let ended: Ended | undefined;
  try {
    const timeout = instance.timeout && AbortSignal.timeout(instance.timeout.seconds * 1000);
    logEnd = await workspace.logs.begin(instance.name, key);
    const tracing = audit ? new (await import('../audit/audit.ts')).Tracing(scratch.folder) : undefined;
    ended = await runCommands({
      prefix: tracing && (() => tracing.prefix()),
      commands: scratch.commands,
      shell: instance.shell,
      root: workspace.root,
      cwd: join(workspace.root, instance.wdir),
      env: { RODADA_STAGE: scratch.inputs, RODADA_PARTIAL: partial.path, ...environment },
      log,
      onLine: verbose
        ? (line) => emit({ type: 'output', stage: instance.name, text: `${line}\n` })
        : undefined,
      onWarning: (message) => emit({ type: 'stage-warning', stage: instance.name, message }),
      onProgress: (progress) => emit({ type: 'progress', stage: instance.name, ...progress }),
      signal: timeout === null ? signal : AbortSignal.any([signal, timeout]),
    });
    workspace.check();
    if (signal.aborted) {
      await logEnd({ ...ended, outcome: 'interrupted' });
      return { status: 'interrupted' };
    }
    if (tracing !== undefined && ended.unstarted === undefined) {
      const found = await tracing.audit(workspace.root, instance, inputs.looked());
      emit({ type: 'audit', stage: instance.name, ...found });
    }
    const run = ended;
    const noteEnd = logEnd;
    const failed = async (message: string): Promise<Outcome & { status: 'failed' }> => {
      // What went on and failed by itself may do so because of what it went on from: the next run starts from scratch.
      if (partial.found && endedByItself(run) && !timeout?.aborted) keepsPartial = false;
      await noteEnd({ ...run, outcome: 'failed', message });
      const { exitCode, tail } = run;
      const failure = { ...stageFailure(instance, message), exitCode, tail, log: shownLog };
      return { status: 'failed', failure };
    };
    if (timeout?.aborted)
      return failed(`Its command took longer than its timeout of ${instance.timeout!.text} and was ended.`);
    if (ended.exitCode === 0) crashPoint('command-ended');
    // The command reads no more: what changes from here on does not change its result.
    const changed = await inputs.changed();
    if (changed?.planned === true) return failed(changedPlan(changed.path));
    if (changed !== undefined) {
      keepsPartial = false;
      const { failure } = await failed(changedAgain(changed.path));
      return { status: 'overtaken', path: changed.path, started: true, inputs, failure };
    }
    if (ended.exitCode !== 0) return failed(exitText(ended));
    // First the store and the record, then the workspace: cut off in between, the next run restores.
    // A run that was recorded and is repeated may be so because the store does not have what it should.
    const distrust = workspace.records.get(key) !== undefined;
    const collected = await collect(workspace, instance, scratch.outs, distrust, present).catch(
      unreadableName,
    );
    if (collected instanceof UnreadableName) return failed(unreadableText(collected, instance, scratch));
    if ('state' in collected) return failed(uncollected[collected.state](collected));
    const { outs } = collected;
    const contents = Object.fromEntries(Object.entries(outs).map(([name, { content }]) => [name, content]));
    const ends = new Date().toISOString();
    workspace.check();
    await workspace.records.put({
      key,
      stage: instance.name,
      fingerprint,
      outs: contents,
      seconds: ended.seconds,
      ended: ends,
      ...(scratch.resumed && resume !== undefined ? { resumed: resume.key } : {}),
    });
    keepsPartial = false;
    await logEnd({ ...ended, outcome: 'executed' });
    // The result is kept: once the path is free, the next run restores it.
    const written = await moveAside(workspace, instance, (name) => outs[name]!.held, { force, emit });
    if (written !== undefined) return { status: 'failed', failure: written };
    workspace.check();
    noteMade(workspace, instance, (name) => contents[name]);
    await publish(workspace, outs, old);
    const { modules, files } = await workspace.codeOf(instance);
    for (const path of inputs.left)
      emit({ type: 'warning', warning: { what: 'undeclared-write', stage: instance.name, path } });
    for (const warning of unreadNames(
      instance,
      [...modules, ...files],
      Object.keys(fingerprint.code),
      workspace.root,
    ))
      emit({ type: 'warning', warning });
    emit({ type: 'executed', stage: instance.name, seconds: ended.seconds });
    return { status: 'executed', block: blockOf(workspace, instance, key, fingerprint, outs) };
  } catch (error) {
    workspace.check();
    const message = systemErrorText(error, workspace.root) ?? String(error);
    await logEnd?.({ ...neverStarted, ...ended, outcome: 'failed', message });
    throw error;
  } finally {
    workspace.check();
    workspace.trash.add(scratch.folder);
    // What was made of an input that has changed since is not what the key says.
    const keeps = async () => keepsPartial && (await inputs.changed()) === undefined;
    await partials.end(key, keeps).catch(() => undefined);
  }
}

const startsFromScratch = (options: Pick<RunOptions, 'force' | 'restore' | 'audit'>): boolean =>
  options.force || !options.restore || options.audit;

const neverStarted = { exitCode: null, killedBy: null, seconds: null, peakMemory: null };

/** Whether no signal ended it; a shell tells by an exit code above 128 that one ended what it started. */
const endedByItself = ({ exitCode }: Ended): boolean => exitCode !== null && exitCode <= 128;

const uncollected: Record<Uncollected['state'], (what: Uncollected) => string> = {
  missing: ({ out }) =>
    `Its command succeeded but did not make the out \`${out}\`. It must write to \`\${outs.${out}}\`; the engine puts that into its place.`,
  link: ({ out }) =>
    `Its command made the out \`${out}\` as a symbolic link; an out must be a file or a directory itself.`,
  special: ({ out }) => `Its command made the out \`${out}\`, but neither as a file nor as a directory.`,
  'scratch-link': ({ out, link }) =>
    `Its command made the link \`${link}\` in the out \`${out}\`, which leads into a folder that is deleted when the run ends. Copy the file instead, or let the link lead to something inside the out.`,
};

const changedAgain = (path: string): string =>
  `\`${path}\` changed while it ran; nothing was recorded. Run it again when nobody writes to it. If its own command writes to it, make it an output.`;

const changedPlan = (path: string): string =>
  `\`${path}\`, which its code reads, changed after the plan was made; nothing was recorded. Run it again.`;

function unreadableName(error: Error): UnreadableName {
  if (error instanceof UnreadableName) return error;
  throw error;
}

/** What a command made under a name that can't be kept, named by where it was to go. */
function unreadableText({ what }: UnreadableName, { outs }: Instance, scratch: Scratch): string {
  const placed = outs.reduce((text, { name, path }) => text.replaceAll(scratch.outs[name]!, path), what);
  return `Its command made an output that can't be kept: ${placed}. It must write names in UTF-8.`;
}

/** What pipeline.lock says of an instance with these outs. */
export function blockOf(
  { plan }: Pick<Workspace, 'plan'>,
  instance: Instance,
  key: string,
  fingerprint: Fingerprint,
  outs: Readonly<Record<string, Pick<ReadyOut, 'path' | 'content'>>>,
): LockBlock {
  const locked = instance.outs.map(({ name, cache }) => {
    const { path, content } = outs[name]!;
    return [name, { path, ...content, ...(cache ? {} : { cache }) }] as const;
  });
  const block = { stage: instance.name, key, fingerprint, outs: Object.fromEntries(locked) };
  return marked(block, instance, plan.graph.outs);
}

function stageFailure(instance: Instance, message: string): Extract<Failure, { reason: 'stage' }> {
  return { reason: 'stage', stage: instance.name, message, exitCode: null, tail: [], log: null, skips: [] };
}
