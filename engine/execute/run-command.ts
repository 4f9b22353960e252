// Runs a stage's command in a process group of its own, keeps what it prints, and passes on its progress.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Progress } from '../stage.ts';

export interface Command {
  readonly cmd: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** File that gets stdout and stderr. */
  readonly log: string;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the command's whole process group. */
  readonly signal: AbortSignal;
}

export interface Ended {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  readonly seconds: number;
  /** Last lines that it printed. */
  readonly tail: readonly string[];
}

const tailLines = 20;
const tailBytes = 1 << 16;

export async function runCommand({ cmd, cwd, env, log, onProgress, signal }: Command): Promise<Ended> {
  await mkdir(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  const started = performance.now();
  const path = [join(cwd, 'node_modules', '.bin'), dirname(process.execPath), process.env.PATH ?? ''].join(
    delimiter,
  );
  const child = spawn(cmd, {
    cwd,
    shell: true,
    detached: true, // a group of its own: Ctrl-C reaches it through us, after what is finished is safe
    env: { ...process.env, PATH: path, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let tail = Buffer.alloc(0);
  const keep = (piece: Buffer): void => {
    file.write(piece);
    tail = Buffer.concat([tail, piece]).subarray(-tailBytes);
  };
  child.stdout!.on('data', keep);
  child.stderr!.on('data', keep);
  child.on('message', (message: { type?: string } & Progress) => {
    const { type, ...progress } = message;
    if (type === 'progress') onProgress(progress);
  });
  const end = (): void => killGroup(child.pid, 'SIGTERM');
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const [exitCode, killedBy] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('error', (error) => {
      keep(Buffer.from(`${error.message}\n`));
      resolve([127, null]);
    });
    child.on('close', (code, killer) => resolve([code, killer]));
  });
  signal.removeEventListener('abort', end);
  file.end();
  await finished(file);
  return {
    exitCode,
    killedBy,
    seconds: (performance.now() - started) / 1000,
    tail: tail
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-tailLines),
  };
}

/** Signals a process and all that it started. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}
