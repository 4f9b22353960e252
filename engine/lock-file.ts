// pipeline.lock: what the workspace holds and from which inputs; one sorted block per stage, so that it merges.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fingerprint } from './fingerprint/fingerprint.ts';
import { byCodeUnit } from './order.ts';
import { normalizePath } from './plan/project-paths.ts';
import { writeFileAtomic } from './store/files.ts';
import { stampAt } from './store/stamp.ts';
import type { Content } from './store/tree.ts';
import {
  addLocal,
  committedBlock,
  isKnown,
  isVarying,
  localLockFile,
  localLockText,
  withUnknown,
} from './varying.ts';

export const lockFile = 'pipeline.lock';

/** What the lock says of one instance. */
export interface LockBlock {
  readonly stage: string;
  readonly key: string;
  readonly fingerprint: Fingerprint;
  /** Paths of inputs that vary: dependencies and code that are, hold or lie in varying outputs; absent if there are none. */
  readonly varyingInputs?: readonly string[];
  /** Name of each output → its path and content; `cache: false` if the store does not keep it, `varies` if each run makes another. */
  readonly outs: Readonly<
    Record<string, Content & { readonly path: string; readonly cache?: false; readonly varies?: true }>
  >;
}

const header = `# Written by rodada: what the workspace holds, and from which inputs. Commit it; don't edit it.
# Each block is JSON. After a merge with conflicts, \`npm run repro\` rebuilds the blocks concerned.
`;

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

/** A block between conflict markers, or one that can't be read, is as good as absent. */
export function parseLock(text: string): Lock {
  const blocks = new Map<string, LockBlock>();
  const damaged = new Set<number>();
  let inConflict = false;
  let start = 0; // line of the block that is open; 0 between blocks
  let lines: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('<<<<<<<')) {
      inConflict = true;
      damaged.add(start || i + 1);
    }
    if (line === '{') {
      lines = [];
      start = i + 1;
    }
    lines.push(line);
    if (line === '}' && !inConflict) {
      const block = parseBlock(lines.join('\n'));
      if (block === undefined) damaged.add(start);
      else blocks.set(block.stage, block);
      start = 0;
    }
    if (line.startsWith('>>>>>>>')) inConflict = false;
  }
  const disputed = damaged.size === 0 || !/^<<<<<<</m.test(text) ? [] : disputedBlocks(text, blocks);
  return { blocks, damaged: [...damaged].sort((a, b) => a - b), disputed };
}

/** The blocks that only one side of a conflict has, or that the sides have in different versions. */
function disputedBlocks(text: string, agreed: ReadonlyMap<string, LockBlock>): LockBlock[] {
  return (['ours', 'theirs'] as const).flatMap((side) => {
    const lines: string[] = [];
    let within: 'both' | 'ours' | 'base' | 'theirs' = 'both';
    for (const line of text.split('\n')) {
      if (line.startsWith('<<<<<<<')) within = 'ours';
      else if (line.startsWith('|||||||')) within = 'base';
      else if (line.startsWith('=======')) within = 'theirs';
      else if (line.startsWith('>>>>>>>')) within = 'both';
      else if (within === 'both' || within === side) lines.push(line);
    }
    return [...parseLock(lines.join('\n')).blocks.values()].filter(({ stage }) => !agreed.has(stage));
  });
}

/** `pipeline.lock has damaged blocks at lines 4, 40, 91 and 3 more` */
export function damagedText(lines: readonly number[]): string {
  const shown = lines.slice(0, 3).join(', ');
  const more = lines.length > 3 ? ` and ${lines.length - 3} more` : '';
  return `${lockFile} has ${lines.length > 1 ? 'damaged blocks at lines' : 'a damaged block at line'} ${shown}${more}`;
}

function parseBlock(text: string): LockBlock | undefined {
  try {
    const block = JSON.parse(text) as LockBlock;
    const whole =
      typeof block.stage === 'string' && typeof block.key === 'string' && typeof block.outs === 'object';
    return whole && typeof block.fingerprint === 'object'
      ? withNormalPaths(withAllContents(block))
      : undefined;
  } catch {
    return undefined;
  }
}

/** The block with a content for each output, also for those of which the file says only that they vary. */
function withAllContents(block: LockBlock): LockBlock {
  const outs = Object.entries(block.outs);
  if (!outs.some(([, { varies, hash }]) => varies === true && hash === undefined)) return block;
  const whole = outs.map(([name, out]) => [name, out.hash === undefined ? withUnknown(out) : out]);
  return { ...block, outs: Object.fromEntries(whole) as LockBlock['outs'] };
}

/** The block with its outs where they lie, however an older version wrote their paths. */
function withNormalPaths(block: LockBlock): LockBlock {
  if (Object.values(block.outs).every(({ path }) => normalizePath(path) === path)) return block;
  const outs = Object.entries(block.outs).map(([name, out]) => [
    name,
    { ...out, path: normalizePath(out.path) },
  ]);
  return { ...block, outs: Object.fromEntries(outs) as LockBlock['outs'] };
}

/** Texts of blocks, each made once: a lock of thousands of stages is written many times in a run. */
export class LockTexts {
  readonly #texts = new WeakMap<LockBlock, string>();

  of(block: LockBlock): string {
    let text = this.#texts.get(block);
    if (text === undefined) {
      text = textOf(committedBlock(block));
      this.#texts.set(block, text);
    }
    return text;
  }
}

/** A block as a file has it: of an output whose content is not known, it says only that it varies. */
function textOf(block: LockBlock): string {
  const outs = Object.entries(block.outs).map(([name, out]) => {
    const { path, cache, varies } = out;
    return [name, isKnown(out) ? out : { path, cache, varies }];
  });
  return `\n${JSON.stringify({ ...block, outs: Object.fromEntries(outs) }, null, 2)}\n`;
}

/** Writes all blocks in code-unit order of their stages, first those of which pipeline.lock leaves something out. */
export async function writeLock(
  root: string,
  blocks: Iterable<LockBlock>,
  texts = new LockTexts(),
): Promise<void> {
  const sorted = [...blocks].sort((a, b) => byCodeUnit(a.stage, b.stage));
  const local = sorted.filter(isVarying).map(textOf).join('');
  const localFile = join(root, localLockFile);
  if (local !== localLockText(localFile)) await writeFileAtomic(localFile, local, { durable: false });
  const text = sorted.map((block) => texts.of(block)).join('');
  await writeFileAtomic(join(root, lockFile), header + text, { what: 'lock' });
}
