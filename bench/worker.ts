// A process that measures on request: it is warm after its first answer, and rests while the peer is measured.
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';

/** A measuring process. Each line that it is sent is one measurement; it answers each with one line of JSON. */
export interface Worker {
  /** @returns the figure of the next measurement */
  measure(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts a worker and waits until it has warmed up, which it says with a first line.
 * @throws UserError with the last line of its stderr where it ends before its answer
 */
export async function startWorker(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Worker> {
  const child = execa(command, args, { env, reject: false, buffer: { stdout: false } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<{ value: number }> => {
    const { value, done } = await lines.next();
    if (done !== true) return JSON.parse(value as string) as { value: number };
    const { stderr } = await child;
    throw new UserError(`${command} ${args[0]} ended without an answer: ${stderr.trim().split('\n').at(-1)}`);
  };
  await answer();
  return {
    async measure() {
      child.stdin.write('measure\n');
      return (await answer()).value;
    },
    async stop() {
      child.stdin.end();
      await child;
    },
  };
}

/**
 * The worker's side: warms up, then measures for each line of stdin until it ends.
 * @param measure gives a figure; its first call is the warm-up
 */
export async function serveMeasurements(measure: () => Promise<number>): Promise<void> {
  const answer = async (): Promise<void> => {
    process.stdout.write(`${JSON.stringify({ value: await measure() })}\n`);
  };
  await answer();
  for await (const _ of createInterface({ input: process.stdin })) await answer();
}
