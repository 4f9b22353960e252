// pipeline.lock: what the workspace holds and from which inputs; one sorted block per stage, so that it merges, then the parts
// that blocks share.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockText } from './block-text.ts';
import type { Fingerprint } from './fingerprint/fingerprint.ts';
import { type Part, Parts, split, type WrittenBlock } from './lock-parts.ts';
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
# Each block is JSON. After a merge with conflicts, the next repro rebuilds the blocks concerned.
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
  const damaged = new Set<number>();
  const parts = new Parts();
  const found: { readonly start: number; readonly value: unknown }[] = [];
  for (const { start, value, inConflict } of valuesOf(text, (line) => damaged.add(line)))
    if (isPart(value)) parts.add(value);
    else if (!inConflict) found.push({ start, value });
  const conflicted = /^<<<<<<</m.test(text);
  // A part is named by its hash, so whichever side has it, it is right.
  for (const side of conflicted ? sidesOf(text) : [])
    for (const { value } of valuesOf(side)) if (isPart(value)) parts.add(value);
  const blocks = new Map<string, LockBlock>();
  for (const { start, value } of found) {
    const written = blockOf(value);
    const block = written && parts.join(written);
    if (block === undefined) damaged.add(start);
    else blocks.set(block.stage, block);
  }
  const disputed = conflicted ? disputedBlocks(text, blocks) : [];
  return { blocks, damaged: [...damaged].sort((a, b) => a - b), disputed };
}

/** What the file has between lines with a single brace. A value that can't be read is undefined. */
function* valuesOf(
  text: string,
  onConflict: (line: number) => void = () => undefined,
): Generator<{ readonly start: number; readonly value: unknown; readonly inConflict: boolean }> {
  let inConflict = false;
  let start = 0; // line of the block that is open; 0 between blocks
  let lines: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('<<<<<<<')) {
      inConflict = true;
      onConflict(start || i + 1);
    }
    if (line === '{') {
      lines = [];
      start = i + 1;
    }
    lines.push(line);
    if (line === '}') {
      yield { start, value: parsed(lines.join('\n')), inConflict };
      if (!inConflict) start = 0;
    }
    if (line.startsWith('>>>>>>>')) inConflict = false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && 'part' in value && typeof value.part === 'string';

/** The blocks that only one side of a conflict has, or that the sides have in different versions. */
function disputedBlocks(text: string, agreed: ReadonlyMap<string, LockBlock>): LockBlock[] {
  return sidesOf(text).flatMap((side) =>
    [...parseLock(side).blocks.values()].filter(({ stage }) => !agreed.has(stage)),
  );
}

/** The text as each side of its conflicts has it. */
function sidesOf(text: string): string[] {
  return (['ours', 'theirs'] as const).map((side) => {
    const lines: string[] = [];
    let within: 'both' | 'ours' | 'base' | 'theirs' = 'both';
    for (const line of text.split('\n')) {
      if (line.startsWith('<<<<<<<')) within = 'ours';
      else if (line.startsWith('|||||||')) within = 'base';
      else if (line.startsWith('=======')) within = 'theirs';
      else if (line.startsWith('>>>>>>>')) within = 'both';
      else if (within === 'both' || within === side) lines.push(line);
    }
    return lines.join('\n');
  });
}

/** `pipeline.lock has damaged blocks at lines 4, 40, 91 and 3 more` */
export function damagedText(lines: readonly number[]): string {
  const shown = lines.slice(0, 3).join(', ');
  const more = lines.length > 3 ? ` and ${lines.length - 3} more` : '';
  return `${lockFile} has ${lines.length > 1 ? 'damaged blocks at lines' : 'a damaged block at line'} ${shown}${more}`;
}

function blockOf(value: unknown): LockBlock | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const block = value as LockBlock;
  const whole =
    typeof block.stage === 'string' &&
    typeof block.key === 'string' &&
    [block.outs, block.fingerprint].every((field) => typeof field === 'object' && field !== null);
  return whole ? withNormalPaths(withAllContents(block)) : undefined;
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

/** A block's text and the parts that it names. */
interface BlockText {
  readonly text: string;
  readonly parts: readonly Part[];
}

/** Texts of blocks, each made once: a lock of thousands of stages is written many times in a run. */
class BlockTexts {
  readonly #written: (block: LockBlock) => WrittenBlock;
  readonly #texts = new WeakMap<LockBlock, BlockText>();
  readonly #parts = new Map<string, string>();

  constructor(written: (block: LockBlock) => WrittenBlock) {
    this.#written = written;
  }

  /** The text of all blocks, in code-unit order of their stages, and of what they share. */
  of(blocks: Iterable<LockBlock>): string {
    const sorted = [...blocks].sort((a, b) => byCodeUnit(a.stage, b.stage)).map((block) => this.#of(block));
    const parts = new Map(sorted.flatMap((block) => block.parts.map((part) => [part.part, part])));
    const names = [...parts.keys()].sort(byCodeUnit);
    return [...sorted.map(({ text }) => text), ...names.map((name) => this.#partText(parts.get(name)!))].join(
      '',
    );
  }

  #of(block: LockBlock): BlockText {
    let text = this.#texts.get(block);
    if (text === undefined) {
      const { written, parts } = split(this.#written(block));
      text = { text: `\n${blockText(written)}\n`, parts };
      this.#texts.set(block, text);
    }
    return text;
  }

  #partText(part: Part): string {
    let text = this.#parts.get(part.part);
    if (text === undefined) {
      text = `\n${JSON.stringify(part, null, 2)}\n`;
      this.#parts.set(part.part, text);
    }
    return text;
  }
}

/** A block as a file has it: of an output whose content is not known, it says only that it varies. */
function withoutUnknown(block: LockBlock): WrittenBlock {
  const outs = Object.entries(block.outs).map(([name, out]) => {
    const { path, cache, varies } = out;
    return [name, isKnown(out) ? out : { path, cache, varies }];
  });
  return { ...block, outs: Object.fromEntries(outs) };
}

/** Texts of both files that the blocks are written to. */
export class LockTexts {
  readonly #committed = new BlockTexts((block) => withoutUnknown(committedBlock(block)));
  readonly #local = new BlockTexts(withoutUnknown);

  /** The text of pipeline.lock. */
  committed(blocks: Iterable<LockBlock>): string {
    return header + this.#committed.of(blocks);
  }

  /** The text of this workspace's own lock: the blocks of which pipeline.lock leaves something out. */
  local(blocks: Iterable<LockBlock>): string {
    return this.#local.of([...blocks].filter(isVarying));
  }
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
