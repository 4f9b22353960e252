// Runs a stage's commands, keeps what they print, passes on their progress, and ends with them all that they started.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, searchPath } from '../config/shell.ts';
import type { Progress } from '../stage.ts';
import { CommandOutput, type OutputReaders } from './command-output.ts';
import { watchMemory } from './memory-peak.ts';
import { memoryKills, type OutOfMemory, outOfMemory } from './out-of-memory.ts';
import { RunProcesses } from './processes.ts';
import { readProgress } from './progress-message.ts';

export interface Commands extends OutputReaders {
  /** Run in this order until one fails. With several, each is announced in the log as it was written. */
  readonly commands: readonly Command[];
  /** The shell that runs them and its options, separated by a space. */
  readonly shell: string;
  /** What stands before each command, to trace it; undefined if nothing does. */
  readonly prefix?: (() => readonly string[]) | undefined;
  /** The project, whose packages' commands are on the PATH. */
  readonly root: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>> & { readonly RODADA_STAGE: string };
  /** File that gets stdout and stderr. */
  readonly log: string;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the command that runs with all that it started, and starts no other. */
  readonly signal: AbortSignal;
}

/** A command: what the shell runs after `-c`, or the file that holds it. */
export type Command = ({ readonly cmd: string } | { readonly script: string }) & {
  /** As it was written. */
  readonly shown: string;
};

export interface Ended extends Exit {
  readonly seconds: number;
  /** Peak memory, in bytes, as far as it was seen; null if the system does not tell. */
  readonly peakMemory: number | null;
  /** Absent if memory did not run out. */
  readonly outOfMemory?: OutOfMemory | undefined;
  /** Last lines that it printed. */
  readonly tail: readonly string[];
}

interface Exit {
  /** null if a signal ended it, or if it was not started. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  /** Why the system did not start it. */
  readonly unstarted?: string;
}

/** How long processes that got SIGTERM may take to clear up before they get SIGKILL. */
const grace = 5_000; // milliseconds

/** How long background processes may go on after their command has ended: what it wrote to may have to finish a file. */
const backgroundGrace = 1_000; // milliseconds

/** How long what a command printed may take to arrive after it has ended, if a process holds the pipe open. */
const drain = 200; // milliseconds

export async function runCommands(options: Commands): Promise<Ended> {
  const { commands, log, signal } = options;
  const output = new CommandOutput(log, options);
  const processes = new RunProcesses(`RODADA_STAGE=${options.env.RODADA_STAGE}\0`);
  const children: ChildProcess[] = [];
  const started = performance.now();
  let exit: Exit = { exitCode: 0, killedBy: null };
  let peakMemory: number | null = null;
  const kills = memoryKills();
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    processes.signal('SIGTERM');
    killing ??= setTimeout(() => processes.signal('SIGKILL'), grace);
  };
  signal.addEventListener('abort', end);
  try {
    for (const [i, command] of commands.entries()) {
      if (signal.aborted) break;
      if (commands.length > 1) output.note(`[${i + 1}/${commands.length}] ${command.shown.trimEnd()}`);
      const { memory, ...ended } = await runOne(command, { options, output, processes, children });
      exit = ended;
      peakMemory = Math.max(memory ?? 0, peakMemory ?? 0) || null;
      if (exit.exitCode !== 0) break;
    }
    const seconds = (performance.now() - started) / 1000;
    const failed = exit.exitCode !== 0 && exit.unstarted === undefined && !signal.aborted;
    const memory = failed ? outOfMemory(kills, wasKilled(exit), peakMemory) : undefined;
    await endBackground(processes, exit.exitCode === 0, output, signal);
    await Promise.all(children.map(letGo));
    return { ...exit, seconds, peakMemory, outOfMemory: memory, tail: output.end() };
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(killing);
    processes.forget();
  }
}

/** SIGKILL ended it; a shell tells by 128 and the signal's number what ended a program that it waited for. */
const wasKilled = ({ exitCode, killedBy }: Exit): boolean => killedBy === 'SIGKILL' || exitCode === 128 + 9;

interface Surroundings {
  readonly options: Commands;
  readonly output: CommandOutput;
  readonly processes: RunProcesses;
  /** Gets the child. */
  readonly children: ChildProcess[];
}

