// What a training keeps while it runs, so that one which is killed goes on after its last checkpoint.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import type { EpochTime } from './fit.ts';
import { EarlierTiming } from './timing.ts';

/** Names the checkpoint that counts. Written last, and in one step: whatever else lies beside it is of a write that was cut off. */
const State = z.strictObject({
  format: z.literal(1),
  checkpoint: z.string().regex(/^epoch-\d+\.h5$/),
  sha256: z.string(),
  times: z.array(z.strictObject({ seconds: z.number(), trainSeconds: z.number() })),
  earlier: EarlierTiming.nullable(),
});
const stateName = 'state.json';

/** How long the epochs before a checkpoint took. */
export interface KeptTimes {
  /** Of the epochs of this training, however many goes they took. */
  readonly times: readonly EpochTime[];
  /** Of the epochs of the shorter run that it went on from; null where there is none. */
  readonly earlier: EarlierTiming | null;
}

/** Where a training was cut off. */
export interface KeptTraining extends KeptTimes {
  readonly checkpoint: Checkpoint;
}

/**
 * What a training kept in `folder`; null where there is nothing.
 *
 * @param log is told what is damaged, and passed by
 */
export async function findKeptTraining(
  folder: string,
  log: (line: string) => void = console.log,
): Promise<KeptTraining | null> {
  const text = await readFile(join(folder, stateName), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { checkpoint: name, sha256, times, earlier } = State.parse(JSON.parse(text));
    const file = join(folder, name);
    if ((await hashOf(file)) !== sha256) throw new Error('it is not what was written');
    const checkpoint = await readCheckpoint(file);
    if (times.length + (earlier?.epochSeconds.length ?? 0) !== checkpoint.epochs.length)
      throw new Error('its times are not of its epochs');
    return { checkpoint, times, earlier };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    log(
      `The checkpoint that this training left when it was cut off is damaged (${reason}), so it starts from scratch.`,
    );
    return null;
  }
}

/** The share of the time that goes into checkpoints. `RODADA_CHECKPOINTS=all` writes one after each epoch, whatever it costs. */
const share = process.env.RODADA_CHECKPOINTS === 'all' ? Number.POSITIVE_INFINITY : 0.01;
/** What a checkpoint is taken to cost before the first is written, in milliseconds. */
const firstCost = 10;

/** Keeps the last checkpoint of a training, as often as it costs little. */
export class TrainingKeeper {
  readonly #folder: string;
  readonly #log: (line: string) => void;
  /** When the last one was written, or the training began. */
  #last = performance.now();
  #cost = firstCost;
  #given = false;

  /** @param log is told where no checkpoint can be written: that takes nothing from the training */
  constructor(folder: string, log: (line: string) => void = console.log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Whether so much time has passed since the last checkpoint that one more is a hundredth of it. */
  get isDue(): boolean {
    return !this.#given && performance.now() - this.#last >= this.#cost / share;
  }

  /**
   * Keeps a checkpoint in place of the last one. A kill, or a power cut, leaves one of the two.
   *
   * @param epochs done
   * @param write writes the checkpoint to a path
   */
  async keep(epochs: number, times: KeptTimes, write: (path: string) => Promise<void>): Promise<void> {
    const started = performance.now();
    const name = `epoch-${epochs}.h5`;
    try {
      const file = join(this.#folder, name);
      await write(file);
      await sync(file);
      const state: z.input<typeof State> = {
        format: 1,
        checkpoint: name,
        sha256: await hashOf(file),
        times: [...times.times],
        earlier: times.earlier,
      };
      const temporary = join(this.#folder, `${stateName}.tmp`);
      await writeFile(temporary, JSON.stringify(state));
      await sync(temporary);
      await rename(temporary, join(this.#folder, stateName));
      await sync(this.#folder);
      await this.#removeAllBut(name);
    } catch (error) {
      this.#given = true;
      await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
      this.#log(`No checkpoint could be kept for the case that this training is cut off: ${error}`);
    }
    this.#last = performance.now();
    this.#cost = this.#last - started;
  }

  async #removeAllBut(checkpoint: string): Promise<void> {
    for (const name of await readdir(this.#folder))
      if (name !== stateName && name !== checkpoint)
        await rm(join(this.#folder, name), { recursive: true, force: true });
  }
}

/** Forces a file, or the names in a folder, to disk. */
async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync().finally(() => file.close());
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
