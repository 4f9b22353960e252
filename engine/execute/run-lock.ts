// One run at a time in a workspace: each leaves a claim with its name, and starts once it sees no other that is alive.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LockedFailure } from '../failure.ts';
import { shortened } from '../printable.ts';
import { fail, type Result, succeed } from '../result.ts';
import { shellWord } from '../shell-word.ts';
import { crashPoint } from '../store/crash-point.ts';
import { FileClock } from '../store/file-clock.ts';
import { isTemporaryName, readJson, writeFileAtomic } from '../store/files.ts';
import {
  beatInterval,
  deadAfter,
  defaultInterval,
  keepBeating,
  SignsOfLife,
  type Silence,
} from './heartbeat.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from './process-identity.ts';

interface Claim extends ProcessIdentity {
  /** ISO 8601. */
  readonly since: string;
  /** Whether it has seen that there is no other; before, two may see each other. */
  readonly holds: boolean;
  /** Seconds between two signs of life of a holder. */
  readonly beat?: number;
  /** What the user typed: `rodada repro train`. */
  readonly command?: string;
  /** Whether others that share may hold the lock, too. */
  readonly shared?: boolean;
}

/** A claim of a run that is alive, or may be. */
interface LiveClaim extends Claim {
  /** If its process can't be asked. */
  readonly silence?: Silence;
}

/** The lock of a workspace, while this process holds it. */
export interface RunLock {
  /**
   * Makes sure that this run still holds the lock: another run takes it from one that gives no sign of life, such as one that
   * was suspended. Call it before the workspace or the records change. It does not return if the lock is lost.
   */
  readonly check: () => void;
  readonly release: () => Promise<void>;
}

export interface RunLockOptions {
  /** Whether to wait for the other run. */
  readonly wait?: boolean;
  /** Whether others that share may hold the lock, too. */
  readonly shared?: boolean;
  /** Told once who that is, and once more if it gives no sign of life. */
  readonly onWait?: (holder: LockedFailure) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Ends this process, because its lock is lost; another run takes it after so many seconds without a sign of life. */
  readonly onLost: (seconds: number) => never;
}

/** Between two looks while others claim the lock too, which is settled at once, and while another run holds it. */
const soon = 10; // milliseconds
const later = 200; // milliseconds

/**
 * Takes the lock, or says who holds it.
 *
 * A claim is written before the others are looked at, so of two that come together at least one sees the other. Only the claim
 * of a dead run is ever removed by another, and names of claims are not used again: there is nothing to race for.
 *
 * @param folder of the claims
 */
export async function takeRunLock(folder: string, options: RunLockOptions): Promise<Result<RunLock>> {
  const claim = new OwnClaim(folder, options.shared === true);
  const signs = signsIn(folder);
  const rivals = async (): Promise<Map<string, LiveClaim>> => {
    const others = await liveClaims(folder, signs, claim.name);
    return new Map([...others].filter(([, { shared }]) => !(shared === true && options.shared === true)));
  };
  let told = 0;
  await claim.write(false);
  for (;;) {
    const others = await rivals();
    if (others.size === 0) {
      await claim.write(true);
      crashPoint('run-lock-taken');
      // If this run was suspended before it wrote that, another may have taken it for dead.
      const now = await rivals();
      if ([...now.values()].every(({ holds }) => !holds)) return succeed(hold(claim, options.onLost));
      claim.remove();
      await claim.write(false);
      continue;
    }
    const holder = [...others.values()].find(({ holds }) => holds);
    const other = holder ?? [...others.values()][0]!;
    const isFirst = [...others.keys()].every((name) => claim.name < name);
    if (holder === undefined && isFirst && other.silence === undefined) {
      // The others came at the same moment and see this claim, or hold the lock in an instant.
      await delay(soon);
      continue;
    }
    const locked = lockedBy(other);
    // One that seems dead is watched for a moment, whether this run waits or not.
    const fails = options.wait !== true && other.silence?.isOverdue !== true;
    if (fails || options.signal?.aborted === true) {
      claim.giveUp();
      return fail(locked);
    }
    // Out of the way, so that of several that wait one can go first.
    claim.remove();
    const isSilent = other.silence?.isStriking === true;
    const news = holder === undefined ? 0 : isSilent ? 2 : 1;
    const { silence: _, ...named } = locked;
    if (news > told) options.onWait?.(isSilent ? locked : named);
    told = Math.max(told, news);
    const pause = holder === undefined && other.silence === undefined ? soon : later;
    await delay(pause, undefined, { signal: options.signal }).catch(() => undefined);
    await claim.write(false);
  }
}

