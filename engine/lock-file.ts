// pipeline.lock: what the workspace holds and from which inputs; one sorted block per stage, so that it merges, then the parts
// that blocks share.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LockedFingerprint } from './lock/locked-fingerprint.ts';
import { parseLock } from './lock/read.ts';
import { LockTexts } from './lock/write.ts';
import { writeFileAtomic } from './store/files.ts';
import { stampAt } from './store/stamp.ts';
import type { Content } from './store/tree.ts';
import { addLocal, isVarying, localLockFile, localLockText } from './varying.ts';

export const lockFile = 'pipeline.lock';

/** What the lock says of one instance. */
export interface LockBlock {
  readonly stage: string;
  readonly key: string;
  readonly fingerprint: LockedFingerprint;
  /** Paths of inputs that vary: dependencies and code that are, hold or lie in varying outputs; absent if there are none. */
  readonly varyingInputs?: readonly string[];
  /** Name of each output → its path and content; `cache: false` if the store does not keep it, `varies` if each run makes another. */
  readonly outs: Readonly<
    Record<string, Content & { readonly path: string; readonly cache?: false; readonly varies?: true }>
  >;
}

export interface Lock {
  readonly blocks: Map<string, LockBlock>;
  /** Lines with which damaged blocks begin; their stages are as good as absent. */
  readonly damaged: readonly number[];
  /** Whole blocks of either side of a conflict: they still tell which outputs may be in the workspace. */
  readonly disputed: readonly LockBlock[];
}

/** Reads the lock, with what this workspace knows of varying outputs; an absent file is an empty lock. */
export function readLock(root: string): Lock {
  let text: string;
  try {
    text = readFileSync(join(root, lockFile), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw Object.assign(error as Error, { path: join(root, lockFile) });
    return { blocks: new Map(), damaged: [], disputed: [] };
  }
  const lock = parseLock(text);
  if ([...lock.blocks.values()].some(isVarying))
    addLocal(lock.blocks, parseLock(localLockText(join(root, localLockFile))).blocks.values());
  return lock;
}

/** Tells one version of the file from another. */
export const lockStamp = (root: string): string => stampAt(join(root, lockFile));

/** `pipeline.lock has damaged blocks at lines 4, 40, 91 and 3 more` */
export function damagedText(lines: readonly number[]): string {
  const shown = lines.slice(0, 3).join(', ');
  const more = lines.length > 3 ? ` and ${lines.length - 3} more` : '';
  return `${lockFile} has ${lines.length > 1 ? 'damaged blocks at lines' : 'a damaged block at line'} ${shown}${more}`;
}

/** Writes all blocks, first those of which pipeline.lock leaves something out. Parts that no block names are left out. */
export async function writeLock(
  root: string,
  blocks: Iterable<LockBlock>,
  texts = new LockTexts(),
): Promise<void> {
  const all = [...blocks];
  const local = texts.local(all);
  const localFile = join(root, localLockFile);
  if (local !== localLockText(localFile)) await writeFileAtomic(localFile, local, { durable: false });
  await writeFileAtomic(join(root, lockFile), texts.committed(all), { what: 'lock' });
}