async function runOne(
  command: Command,
  { options, output, processes, children }: Surroundings,
): Promise<Exit & { memory: number | null }> {
  const { shell, root, cwd, env, onProgress } = options;
  const PATH = searchPath(root);
  const [name = '', ...flags] = shell.split(' ');
  const program = findProgram(name, PATH, root) ?? name;
  const args = [...flags, ...('cmd' in command ? ['-c', command.cmd] : [command.script])];
  const [first = program, ...rest] = [...(options.prefix?.() ?? []), program, ...args];
  let child: ChildProcess;
  try {
    child = spawn(first, rest, {
      cwd,
      detached: true, // a group of its own: Ctrl-C reaches it through us, after what is finished is safe
      env: { ...process.env, PATH, ...env, NODE_CHANNEL_FD: '3' },
      // The last is the channel of `process.send`. Node's own reader of it throws if a command writes something else there.
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
  } catch (error) {
    const unstarted = unstartedText(error as NodeJS.ErrnoException, name, cwd);
    output.note(unstarted);
    return { exitCode: null, killedBy: null, unstarted, memory: null };
  }
  children.push(child);
  processes.lead(child.pid);
  const watch = watchMemory(child.pid, (tree) => processes.saw(tree));
  const exited = once(child, 'exit') as Promise<[Exit['exitCode'], Exit['killedBy']]>;
  for (const stream of [child.stdout!, child.stderr!]) output.read(stream);
  readProgress(child.stdio[3] as Readable, onProgress);
  const closed = once(child, 'close');
  const [exitCode, killedBy] = await exited;
  processes.leaderEnded();
  const memory = watch.stop();
  // A process in the background may hold the pipes open. What the command itself printed is there at once.
  await within(drain, closed);
  return { exitCode, killedBy, memory };
}

/**
 * A stage ends with its commands: processes that these left in the background get a moment to end by themselves, then SIGTERM
 * and SIGKILL. Otherwise they could change outputs while these are hashed.
 */
async function endBackground(
  processes: RunProcesses,
  succeeded: boolean,
  output: CommandOutput,
  signal: AbortSignal,
): Promise<void> {
  if (!signal.aborted) {
    const left = await processes.ended(succeeded ? backgroundGrace : 0, signal);
    if (left.length === 0) return;
    if (succeeded && !signal.aborted) {
      const names = [...new Set(left.map(({ name }) => `\`${name}\``))].join(', ');
      const message = `It left ${names} running in the background, which was ended with it. If its work is needed, let the command \`wait\` for it.`;
      output.note(`rodada: ${message}`);
      output.warn(message);
    }
    if (!signal.aborted) processes.signal('SIGTERM');
  }
  // After an abort the signals are sent already, and what is left gets the rest of the time.
  await processes.ended(signal.aborted ? grace : backgroundGrace);
  await processes.kill();
}

/** Stops listening to a command, whoever holds its pipes. */
async function letGo(child: ChildProcess): Promise<void> {
  const streams = child.stdio.slice(1) as Readable[];
  if (!streams.every(({ closed }) => closed)) await within(drain, once(child, 'close'));
  for (const stream of streams) if (!stream.destroyed) stream.destroy();
}

const within = (milliseconds: number, promise: Promise<unknown>): Promise<unknown> => {
  const timer = new AbortController();
  const late = delay(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined);
  return Promise.race([promise, late]).finally(() => timer.abort());
};

/** Why the system did not start a command, and what to do. */
function unstartedText({ code, message }: NodeJS.ErrnoException, shell: string, cwd: string): string {
  const why = ((): string => {
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
        return existsSync(cwd)
          ? `the shell \`${shell}\` can't be found. Install it, or name another \`shell\` in pipeline.yaml`
          : `its folder \`${cwd}\` does not exist any more`;
      case 'EACCES':
        return `permission denied for the shell \`${shell}\` or the folder \`${cwd}\``;
      case 'E2BIG':
        return 'the environment variables are too long for the system. Unset large ones (`env | wc -c` counts)';
      case 'EAGAIN':
        return 'the system allows no more processes (`ulimit -u`). End some, or use a smaller `--jobs`';
      case 'EMFILE':
      case 'ENFILE':
        return 'too many files are open (`ulimit -n`). Use a smaller `--jobs`';
      case 'ENOMEM':
        return 'there is not enough memory. Use a smaller `--jobs`';
      default:
        return message;
    }
  })();
  return `Its command could not be started: ${why}.`;
}
