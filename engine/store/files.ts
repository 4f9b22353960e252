// Files written so that a power cut leaves the old content or the new, never a part.
import { execFile } from 'node:child_process';
import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { crashPoint } from './crash-point.ts';

/** It begins at random: in two containers that share a folder, two processes may have the same pid. */
let serial = Math.floor(Math.random() * 2 ** 40);

/** A name beside `path` for what is not complete yet, unique among processes and calls. */
export const temporaryName = (path: string): string => `${path}.${process.pid}-${++serial}.tmp`;

/** Whether `temporaryName` gave the name, which is left over where a process was killed. */
export const isTemporaryName = (name: string): boolean => /\.\d+-\d+\.tmp$/.test(name);

/** The file that a temporary one is to become; any other stays what it is. */
export const targetOf = (path: string): string => path.replace(/\.\d+-\d+\.tmp$/, '');

export interface WriteOptions {
  /** Whether it is forced to disk; a mere cache need not be. */
  readonly durable?: boolean;
  /** What it is, for the crash points around it. */
  readonly what?: 'claim' | 'lock' | 'record' | 'memo';
}

/** Writes to a temporary file beside `path`, forces it to disk and renames it into place. */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { durable = true, what = 'memo' }: WriteOptions = {},
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    crashPoint(`${what}-write`);
    // One call after the other is quicker than to wait for a thread each time; only the disk takes long.
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, data);
      crashPoint(`${what}-sync`);
      if (durable) await sync(file);
    } finally {
      closeSync(file);
    }
    crashPoint(`${what}-rename`);
    renameSync(temporary, path);
    crashPoint(`${what}-renamed`);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const sync = promisify(fsync);

/** From so many files on, one call for the whole file system is quicker than one for each. */
const many = 32;
/** Calls under way at once: a file system writes those that wait together in one go. */
const atOnce = 16;

/** Forces files that lie below `folder` to disk. */
export async function force(folder: string, paths: readonly string[]): Promise<void> {
  if (paths.length > many && process.platform === 'linux') {
    const done = await promisify(execFile)('sync', ['-f', folder]).catch(() => undefined);
    if (done !== undefined) return; // else there is no such command here
  }
  const limit = pLimit(atOnce);
  await Promise.all(
    paths.map((path) =>
      limit(async () => {
        const file = openSync(path, 'r+');
        await sync(file).finally(() => closeSync(file));
      }),
    ),
  );
}

/** Parses a JSON file; one that is absent or damaged is undefined, as for any cache. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
