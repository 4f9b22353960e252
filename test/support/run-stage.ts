// Runs a stage's script as the engine does, with inputs that the test chooses.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Progress, StageInputs } from '../../engine/stage.ts';

/** The repository's root: where a stage's script starts. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface StageRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Each progress update, in order. */
  readonly progress: readonly Progress[];
}

/**
 * Runs `stages/….ts` in a process of its own, as the engine does: working directory the project's root, inputs in the
 * file that RODADA_STAGE names, an IPC channel for progress, the parents of the outs made and the outs themselves absent.
 *
 * @param script path of the script, relative to the project's root
 * @param inputs what the stage declares; absent fields are empty
 * @param env added to this process' environment; undefined takes a variable away
 */
export async function runStage(
  script: string,
  inputs: Partial<StageInputs>,
  env: Record<string, string | undefined> = {},
): Promise<StageRun> {
  const scratch = await mkdtemp(join(tmpdir(), 'rodada-stage-'));
  try {
    const file = join(scratch, 'stage.json');
    const complete: StageInputs = {
      name: script,
      params: {},
      matrix: {},
      labels: {},
      deps: {},
      lists: {},
      outs: {},
      env: {},
      partial: join(scratch, 'partial'),
      ...inputs,
    };
    await mkdir(complete.partial, { recursive: true });
    for (const out of Object.values(complete.outs)) await mkdir(dirname(out), { recursive: true });
    await writeFile(file, JSON.stringify(complete));
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: projectRoot,
      env: { ...process.env, ...env, RODADA_STAGE: file },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const progress: Progress[] = [];
    child.on('message', (message) => {
      const { type, ...update } = message as { type: string } & Progress;
      if (type === 'progress') progress.push(update);
    });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { exitCode, stdout, stderr, progress };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
