// Finds and ends the processes of a run: its commands and all that they start, also what leaves their process group.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessState {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Tells two processes with one pid apart; empty if the system does not say. */
  readonly started: string;
}

/** A process that waits for a device that does not answer can't be killed, and is not waited for. */
const patience = 5_000; // milliseconds

/** How long it takes at least to use up all pids, so that a child may have a smaller one than its parent. */
const pidsLast = 2_000; // milliseconds

/**
 * The processes of one run. A process is one of them if its parent, process group or session is, if it was seen as a
 * descendant, if it has the run's mark in its environment, or if it holds a stream that a command got from the engine. Linux says all this. Elsewhere `ps` says parents and groups,
 * so a process that leaves both is missed.
 */
export class RunProcesses {
  readonly #mark: string;
  /** Process → when it started. */
  readonly #seen = new Map<number, string>();
  /** Process groups and sessions. */
  readonly #groups = new Set<number>();
  /** The commands' ends of the streams that they share with the engine. */
  readonly #streams = new Set<string>();
  /** The command that has not ended yet. */
  #leader: number | undefined;
  #first: { readonly pid: number; readonly at: number } | undefined;

  /** @param mark what each has in its environment, `NAME=value` followed by `\0` or only its beginning */
  constructor(mark: string) {
    this.#mark = `\0${mark}`;
    running.add(this);
  }

  /** A command was started as the leader of its group and session. */
  lead(pid: number): void {
    this.#first ??= { pid, at: performance.now() };
    this.#leader = pid;
    this.#groups.add(pid);
    for (const stream of streamsOf(pid)) this.#streams.add(stream);
    this.saw([pid]);
  }

  /** The command that was started last has ended. */
  leaderEnded(): void {
    this.#leader = undefined;
  }

  /** These were seen as descendants. */
  saw(pids: Iterable<number>): void {
    for (const pid of pids) {
      if (this.#seen.has(pid) || process.platform !== 'linux') continue;
      const state = stateOf(pid);
      if (state !== undefined) this.#note(state);
    }
  }

  /** Those that are alive. */
  alive(): ProcessState[] {
    const states = new Map(this.#candidates().map((state) => [state.pid, state]));
    states.delete(process.pid);
    const members = new Set<ProcessState>();
    const join = (state: ProcessState): void => {
      members.add(state);
      this.#note(state);
    };
    for (const state of states.values())
      if (this.#seen.get(state.pid) === state.started || this.#isMarked(state.pid)) join(state);
    // A group or session is the run's while its leader is the process that was seen, or gone. Else its number is used again.
    const owns = (group: number): boolean => {
      const leader = states.get(group);
      return this.#groups.has(group) && (leader === undefined || members.has(leader));
    };
    const related = ({ parent, group, session }: ProcessState): boolean =>
      members.has(states.get(parent)!) || owns(group) || owns(session);
    for (let before = -1; before < members.size; ) {
      before = members.size;
      for (const state of states.values()) if (!members.has(state) && related(state)) join(state);
    }
    return [...members];
  }

  signal(signal: NodeJS.Signals): void {
    const members = this.alive();
    const groups = new Set(members.map(({ group }) => group).filter((group) => this.#groups.has(group)));
    if (this.#leader !== undefined) groups.add(this.#leader);
    for (const group of groups) kill(-group, signal);
    for (const { pid, group } of members) if (!groups.has(group)) kill(pid, signal);
  }

  /** Waits until none is alive, at most for so long or until `signal`. @returns those that are left */
  async ended(milliseconds: number, signal?: AbortSignal): Promise<ProcessState[]> {
    const started = performance.now();
    for (let wait = 2; ; wait = Math.min(2 * wait, 100)) {
      const left = this.alive();
      if (left.length === 0 || performance.now() - started > milliseconds || signal?.aborted) return left;
      await delay(wait, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** Kills all, also what these have started meanwhile. @returns how many there were */
  async kill(): Promise<number> {
    const { length } = this.alive();
    for (const started = performance.now(); performance.now() - started < patience; ) {
      this.signal('SIGKILL');
      if ((await this.ended(50)).length === 0) break;
    }
    return length;
  }

  /** The run is over. */
  forget(): void {
    running.delete(this);
  }

  #isMarked(pid: number): boolean {
    if (process.platform !== 'linux') return false;
    return (
      environmentOf(pid).includes(this.#mark) || streamsOf(pid).some((stream) => this.#streams.has(stream))
    );
  }

  #note({ pid, session, started }: ProcessState): void {
    this.#seen.set(pid, started);
    if (session === pid) this.#groups.add(pid);
  }

  /** All processes that may belong to the run. */
  #candidates(): ProcessState[] {
    if (process.platform !== 'linux') return this.#seen.size + this.#groups.size === 0 ? [] : processesOfPs();
    // Soon after the first command its descendants have pids between its own and the last: there is no need to look at all processes.
    const { pid: first, at } = this.#first ?? { pid: 0, at: 0 };
    const pids = processIds();
    const last = lastPid();
    const inOrder = performance.now() - at < pidsLast && last >= first;
    return pids
      .filter((pid) => !inOrder || (pid >= first && pid <= last))
      .map(stateOf)
      .filter((state) => state !== undefined);
  }
}

const running = new Set<RunProcesses>();

/** Ends all commands of all runs, and what they started, at once. */
export function killAllRuns(): void {
  for (const run of running) run.signal('SIGKILL');
}

/** Ids of all processes (Linux). */
const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** `\0NAME=value\0…` of a process that is ours and alive; otherwise empty (Linux). */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
  } catch {
    return '';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended since.
  }
}

/** The sockets that a process has as stdout, stderr and the descriptor after these: all that it starts inherits them (Linux). */
function streamsOf(pid: number): string[] {
  return [1, 2, 3].flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** Of a process that has not ended; one that ended may wait for its parent to ask how (Linux). */
function stateOf(pid: number): ProcessState | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    const [state, parent, group, session, ...more] = text.slice(end + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const name = text.slice(text.indexOf('(') + 1, end);
    return {
      pid,
      name,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      started: more[15]!,
    };
  } catch {
    return undefined;
  }
}

/** The pid that was given last. */
function lastPid(): number {
  try {
    return Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ').at(-1));
  } catch {
    return 0;
  }
}

function processesOfPs(): ProcessState[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,comm='], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [, pid, parent, group, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+[^Z\s]\S*\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    return {
      pid: Number(pid),
      name: name!,
      parent: Number(parent),
      group: Number(group),
      session: 0,
      started: '',
    };
  });
}
