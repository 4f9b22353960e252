// Writes the text of pipeline.lock: a block for each stage, then what blocks share.
import type { LockBlock } from '../lock-file.ts';
import { byCodeUnit } from '../order.ts';
import { committedBlock, isVarying } from '../varying.ts';
import { blockText } from './block-text.ts';
import { Entries } from './entries.ts';
import { type Program, Programs, partName, writtenProgram } from './programs.ts';
import { tableTexts } from './tables.ts';
import { type KnownOuts, knownOuts, type Share, writtenBlock } from './written-block.ts';

const header = `# Written by rodada: what the workspace holds, and from which inputs. Commit it; don't edit it.
# Each block is JSON. After a merge with conflicts, the next repro rebuilds the blocks concerned.
`;

/** Also keeps a block that one branch adds apart from a line that another adds below. */
const tablesHeader = `# What the programs are made of: files of code by folder, each with its hash, and packages. A program names each by the first
# characters of its hash: how many they are stands before the colon.`;

/** A mapping whose text is longer than this gets a part of its own, which blocks share. */
const longestOwn = 60; // characters

/** The text of a block, and what it names. */
interface BlockText {
  readonly text: string;
  readonly program: Program | undefined;
  /** Name of a part → its text. */
  readonly parts: ReadonlyMap<string, string>;
  /** Which dependencies had the content that the lock knows, a digit for each. */
  readonly knows: string;
}

/** Texts of blocks, each made once: a lock of thousands of stages is written many times in a run. */
class BlockTexts {
  readonly #programs = new Programs();
  readonly #texts = new WeakMap<LockBlock, BlockText>();

  /**
   * The text of all blocks, in code-unit order of their stages, and of what they share.
   * @param known contents that the blocks need not tell of their dependencies
   */
  of(blocks: readonly LockBlock[], known: KnownOuts): string {
    const texts = [...blocks]
      .sort((a, b) => byCodeUnit(a.stage, b.stage))
      .map((block) => this.#of(block, known));
    const entries = new Entries();
    for (const program of new Set(texts.flatMap(({ program }) => program ?? [])))
      for (const entry of [...program.code, ...program.packages]) entries.add(entry);
    const written = new Set<string>();
    const isFirst = (name: string): boolean => !written.has(name) && Boolean(written.add(name));
    // What blocks share follows the first of them: branches that add different stages then change different places.
    const values = texts.flatMap(({ text, program, parts }) => [
      text,
      ...(program !== undefined && isFirst(program.name)
        ? [blockText(writtenProgram(program, entries))]
        : []),
      ...[...parts].filter(([name]) => isFirst(name)).map(([, part]) => part),
    ]);
    const tables = tableTexts(entries.all());
    if (tables.length > 0) values.push(tablesHeader, ...tables);
    return values.map((text) => `\n${text}\n`).join('');
  }

  #of(block: LockBlock, known: KnownOuts): BlockText {
    const knows = knownDeps(block, known);
    const before = this.#texts.get(block);
    if (before?.knows === knows) return before;
    const parts = new Map<string, string>();
    const share: Share = (mapping) => {
      const json = JSON.stringify(mapping);
      if (json.length <= longestOwn) return mapping;
      const part = partName(json);
      parts.set(part, blockText({ part, value: mapping }));
      return part;
    };
    const program = this.#programs.of(block.fingerprint);
    const text = blockText(writtenBlock(block, { program: program?.name, share, known }));
    const made = { text, program, parts, knows };
    this.#texts.set(block, made);
    return made;
  }
}

function knownDeps({ fingerprint }: LockBlock, known: KnownOuts): string {
  let knows = '';
  for (const hashes of Object.values(fingerprint.deps))
    for (const [path, hash] of Object.entries(hashes)) knows += known.get(path) === hash ? '1' : '0';
  return knows;
}

const nothing: KnownOuts = new Map();

/** Texts of both files that the blocks are written to. */
export class LockTexts {
  readonly #committed = new BlockTexts();
  readonly #local = new BlockTexts();
  readonly #committedBlocks = new WeakMap<LockBlock, LockBlock>();

  /** The text of pipeline.lock. */
  committed(blocks: Iterable<LockBlock>): string {
    const committed = [...blocks].map((block) => this.#committedOf(block));
    return header + this.#committed.of(committed, knownOuts(committed));
  }

  #committedOf(block: LockBlock): LockBlock {
    let committed = this.#committedBlocks.get(block);
    if (committed === undefined) {
      committed = committedBlock(block);
      this.#committedBlocks.set(block, committed);
    }
    return committed;
  }

  /** The text of this workspace's own lock: the blocks of which pipeline.lock leaves something out. */
  local(blocks: Iterable<LockBlock>): string {
    return this.#local.of([...blocks].filter(isVarying), nothing);
  }
}
