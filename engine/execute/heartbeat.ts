// Signs of life for processes that can't be asked: the holder of a claim writes to it every few seconds, and others watch that.
import { statSync, utimesSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { FileClock } from '../store/file-clock.ts';

/** Seconds between two beats: `RODADA_HEARTBEAT`, or 5. */
export const beatInterval = (env: NodeJS.ProcessEnv = process.env): number => {
  const seconds = Number(env.RODADA_HEARTBEAT);
  return seconds >= 0.05 && seconds <= 3600 ? seconds : defaultInterval;
};

export const defaultInterval = 5; // seconds

/** A process that gives no sign of life for so many seconds is taken for dead. */
export const deadAfter = (interval: number): number => missed * interval;

/** Beats that it has missed then. */
const missed = 9;
/** So many of them are watched for: a clock that was set, or a machine that was asleep, makes a claim look older than it is. */
const watched = 2;

/** A run that ends soon needs no beat. */
const firstBeat = 1; // seconds

/** Writes one byte that is there already, so that the file system gives the file its own time; a full disk gets the local time. */
const program = `
const { closeSync, openSync, utimesSync, writeSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const beat = () => {
  try {
    const file = openSync(workerData.path, 'r+');
    try {
      writeSync(file, workerData.byte, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error.code === 'ENOENT') return parentPort.postMessage('gone');
    try {
      utimesSync(workerData.path, new Date(), new Date());
    } catch {}
  }
};
beat();
setInterval(beat, workerData.interval);
`;

/**
 * Keeps giving signs of life in the file at `path`, in a thread of its own, so also while this one is busy.
 * @param byte the file's first
 * @param onGone called if the file is no longer there
 * @returns stops it
 */
export function keepBeating(path: string, byte: string, seconds: number, onGone: () => void): () => void {
  const interval = seconds * 1000;
  let worker: Worker | undefined;
  let timer: NodeJS.Timeout = setTimeout(() => {
    worker = new Worker(program, { eval: true, execArgv: [], workerData: { path, byte, interval } });
    worker.unref();
    worker.on('message', onGone);
    // Without threads, this one beats as well as it can.
    worker.on('error', () => {
      timer = setInterval(() => touch(path), interval).unref();
    });
  }, Math.min(firstBeat, seconds) * 1000).unref();
  return () => {
    clearTimeout(timer);
    worker?.off('message', onGone);
    void worker?.terminate();
  };
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // The file is gone: whoever is about to write looks for it.
  }
}

/** How long a process that can't be asked has given no sign of life. */
export interface Silence {
  readonly seconds: number;
  /** Seconds after which it is taken for dead. */
  readonly limit: number;
  /** A process that is alive should not be silent for that long. */
  readonly isStriking: boolean;
  /** The limit is reached, according to the file's time. */
  readonly isOverdue: boolean;
  /** This process has also watched the file for two beats. */
  readonly isDead: boolean;
}

/** Watches files for signs of life; it must be asked again and again. */
export class SignsOfLife {
  readonly #clock: Pick<FileClock, 'now'>;
  /** Path → its time at the last change that was seen, and when that was on this process's own clock, which nobody sets. */
  readonly #seen = new Map<string, { readonly time: bigint; readonly since: number }>();

  /** @param clock of the file system of the files */
  constructor(clock: Pick<FileClock, 'now'>) {
    this.#clock = clock;
  }

  /** @param interval seconds between two beats of the holder */
  of(path: string, interval: number): Silence {
    const time = statSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
    const now = performance.now();
    let seen = this.#seen.get(path);
    if (seen?.time !== time) {
      seen = { time, since: now };
      this.#seen.set(path, seen);
    }
    const observed = (now - seen.since) / 1000;
    const clock = this.#clock.now();
    const age = clock === undefined ? 0 : Number(clock.time - time) / 1e9;
    const seconds = Math.max(observed, age);
    const limit = deadAfter(interval);
    return {
      seconds,
      limit,
      isStriking: seconds >= watched * interval,
      isOverdue: seconds >= limit,
      isDead: seconds >= limit && observed >= watched * interval,
    };
  }
}