/** From now on this run holds the lock, and shows that it is alive. */
function hold(claim: OwnClaim, onLost: RunLockOptions['onLost']): RunLock {
  const lost = (): never => onLost(deadAfter(claim.beat));
  const stop = keepBeating(claim.path, claim.firstByte, claim.beat, lost);
  return {
    check: () => {
      // Throws if nobody can tell, because a folder on the way is forbidden for example.
      if (statSync(claim.path, { throwIfNoEntry: false }) === undefined) lost();
    },
    release: async () => {
      stop();
      crashPoint('run-lock-release');
      claim.giveUp();
    },
  };
}

/** The claim of this process. */
class OwnClaim {
  /** What the names of its files begin with. */
  readonly name: string;
  readonly beat = beatInterval();
  readonly #folder: string;
  readonly #identity = thisProcess();
  readonly #since = new Date().toISOString();
  readonly #shared: boolean;
  #isBare = false;

  constructor(folder: string, shared: boolean) {
    this.#folder = folder;
    this.#shared = shared;
    const { host, pid, started, place } = this.#identity;
    const times = [started, place].map((part) => encodeURIComponent(part ?? ''));
    this.name = `${this.#since.replaceAll(/\D/g, '')}-${host}-${pid}.${times.join('.')}.`;
    process.on('exit', this.remove); // also if a second Ctrl-C ends everything at once
  }

  /** The file that says that this run holds the lock. */
  get path(): string {
    return this.#isBare ? this.#bare(true) : this.#file;
  }

  get firstByte(): string {
    return this.#isBare ? '.' : '{';
  }

