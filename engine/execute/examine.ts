// Looks at an instance's inputs, outputs and record, and decides what to do.
import { dirname, join, relative, resolve } from 'node:path';
import { type Decision, decide } from '../decide.ts';
import type { PresentOuts, Reason } from '../explain.ts';
import type { Failure } from '../failure.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { typed } from '../invocation.ts';
import { lacksContent, lockedFingerprint } from '../lock/locked-fingerprint.ts';
import type { LockBlock } from '../lock-file.ts';
import type { Instance } from '../plan/instance.ts';
import { shellWord } from '../shell-word.ts';
import { sameContent } from '../store/content.ts';
import type { LinkLine } from '../store/manifest.ts';
import type { RunRecord } from '../store/run-records.ts';
import type { Content } from '../store/tree.ts';
import { withFound } from '../varying.ts';
import type { Inputs } from './inputs.ts';
import { stageFailure } from './stage-failure.ts';
import { systemErrorText } from './system-error.ts';
import type { LookUp, Workspace } from './workspace.ts';

export interface Examined {
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
  const whole =
    block && lacksContent(block.fingerprint)
      ? { ...block, fingerprint: lockedFingerprint(fingerprint) }
      : block;
  const found = whole === locked ? undefined : whole;
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
      return `It reads \`${folder}\`, which holds \`${left.path}\`, left over from \`${left.stage}\` and changed by hand since. Move that away, or run \`${typed(`clean --keep ${shellWord(left.path)}`)}\` to keep it as a file of your own.`;
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
  const message = `It is frozen, and ${paths} can't be brought back; make it by hand, or run \`${typed(`unfreeze ${shellWord(instance.stage)}`)}\`.`;
  return { failure: stageFailure(instance, message) };
}
