// One run at a time in a workspace: each leaves a claim with its name, and works once it sees no other that is alive.
import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LockedFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import { crashPoint } from '../store/crash-point.ts';
import { isTemporaryName, writeFileAtomic } from '../store/files.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from './process-identity.ts';

interface Claim extends ProcessIdentity {
  /** ISO 8601. */
  readonly since: string;
  /** Whether it has seen that there is no other; before, two may see each other. */
  readonly holds: boolean;
}

/** Gives up the lock. */
export type Release = () => Promise<void>;

export interface RunLockOptions {
  /** Whether to wait for whoever is at work. */
  readonly wait?: boolean;
  /** Told once who that is. */
  readonly onWait?: (holder: LockedFailure) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Between two looks while others claim the lock too, which is settled at once, and while one works. */
const soon = 10; // milliseconds
const later = 200; // milliseconds

/**
 * Takes the lock, or says who holds it.
 *
 * A claim is written before the others are looked at, so of two that come together at least one sees the other. Nobody's
 * claim but a dead one's is ever removed by another, and names of claims are not used again: there is nothing to race for.
 *
 * @param folder of the claims
 */
export async function takeRunLock(folder: string, options: RunLockOptions = {}): Promise<Result<Release>> {
  const me = thisProcess();
  const since = new Date().toISOString();
  const own = `${since.replaceAll(/\D/g, '')}-${me.host}-${me.pid}`;
  const name = `${own}.json`;
  const bare = (holds: boolean): string =>
    join(folder, `${own}.${encodeURIComponent(me.started ?? '')}.${holds ? 'holds' : 'waits'}`);
  const claim = (holds: boolean): Promise<void> =>
    writeFileAtomic(join(folder, name), `${JSON.stringify({ ...me, since, holds } satisfies Claim)}\n`, {
      durable: false,
      what: 'claim',
    }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
      // A full disk mostly has room for a name, and `gc` must be able to make more.
      await writeFile(bare(holds), '');
      if (holds) await rm(bare(false), { force: true });
    });
  const release = (): void => {
    for (const path of [join(folder, name), bare(false), bare(true)]) rmSync(path, { force: true });
  };
  const giveUp = (): void => {
    release();
    process.off('exit', release);
  };
  let told = false;
  await claim(false);
  process.on('exit', release); // also where a second Ctrl-C ends everything at once
  for (;;) {
    const others = await liveClaims(folder, `${own}.`);
    if (others.size === 0) {
      await claim(true);
      crashPoint('run-lock-taken');
      return succeed(async () => {
        crashPoint('run-lock-release');
        giveUp();
      });
    }
    const holder = [...others.values()].find(({ holds }) => holds);
    const first = [...others].every(([other]) => name < other);
    if (holder === undefined && first) {
      // The others came at the same moment and see this claim, or hold the lock in an instant.
      await delay(soon);
      continue;
    }
    const { pid, host, since: begun } = holder ?? [...others.values()][0]!;
    const locked: LockedFailure = { reason: 'locked', pid, host, since: begun };
    if (options.wait !== true || options.signal?.aborted === true) {
      giveUp();
      return fail(locked);
    }
    // Out of the way, so that of several that wait one can go first.
    release();
    if (!told && holder !== undefined) options.onWait?.(locked);
    told ||= holder !== undefined;
    await delay(holder === undefined ? soon : later, undefined, { signal: options.signal }).catch(
      () => undefined,
    );
    await claim(false);
  }
}

/** Whether a run holds the lock. */
export async function isRunAtWork(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length > 0 && [...(await liveClaims(folder, '\0')).values()].some(({ holds }) => holds);
}

/** All claims but those that begin with `own` of runs that are alive, by name; those of dead ones are removed. */
async function liveClaims(folder: string, own: string): Promise<Map<string, Claim>> {
  await mkdir(folder, { recursive: true });
  const live = new Map<string, Claim>();
  for (const name of await readdir(folder)) {
    if (name.startsWith(own)) continue;
    const path = join(folder, name);
    if (isTemporaryName(name)) {
      const [, host, pid] = /^\d+-(.+)-(\d+)\.json\./.exec(name) ?? [];
      const unfinished = { pid: Number(pid), host: host ?? '', started: null };
      if (livenessOf(unfinished) === 'dead') await rm(path, { force: true });
      continue;
    }
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // given up since
    const claim = parseName(name) ?? parse(text);
    if (claim !== undefined && livenessOf(claim) !== 'dead') live.set(name, claim);
    else {
      // Whoever finds this folder knows that a run was cut off, and clears up after it.
      await mkdir(join(dirname(folder), 'tmp'), { recursive: true });
      await rm(path, { force: true });
    }
  }
  return live;
}

/** A claim of which only the name could be written. */
function parseName(name: string): Claim | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})-(.+)-(\d+)\.([^.]*)\.(holds|waits)$/.exec(
    name,
  );
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, ms, host, pid, started, state] = found;
  return {
    pid: Number(pid),
    host: host!,
    started: started === '' ? null : decodeURIComponent(started!),
    since: `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`,
    holds: state === 'holds',
  };
}

/** Claims are written in one step: one that can't be read was cut off by a power cut, and its process with it. */
function parse(text: string): Claim | undefined {
  try {
    const claim = JSON.parse(text) as Claim;
    return typeof claim.pid === 'number' && typeof claim.host === 'string' ? claim : undefined;
  } catch {
    return undefined;
  }
}
