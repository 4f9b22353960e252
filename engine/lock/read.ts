// Reads the text of pipeline.lock, in the present form and in earlier ones.
import type { Lock, LockBlock } from '../lock-file.ts';
import { normalizePath } from '../plan/project-paths.ts';
import { withUnknown } from '../varying.ts';
import { type Found, hasConflicts, sidesOf, valuesOf } from './conflicts.ts';
import { EarlierParts, isEarlierPart } from './earlier-parts.ts';
import { Entries } from './entries.ts';
import { lockedFingerprint } from './locked-fingerprint.ts';
import { isProgram, type ProgramFields, partName, readProgram, type WrittenProgram } from './programs.ts';
import { entriesOf, isTable } from './tables.ts';
import {
  isWrittenBlock,
  type KnownOuts,
  knownOuts,
  readBlock,
  readOuts,
  type WrittenBlock,
} from './written-block.ts';

/** A block between conflict markers, or one that can't be read, is as good as absent. */
export function parseLock(text: string): Lock {
  const damaged = new Set<number>();
  const shared = new Shared();
  const found: Found[] = [];
  for (const each of valuesOf(text, (line) => damaged.add(line)))
    if (!shared.add(each.value) && !each.inConflict) found.push(each);
  const conflicted = hasConflicts(text);
  // What is shared is named by its hash, so whichever side has it, it is right.
  for (const side of conflicted ? sidesOf(text) : [])
    for (const { value } of valuesOf(side)) shared.add(value);
  const blocks = new Map<string, LockBlock>();
  for (const [start, block] of shared.blocks(found))
    if (block === undefined) damaged.add(start);
    else blocks.set(block.stage, block);
  const disputed = conflicted ? disputedBlocks(text, blocks) : [];
  return { blocks, damaged: [...damaged].sort((a, b) => a - b), disputed };
}

/** The blocks that only one side of a conflict has, or that the sides have in different versions. */
function disputedBlocks(text: string, agreed: ReadonlyMap<string, LockBlock>): LockBlock[] {
  return sidesOf(text).flatMap((side) =>
    [...parseLock(side).blocks.values()].filter(({ stage }) => !agreed.has(stage)),
  );
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What blocks share. */
class Shared {
  readonly #entries = new Entries();
  readonly #programs = new Map<string, WrittenProgram>();
  readonly #read = new Map<string, ProgramFields | undefined>();
  readonly #values = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #earlier = new EarlierParts();

  /** @returns whether the value is shared by blocks */
  add(value: unknown): boolean {
    if (!isObject(value)) return false;
    if (isTable(value)) for (const entry of entriesOf(value)) this.#entries.add(entry);
    else if (isProgram(value)) this.#programs.set(value.part, value);
    else if (isEarlierPart(value)) this.#earlier.add(value);
    else if (isValue(value)) this.#values.set(value.part, value.value);
    else return false;
    return true;
  }

  /** The blocks in `found`, each with the line where it begins; undefined if one can't be read. */
  *blocks(found: readonly Found[]): Generator<[start: number, block: LockBlock | undefined]> {
    const outs = found.map(({ value }) =>
      isObject(value) && isWrittenBlock(value) ? readOuts(value.outs) : undefined,
    );
    const known = knownOuts(outs.flatMap((each) => (each === undefined ? [] : [{ outs: each }])));
    for (const [i, { start, value }] of found.entries()) {
      const own = outs[i];
      const block =
        own === undefined ? this.#earlierBlock(value) : this.#block(value as WrittenBlock, own, known);
      yield [start, block];
    }
  }

  #block(written: WrittenBlock, outs: LockBlock['outs'], known: KnownOuts): LockBlock | undefined {
    const program = written.program === undefined ? noProgram : this.#program(written.program);
    const value = (part: string) => this.#values.get(part);
    return program && readBlock(written, outs, { program, value, known });
  }

  #program(name: string): ProgramFields | undefined {
    if (!this.#read.has(name)) {
      const written = this.#programs.get(name);
      this.#read.set(name, written && readProgram(written, this.#entries));
    }
    return this.#read.get(name);
  }

  #earlierBlock(value: unknown): LockBlock | undefined {
    const block = isEarlierBlock(value) ? this.#earlier.join(value) : undefined;
    return block && { ...withPresentOuts(block), fingerprint: lockedFingerprint(block.fingerprint) };
  }
}

const noProgram: ProgramFields = { code: {}, packages: {}, environment: {} };

/** A part with a mapping that is as its name says. */
function isValue(part: object): part is { part: string; value: Readonly<Record<string, unknown>> } {
  if (!('part' in part && 'value' in part && isObject(part.value))) return false;
  return partName(JSON.stringify(part.value)) === part.part;
}

/** Earlier versions wrote the whole fingerprint, and all fields of outputs. */
function isEarlierBlock(value: unknown): value is LockBlock {
  if (!isObject(value)) return false;
  const { stage, key, outs, fingerprint } = value as Partial<LockBlock>;
  return typeof stage === 'string' && typeof key === 'string' && isObject(outs) && isObject(fingerprint);
}

/** The block with a content for each output, also for those of which the file says only that they vary, and normalized paths. */
function withPresentOuts(block: LockBlock): LockBlock {
  const outs = Object.entries(block.outs).map(([name, out]) => {
    const whole = out.varies === true && out.hash === undefined ? withUnknown(out) : out;
    return [name, { ...whole, path: normalizePath(out.path) }];
  });
  return { ...block, outs: Object.fromEntries(outs) };
}
