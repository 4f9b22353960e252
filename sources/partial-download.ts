// The part of a file that was received so far, with what tells whether the server's file is still the same.
import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { livenessOf, parseProcessName, processName, thisProcess } from '../engine/stage.ts';

/** What a part was received from. */
interface Origin {
  readonly url: string;
  /** A strong ETag or the date of the last change; without one a part can't be resumed safely. */
  readonly validator: string | undefined;
}

/** The server sends the rest of another file than the part is of, against the request's condition. */
export class FileChanged extends Error {}

/** A directory owned by this process: `bytes` and, beside it, where they are from. */
export class PartialDownload {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get bytes(): string {
    return join(this.directory, 'bytes');
  }

  get #origin(): string {
    return join(this.directory, 'origin.json');
  }

  /** Bytes received so far. */
  async size(): Promise<number> {
    return (await stat(this.bytes).catch(() => undefined))?.size ?? 0;
  }

  /** Starts over, with what will tell whether the file is the same when it is resumed. */
  async begin(url: string, validator: string | undefined): Promise<void> {
    await writeFile(this.bytes, '');
    await writeFile(this.#origin, JSON.stringify({ url, validator }));
  }

  /** Headers that ask for the rest of the file if it is still the same, else for all of it. */
  async rangeHeaders(url: string): Promise<Record<string, string>> {
    const size = await this.size();
    const origin = await this.#readOrigin();
    if (size === 0 || origin?.url !== url || origin.validator === undefined) return {};
    return { range: `bytes=${size}-`, 'if-range': origin.validator };
  }

  /**
   * Makes the part ready to be appended to by a response.
   *
   * @returns offset of the response's first byte in the file
   * @throws FileChanged when it is not of the same file
   */
  async accept(url: string, response: { statusCode: number; headers: IncomingHttpHeaders }): Promise<number> {
    const from = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
    const etag = response.headers.etag;
    const strong = etag?.startsWith('"') ? etag : undefined;
    if (response.statusCode === 206) {
      const validator = (await this.#readOrigin())?.validator;
      const changed = strong !== undefined && validator?.startsWith('"') && strong !== validator;
      if (changed || from === undefined || Number(from) > (await this.size())) throw new FileChanged();
      await truncate(this.bytes, Number(from));
      return Number(from);
    }
    await this.begin(url, strong ?? response.headers['last-modified']);
    return 0;
  }

  async #readOrigin(): Promise<Origin | undefined> {
    try {
      return JSON.parse(await readFile(this.#origin, 'utf8'));
    } catch {
      return undefined;
    }
  }
}

/** A part whose maker runs elsewhere is free if nobody has written to it for so long. */
const idle = 3_600_000; // milliseconds

/** Takes over the part that a failed or dead process left for `destination`, by rename, or begins a new one. */
export async function claimPartial(destination: string): Promise<PartialDownload> {
  const own = `${destination}.partial-${processName(thisProcess())}`;
  const prefix = `${basename(destination)}.partial`;
  for (const name of await readdir(dirname(destination))) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(dirname(destination), name);
    if (folder !== own && !(await isFree(folder, name.slice(prefix.length + 1)))) continue;
    try {
      await rename(folder, own);
      return new PartialDownload(own);
    } catch {
      // Another process was quicker.
    }
  }
  await mkdir(own, { recursive: true });
  return new PartialDownload(own);
}

/** Whether nobody receives into the part at `folder`, whose maker is `owner`; empty if it was released. */
async function isFree(folder: string, owner: string): Promise<boolean> {
  if (owner === '') return true;
  const pid = /^\d+$/.test(owner) ? Number(owner) : undefined; // named by an older version
  const maker =
    pid === undefined ? parseProcessName(owner) : { pid, host: hostname(), started: null, place: null };
  const liveness = maker === undefined ? 'unknown' : livenessOf(maker);
  if (liveness !== 'unknown') return liveness === 'dead';
  const times = [folder, join(folder, 'bytes')].map((path) => stat(path).catch(() => undefined));
  const written = Math.max(...(await Promise.all(times)).map((found) => found?.mtimeMs ?? 0));
  return Date.now() - written > idle;
}

/** Leaves the part for the next run; where another process has left one, this one is superfluous. */
export async function releasePartial(partial: PartialDownload, destination: string): Promise<void> {
  if ((await partial.size()) > 0) {
    const free = await rename(partial.directory, `${destination}.partial`).then(
      () => true,
      () => false,
    );
    if (free) return;
  }
  await rm(partial.directory, { recursive: true, force: true });
}
