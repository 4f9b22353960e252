// The stage-side contract: what a stage's script gets from the engine. The one part of the engine that stages may import.
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { refusalText } from './stage-refusal.ts';

// What a stage leaves outside of the project, such as a download, needs to know whether its maker is alive.
export { livenessOf, parseProcessName, processName, thisProcess } from './execute/process-identity.ts';

// The other programs of the study end with their reader, as the engine does.
export { endWithReader } from './reader.ts';

/** How far a stage is. The engine draws it with a rate and an ETA. */
export interface Progress {
  /** Units done so far. */
  done: number;
  /** Units in all, where known. */
  total?: number;
  /** What is counted, in the plural: `pictures`, `epochs`, `bytes`. */
  unit?: string;
  /** A short text beside the count: `loss 0.41, accuracy 0.83`. */
  message?: string;
}

/** Exactly the inputs that the stage declares in pipeline.yaml, and where its outputs go. */
export interface StageContext<Params> {
  /** The instance's name, `train:cnn1:batch64-epochs20`. */
  readonly name: string;
  /** The named parameters, nested as in params.yaml, parsed by the stage's schema. */
  readonly params: Params;
  /** The value of each matrix axis: a scalar, or the entry's fields. */
  readonly matrix: Readonly<Record<string, unknown>>;
  /** The label of each matrix axis, as in the instance's name: `{ model: 'cnn1', run: 'batch64-epochs20' }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Path of each declared dependency, by name. Read-only by agreement. An optional dependency that is absent has no entry. */
  readonly deps: Readonly<Record<string, string>>;
  /** Paths of each dependency that stands for several: the out of all instances of a stage, or a glob. In code-unit order. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Path to create for each declared output, by name: inside a scratch directory, its parent exists, itself does not. */
  readonly outs: Readonly<Record<string, string>>;
  /** The environment facts and variables that the stage names, such as `backend`. A variable that is not set has no entry. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * A folder for state that lets a run which is cut off go on: it is there again, with what is in it, when the very same run
   * (command, code, parameters, dependencies, environment) starts again, and goes when that succeeds. The result must be the
   * same with and without. Write so that a kill in the middle leaves the older state, and don't trust what you read.
   */
  readonly partial: string;
  /**
   * Where the run may go on from: path of what a run that differs only in a smaller number left, that number, and by name
   * the paths of all its outs that the stage asked for. Absent where it starts from scratch; the result must be the same.
   */
  readonly resume?: {
    readonly from: string;
    readonly by: number;
    readonly outs: Readonly<Record<string, string>>;
  };
  /** Reports progress; cheap enough to call for each batch (the engine is told at most ten times a second). */
  progress(update: Progress): void;
  /** Shows the user a warning, while the stage runs and after it succeeds. The log keeps it. Commands in any language warn by a line `::warning::MESSAGE`. */
  warn(message: string): void;
}

/** What the engine writes into the file named by `RODADA_STAGE`. */
export type StageInputs = Omit<StageContext<unknown>, 'progress' | 'warn'>;

const progressInterval = 100; // milliseconds

/**
 * Runs a stage's body with its declared inputs. A script calls it once, at its top level.
 *
 * An error ends the process with exit code 1 and its message on stderr, which the engine keeps in the stage's log.
 *
 * @param schema of the stage's parameters, nested as in params.yaml; unknown or ill-typed values are an error
 * @param body does the stage's work and creates every declared out
 */
export async function stage<Params>(
  schema: z.ZodType<Params>,
  body: (context: StageContext<Params>) => Promise<void>,
): Promise<void> {
  const file = process.env.RODADA_STAGE;
  if (file === undefined) {
    console.error(`This script is a stage; run it with \`npm run repro -- STAGE\`.`);
    process.exitCode = 2;
    return;
  }
  const inputs = JSON.parse(readFileSync(file, 'utf8')) as StageInputs;
  try {
    const params = schema.parse(inputs.params);
    await body({ ...inputs, params, progress: throttled(sendProgress), warn });
  } catch (error) {
    console.error(error instanceof UserError ? error.message : (refusalText(error, inputs.outs) ?? error));
    process.exitCode = 1;
  } finally {
    if (process.connected) process.disconnect();
    endSoon();
  }
}

/** How long a process may go on after its stage is done, in milliseconds. */
const lastMoment = 5_000;

/**
 * Ends the process if something that the body left open, such as a server or a connection, keeps it from ending. Files that are
 * still being written get their time.
 */
function endSoon(): void {
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].filter((kind) => kind !== 'Timeout');
    if (open.some((kind) => kind.startsWith('FS'))) return endSoon();
    warn(
      `Its work is done, but something keeps its process from ending (${open.join(', ') || 'a timer'}); it was ended.`,
    );
    process.exit();
  }, lastMoment).unref();
}

/** An expected failure of a stage: its message is for the user, and no stack trace is shown. */
export class UserError extends Error {}

function sendProgress(update: Progress): void {
  if (process.connected) process.send?.({ type: 'progress', ...update }, () => undefined); // the engine may be gone
}

function warn(message: string): void {
  // Line breaks are encoded, so that it stays one line.
  const encoded = message.replaceAll('%', '%25').replaceAll('\r', '').replaceAll('\n', '%0A');
  console.error(`::warning::${encoded}`);
}

/** Passes on the first, the last (`done` equal to `total`) and otherwise at most one update in each interval. */
function throttled(send: (update: Progress) => void): (update: Progress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (update) => {
    const now = performance.now();
    if (now - last < progressInterval && update.done !== update.total) return;
    last = now;
    send(update);
  };
}
