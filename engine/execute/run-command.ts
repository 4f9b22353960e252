// Runs a stage's commands, each in a process group of its own, keeps what they print, and passes on their progress.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { findProgram, searchPath } from '../config/shell.ts';
import type { Progress } from '../stage.ts';
import { watchMemory } from './memory-peak.ts';

export interface Commands {
  /** Run in this order until one fails. With several, each is announced in the log as it was written. */
  readonly commands: readonly { readonly cmd: string; readonly shown: string }[];
  /** The shell that runs them and its options, separated by a space. */
  readonly shell: string;
  /** The project, whose packages' commands are on the PATH. */
  readonly root: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** File that gets stdout and stderr. */
  readonly log: string;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the whole process group of the command at work, and starts no other. */
  readonly signal: AbortSignal;
}

export interface Ended {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  readonly seconds: number;
  /** Most bytes of resident memory that were seen; null where the system does not tell. */
  readonly peakMemory: number | null;
  /** Last lines that it printed. */
  readonly tail: readonly string[];
}

const tailLines = 20;
const tailBytes = 1 << 16;

/** How long a command that was asked to end may take to clear up before it is made to. */
const grace = 5_000; // milliseconds

export async function runCommands({ commands, log, ...surroundings }: Commands): Promise<Ended> {
  await mkdir(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  file.on('error', () => undefined); // a log that can't be kept, on a full disk, costs no work
  const started = performance.now();
  let tail = Buffer.alloc(0);
  const keep = (piece: Buffer): void => {
    file.write(piece);
    tail = Buffer.concat([tail, piece]).subarray(-tailBytes);
  };
  let exit: Exit = { exitCode: 0, killedBy: null };
  let peakMemory: number | null = null;
  for (const [i, { cmd, shown }] of commands.entries()) {
    if (commands.length > 1) keep(Buffer.from(`[${i + 1}/${commands.length}] ${shown.trimEnd()}\n`));
    const { memory, ...ended } = await runOne(cmd, keep, surroundings);
    exit = ended;
    peakMemory = Math.max(memory ?? 0, peakMemory ?? 0) || null;
    if (exit.exitCode !== 0 || surroundings.signal.aborted) break;
  }
  file.end();
  await finished(file).catch(() => undefined);
  return {
    ...exit,
    seconds: (performance.now() - started) / 1000,
    peakMemory,
    tail: tail
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-tailLines),
  };
}

type Exit = Pick<Ended, 'exitCode' | 'killedBy'>;

async function runOne(
  cmd: string,
  keep: (piece: Buffer) => void,
  { shell, root, cwd, env, onProgress, signal }: Omit<Commands, 'commands' | 'log'>,
): Promise<Exit & { memory: number | null }> {
  const PATH = searchPath(root);
  const [program = '', ...options] = shell.split(' ');
  const child = spawn(findProgram(program, PATH, root) ?? program, [...options, '-c', cmd], {
    cwd,
    detached: true, // a group of its own: Ctrl-C reaches it through us, after what is finished is safe
    env: { ...process.env, PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.pid !== undefined) groups.add(child.pid);
  const watch = watchMemory(child.pid);
  child.stdout!.on('data', keep);
  child.stderr!.on('data', keep);
  child.on('message', (message: { type?: string } & Progress) => {
    const { type, ...progress } = message;
    if (type === 'progress') onProgress(progress);
  });
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    killGroup(child.pid, 'SIGTERM');
    timer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), grace);
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const exit = await new Promise<Exit>((resolve) => {
    child.on('error', (error) => {
      keep(Buffer.from(`${error.message}\n`));
      resolve({ exitCode: 127, killedBy: null });
    });
    child.on('close', (exitCode, killedBy) => resolve({ exitCode, killedBy }));
  });
  signal.removeEventListener('abort', end);
  clearTimeout(timer);
  groups.delete(child.pid!);
  // The command has ended; what it left in its group must not go on without it.
  if (signal.aborted) killGroup(child.pid, 'SIGKILL');
  return { ...exit, memory: watch.stop() };
}

/** Commands at work, each the leader of a process group. */
const groups = new Set<number>();

/** Ends all commands at work, and what they started, at once. */
export function endAllGroups(): void {
  for (const pid of groups) killGroup(pid, 'SIGKILL');
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
