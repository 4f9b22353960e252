// Outputs that differ on every run (`varies: true`): pipeline.lock, which git keeps, names them without their content. The
// full blocks are in a lock of this workspace, beside the store.
import { readFileSync } from 'node:fs';
import { type Fingerprint, keyOf } from './fingerprint/fingerprint.ts';
import { lockedFingerprint } from './lock/locked-fingerprint.ts';
import type { LockBlock } from './lock-file.ts';
import type { Instance } from './plan/instance.ts';
import type { OutIndex } from './plan/out-index.ts';
import type { Content } from './store/content.ts';

/** The lock of this workspace, relative to the project. */
export const localLockFile = 'cache/local.lock';

type LockedOut = LockBlock['outs'][string];

/** Takes the place of a hash that pipeline.lock leaves out. */
const varies = 'varies';

/** The content of an output of which pipeline.lock says only that it varies. */
const unknown: Content = { type: 'file', hash: varies, size: 0, files: 0 };

/** Whether it is known what the output held. */
export const isKnown = ({ hash }: Pick<Content, 'hash'>): boolean => hash !== varies;

/** An output as pipeline.lock has it → with a content that stands for any. */
export const withUnknown = ({ path, cache }: Pick<LockedOut, 'path' | 'cache'>): LockedOut => ({
  path,
  ...unknown,
  ...(cache === false ? { cache } : {}),
  varies: true,
});

/** The marks of an instance's block: which of its outputs vary, and which of its inputs do. */
export function marked(block: LockBlock, instance: Instance, outs: OutIndex): LockBlock {
  if (!outs.hasVarying && !isVarying(block)) return block;
  const inputs = varyingInputs(block.fingerprint, outs);
  const { varyingInputs: _, ...plain } = block;
  const marks = instance.outs.flatMap(({ name, varies: declared }): [string, LockedOut][] => {
    const out = block.outs[name];
    if (out === undefined) return [];
    const { varies: mark, ...rest } = out;
    const isVarying = declared === true || (mark === true && !isKnown(out));
    return [[name, isVarying ? { ...rest, varies: true } : rest]];
  });
  return {
    ...plain,
    ...(inputs.length > 0 ? { varyingInputs: inputs } : {}),
    outs: { ...block.outs, ...Object.fromEntries(marks) },
  };
}

function varyingInputs({ deps, code }: Fingerprint, outs: OutIndex): string[] {
  if (!outs.hasVarying) return [];
  const paths = [...Object.values(deps).flatMap((paths) => Object.keys(paths)), ...Object.keys(code)];
  return [...new Set(paths)].filter((path) => outs.varying(path) !== undefined);
}

/** Whether the block is of a run with this fingerprint, as far as pipeline.lock tells: it knows nothing of varying inputs. */
export function isOf(block: LockBlock, fingerprint: Fingerprint, key: string): boolean {
  if (block.key === key) return true;
  const inputs = Object.values(block.fingerprint.deps).flatMap((hashes) => Object.values(hashes));
  // The key of such a block is that of its fingerprint as the lock has it, see `committedBlock`.
  return inputs.includes(varies) && block.key === keyOf(lockedFingerprint(fingerprint));
}

/** What pipeline.lock says of a block: the same after each run that differs only in what varies. */
export function committedBlock(block: LockBlock): LockBlock {
  if (!isVarying(block)) return block;
  const inputs = new Set(block.varyingInputs);
  const outs = Object.entries(block.outs);
  const withoutInputs = (hashes: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(hashes).map(([path, hash]) => [path, inputs.has(path) ? varies : hash]),
    );
  const { deps, code } = block.fingerprint;
  const fingerprint: Fingerprint = {
    ...block.fingerprint,
    code: withoutInputs(code),
    deps: Object.fromEntries(Object.entries(deps).map(([name, paths]) => [name, withoutInputs(paths)])),
  };
  return {
    stage: block.stage,
    key: inputs.size === 0 ? block.key : keyOf(fingerprint),
    fingerprint,
    outs: Object.fromEntries(outs.map(([name, out]) => [name, out.varies === true ? withUnknown(out) : out])),
  };
}

/** Whether pipeline.lock leaves something out of this block. */
export const isVarying = ({ varyingInputs = [], outs }: LockBlock): boolean =>
  varyingInputs.length > 0 || Object.values(outs).some((out) => out.varies === true);

/** The text of the lock of the workspace in `root`; empty if there is none. */
export function localLockText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // nothing was made here yet; whatever can't be read is found again from the run records
  }
}

/** Adds to the blocks of pipeline.lock what the workspace's own lock knows; it knows nothing of blocks from elsewhere. */
export function addLocal(blocks: Map<string, LockBlock>, local: Iterable<LockBlock>): void {
  for (const block of local) {
    const committed = blocks.get(block.stage);
    if (committed !== undefined && JSON.stringify(committedBlock(block)) === JSON.stringify(committed))
      blocks.set(block.stage, block);
  }
}

/** The block with what the record of its run tells of its varying outputs. */
export function withRecorded(
  block: LockBlock,
  recorded: (key: string) => { readonly outs: Readonly<Record<string, Content>> } | undefined,
): LockBlock {
  const outs = Object.entries(block.outs);
  if (outs.every(([, out]) => isKnown(out))) return block;
  const record = recorded(block.key);
  return withContents(block, (name) => record?.outs[name]);
}

/**
 * The block with the contents of its varying outputs, as far as they can be told: from the record of its run; if that is gone and
 * the engine does not remember that it made an output, then the workspace has it from elsewhere, beside outputs that tell the run.
 */
export function withFound(
  block: LockBlock,
  present: Readonly<Record<string, Content | null>>,
  { recorded, isMade }: { recorded: Parameters<typeof withRecorded>[1]; isMade: (path: string) => boolean },
): LockBlock {
  const told = withRecorded(block, recorded);
  if (!Object.values(told.outs).some(isKnown)) return told;
  return withContents(told, (name, path) => (isMade(path) ? undefined : present[name]));
}

function withContents(
  block: LockBlock,
  contentOf: (name: string, path: string) => (Content & { readonly wider?: boolean }) | null | undefined,
): LockBlock {
  const outs = Object.entries(block.outs).map(([name, out]): [string, LockedOut] => {
    const found = isKnown(out) ? undefined : contentOf(name, out.path);
    if (found == null || !isKnown(found)) return [name, out];
    const { wider: _, ...content } = found;
    return [name, { ...out, ...content }];
  });
  return outs.every(([name, out]) => block.outs[name] === out)
    ? block
    : { ...block, outs: Object.fromEntries(outs) };
}