  async write(holds: boolean): Promise<void> {
    const shared = this.#shared ? { shared: true } : {};
    const claim: Claim = {
      ...this.#identity,
      since: this.#since,
      holds,
      beat: this.beat,
      command: commandLine(),
      ...shared,
    };
    try {
      await writeFileAtomic(this.#file, `${JSON.stringify(claim)}\n`, { durable: false, what: 'claim' });
      this.#isBare = false;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      // A full disk mostly has room for a name, and `gc` must be able to make more.
      await writeFile(this.#bare(holds), '');
      if (holds) await rm(this.#bare(false), { force: true });
      this.#isBare = true;
    }
  }

  readonly remove = (): void => {
    for (const path of [this.#file, this.#bare(false), this.#bare(true)])
      try {
        rmSync(path, { force: true });
      } catch {
        // The folder is none, or can't be written: a claim without signs of life ends by itself.
      }
  };

  giveUp(): void {
    this.remove();
    process.off('exit', this.remove);
  }

  get #file(): string {
    return join(this.#folder, `${this.name}json`);
  }

  #bare(holds: boolean): string {
    return join(this.#folder, this.name + (holds ? 'holds' : 'waits'));
  }
}

/** `rodada repro train --set 'name=a b'`, cut if it is very long: claims are small. */
function commandLine(): string {
  return shortened(['rodada', ...process.argv.slice(2).map(shellWord)].join(' '), 500);
}

function lockedBy({ pid, host, since, silence }: LiveClaim): LockedFailure {
  if (silence === undefined) return { reason: 'locked', pid, host, since };
  const { seconds, limit } = silence;
  return { reason: 'locked', pid, host, since, silence: { seconds: Math.round(10 * seconds) / 10, limit } };
}

/** Watches the claims in `folder`. */
const signsIn = (folder: string): SignsOfLife =>
  new SignsOfLife(new FileClock(join(dirname(folder), 'memo')));

/** The run that holds a lock, as others see it. */
export interface RunningRun extends Omit<LockedFailure, 'reason' | 'store'> {
  /** What the user typed; absent if the disk had no room for it. */
  readonly command?: string;
}

/** Looks at a lock without changing anything: also in a project that can't be written to, and while others take and leave it. */
export class RunLockViewer {
  readonly #folder: string;
  /** The file system's own clock can't be read without writing. */
  readonly #signs = new SignsOfLife({ now: () => ({ time: BigInt(Date.now()) * 1_000_000n, device: 0n }) });

  /** @param folder of the claims */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The run that holds the lock, or one of several that share it. */
  async running(): Promise<RunningRun | undefined> {
    const names = await readdir(this.#folder).catch(() => []);
    for await (const { claim } of readClaims(this.#folder, names, this.#signs)) {
      if (claim?.holds !== true) continue;
      const { reason: _, ...run } = lockedBy(claim);
      return claim.command === undefined ? run : { ...run, command: claim.command };
    }
    return undefined;
  }
}

/** Whether `engine`, which can't be asked, has a claim and has given a sign of life. */
export function isHeldFromAfar(folder: string, engine: ProcessIdentity): boolean {
  try {
    return readdirSync(folder).some((name) => {
      const path = join(folder, name);
      const claim = parseName(name) ?? readJson<Claim>(path);
      const isIts = claim?.pid === engine.pid && claim.host === engine.host && claim.place === engine.place;
      return isIts && !signsIn(folder).of(path, claim.beat ?? defaultInterval).isOverdue;
    });
  } catch {
    return false; // there are no claims
  }
}

/** All claims but those that begin with `own` of runs that may be alive, by name; those of dead ones are removed. */
async function liveClaims(folder: string, signs: SignsOfLife, own: string): Promise<Map<string, LiveClaim>> {
  await mkdir(folder, { recursive: true });
  const live = new Map<string, LiveClaim>();
  const names = (await readdir(folder)).filter((name) => !name.startsWith(own));
  for await (const { name, claim, isUnfinished } of readClaims(folder, names, signs)) {
    if (claim !== undefined) {
      if (!isUnfinished) live.set(name, claim);
      continue;
    }
    // Whoever finds this folder knows that a run was cut off, and clears up after it.
    if (!isUnfinished) await mkdir(join(dirname(folder), 'tmp'), { recursive: true });
    await rm(join(folder, name), { force: true });
  }
  return live;
}

interface FoundClaim {
  readonly name: string;
  /** Absent if its run is dead. */
  readonly claim?: LiveClaim;
  /** One that is being written is none yet; only its name can be read. */
  readonly isUnfinished: boolean;
}

/** Reads the claims; changes nothing. */
async function* readClaims(
  folder: string,
  names: readonly string[],
  signs: SignsOfLife,
): AsyncGenerator<FoundClaim> {
  for (const name of names) {
    const path = join(folder, name);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // given up since
    const isUnfinished = isTemporaryName(name);
    const claim = parseName(name) ?? parse(text);
    const liveness = claim === undefined ? 'dead' : livenessOf(claim);
    const silence = liveness === 'unknown' ? signs.of(path, claim?.beat ?? defaultInterval) : undefined;
    const isDead = claim === undefined || liveness === 'dead' || silence?.isDead === true;
    if (isDead) yield { name, isUnfinished };
    else yield { name, isUnfinished, claim: silence === undefined ? claim : { ...claim, silence } };
  }
}

/** What the name of a claim says, if it had no room for more or is not complete yet. */
function parseName(name: string): Claim | undefined {
  const found =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})-(.+)-(\d+)\.([^.]*)(?:\.([^.]*))?\.(holds|waits|json\..*)$/.exec(
      name,
    );
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, ms, host, pid, started, place, state] = found;
  return {
    pid: Number(pid),
    host: host!,
    started: decode(started),
    place: decode(place),
    since: `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`,
    holds: state === 'holds',
  };
}

const decode = (part: string | undefined): string | null => (part ? decodeURIComponent(part) : null);

/** Claims are written in one step: one that can't be read was cut off by a power cut, and its process with it. */
function parse(text: string): Claim | undefined {
  try {
    const claim = JSON.parse(text) as Claim;
    return typeof claim.pid === 'number' && typeof claim.host === 'string' ? claim : undefined;
  } catch {
    return undefined;
  }
}
