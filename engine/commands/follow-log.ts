// Follows a stage's run: what it has printed so far, then each line as it comes, until the run ends.
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunLogs } from '../execute/run-log.ts';
import type { Failure } from '../failure.ts';
import { endOf, findRuns, type ShownRun } from '../inspect/runs.ts';
import { lockViewer } from './looking.ts';
import type { Session } from './session.ts';
import { ShownOutput } from './shown-output.ts';

/** Between two looks. */
const interval = 100; // milliseconds

/** A run that goes on, or nothing. */
export type Followed = { readonly run: ShownRun } | { readonly none: true } | { readonly failure: Failure };

/**
 * Waits for a run of the stage to start, as long as a repro goes on in this project that may start it.
 * @param known names of the stages in pipeline.yaml
 */
export async function runToFollow(
  { root, emit }: Session,
  logs: RunLogs,
  stage: string,
  known: readonly string[],
): Promise<Followed> {
  const lock = lockViewer(root);
  let waited = false;
  let earlier: Set<string> | undefined;
  for (;;) {
    // First, so that a run that starts and ends meanwhile is found below.
    const isRunning = (await lock.running()) !== undefined;
    const found = findRuns(root, logs, stage, known);
    const exists = known.some((name) => name === stage || name.startsWith(`${stage}:`));
    if (!found.ok && !exists) return { failure: found.failures[0]! };
    const last = found.ok ? [...found.value.values()].map(([newest]) => newest!) : [];
    earlier ??= new Set(last.filter(({ outcome }) => outcome !== 'running').map(({ started }) => started));
    const running = last.filter(({ started }) => !earlier!.has(started));
    if (running.length > 1) {
      const message = `${running.length} instances of \`${stage}\` are running; \`--follow\` needs one.`;
      return { failure: { reason: 'usage', message, hint: `For example \`${running[0]!.stage}\`.` } };
    }
    if (running.length === 1) return { run: running[0]! };
    if (!isRunning) return { none: true };
    if (!waited) emit({ type: 'note', message: `Waiting for ${stage} to start.` });
    waited = true;
    await delay(interval);
  }
}

/** Shows a run while it goes on, and then how it ended. @returns 0 if it succeeded */
export async function followRun(
  { root, emit }: Session,
  logs: RunLogs,
  run: ShownRun,
  raw: boolean,
): Promise<number> {
  if (!raw) emit({ type: 'run', ...run });
  const path = join(root, run.log);
  const output = new ShownOutput(emit, raw);
  let file: FileHandle | undefined;
  const buffer = Buffer.alloc(1 << 16);
  try {
    for (;;) {
      const now = endOf(logs, run); // before the rest is read, so that nothing is missed
      file ??= await open(path).catch(() => undefined);
      for (let read = -1; file !== undefined && read !== 0; ) {
        read = (await file.read(buffer)).bytesRead;
        await output.write(Buffer.from(buffer.subarray(0, read)));
      }
      if (now.outcome === 'running') {
        await delay(interval);
        continue;
      }
      output.end();
      if (!raw) emit({ type: 'run', ...run, ...now });
      return now.outcome === 'executed' ? 0 : 1;
    }
  } finally {
    await file?.close();
  }
}
