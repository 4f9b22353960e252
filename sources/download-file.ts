// Downloads a large file once: resumed where it stopped, retried, checked, and kept where later runs find it.
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import got, { HTTPError, type Request, type Response } from 'got';
import { UserError } from '../engine/stage.ts';
import { type Checksums, checksumsOf } from './checksums.ts';
import { claimPartial, FileChanged, type PartialDownload, releasePartial } from './partial-download.ts';

export interface Download {
  readonly url: string;
  /** Where the complete, checked file will be; the partial one is kept beside it. See `downloadPath`. */
  readonly destination: string;
  /** What is downloaded, for messages: `the data set owner/name`. */
  readonly what: string;
  /** Sent to the URL's own host only: a redirect to another host loses `authorization` and `cookie`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the file must be; checked before it is used, also when it was downloaded earlier. */
  readonly expected?: Partial<Checksums>;
  /** Bytes received, those of an earlier attempt included, and bytes in all where the server says. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** A sentence for an answer that is not the file, such as a 403 or a log-in page; undefined accepts or leaves it to the default. */
  readonly refuse?: (answer: Answer) => string | undefined;
  /** Longest wait between two attempts, in milliseconds; it doubles from 1 s. */
  readonly backoffLimit?: number;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
}

export interface DownloadedFile extends Checksums {
  readonly path: string;
}

const retries = 5;

/**
 * Downloads a file, or returns the one that an earlier call left at `destination` after checking it again.
 *
 * A dropped connection, a 429 (`Retry-After` is heeded) or a 5xx is tried again up to five times, each time from the
 * last byte received. What a failed or killed process received is kept and resumed by the next one, by a `Range` request
 * under the condition (`If-Range`) that the file is still the same; a server that ignores ranges or has a new file starts it
 * over. Two processes at once do not disturb each other: the second one downloads for itself.
 *
 * @throws UserError in words of `refuse` or its own, when the file can't be had or is not what was expected
 */
export async function downloadFile(download: Download): Promise<DownloadedFile> {
  const earlier = await earlierDownload(download);
  if (earlier !== undefined) return earlier;
  await mkdir(dirname(download.destination), { recursive: true });
  const partial = await claimPartial(download.destination);
  try {
    await fetchRest(download, partial);
    const found = await checksumsOf(partial.bytes);
    const wrong = difference(download, found);
    if (wrong !== undefined) {
      await rm(partial.directory, { recursive: true, force: true }); // resuming could never make it right
      throw new UserError(wrong);
    }
    await writeFile(recordPath(download.destination), `${JSON.stringify({ url: download.url, ...found })}\n`);
    await rename(partial.bytes, download.destination);
    await rm(partial.directory, { recursive: true, force: true });
    return { path: download.destination, ...found };
  } catch (error) {
    await releasePartial(partial, download.destination);
    throw error;
  }
}

/** The file at `destination`, if it is what was expected or, with no checksum expected, what was received then. */
async function earlierDownload(download: Download): Promise<DownloadedFile | undefined> {
  const { destination } = download;
  try {
    await stat(destination);
  } catch {
    return undefined;
  }
  const found = await checksumsOf(destination);
  const pinned = download.expected?.md5 !== undefined || download.expected?.sha256 !== undefined;
  const recorded = await readRecord(destination);
  const intact = pinned || (recorded?.url === download.url && recorded.sha256 === found.sha256);
  if (intact && difference(download, found) === undefined) return { path: destination, ...found };
  await rm(destination, { force: true });
  return undefined;
}

async function readRecord(destination: string): Promise<(Checksums & { url: string }) | undefined> {
  try {
    return JSON.parse(await readFile(recordPath(destination), 'utf8'));
  } catch {
    return undefined;
  }
}

function recordPath(destination: string): string {
  return `${destination}.json`;
}

/** Receives what is missing of the file, over as many attempts as it takes. */
async function fetchRest(download: Download, partial: PartialDownload): Promise<void> {
  let attempts = 0;
  for (let restarted = false; ; ) {
    // Each attempt asks the original address: the one that it redirects to is often signed, and expires. got's own way
    // to retry would ask that one, with the headers that are not for it.
    const request = got.stream(download.url, {
      headers: { ...download.headers, ...(await partial.rangeHeaders(download.url)) },
      decompress: false,
      timeout: { connect: 30_000, response: 120_000, socket: 60_000 },
      retry: { limit: retries, backoffLimit: download.backoffLimit ?? 30_000 },
    });
    request.retryCount = attempts;
    let retrying = false;
    request.once('retry', () => {
      retrying = true; // got decided so, and has waited; it also has destroyed the request, which ends `receive`
    });
    try {
      await receive(download, request, partial);
      return;
    } catch (error) {
      if (retrying) {
        attempts++;
      } else if (!restarted && isOfAnotherFile(error)) {
        restarted = true; // what was received is no part of the file any more: once from the start
        await partial.begin(download.url, undefined);
      } else {
        throw await explained(download, error, partial);
      }
    }
  }
}

function isOfAnotherFile(error: unknown): boolean {
  return error instanceof FileChanged || (error instanceof HTTPError && error.response.statusCode === 416);
}

/** Receives one answer. An error leaves every byte that was received in the partial file, and nothing still being written. */
async function receive(download: Download, request: Request, partial: PartialDownload): Promise<void> {
  const response = await new Promise<Response>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
    request.once('close', () => reject(new Error('the connection was closed')));
  });
  const refusal = download.refuse?.(answerOf(response));
  if (refusal !== undefined) {
    request.destroy();
    throw new UserError(refusal);
  }
  const offset = await partial.accept(download.url, response).catch((error: unknown) => {
    request.destroy();
    throw error;
  });
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const total = Number.isFinite(length) ? offset + length : undefined;
  const file = await open(partial.bytes, 'a');
  try {
    let done = offset;
    download.onProgress?.(done, total);
    for await (const chunk of request as AsyncIterable<Buffer>) {
      await file.appendFile(chunk);
      done += chunk.length;
      download.onProgress?.(done, total);
    }
    if (total !== undefined && done < total) throw new Error(`the answer ended ${total - done} bytes early`);
  } finally {
    await file.close();
  }
}

function answerOf({ statusCode, headers }: Response): Answer {
  return { status: statusCode, contentType: String(headers['content-type'] ?? '') };
}

/** What is wrong with the file, in a sentence, or undefined. */
function difference({ what, expected }: Download, found: Checksums): string | undefined {
  for (const key of ['size', 'md5', 'sha256'] as const) {
    const wanted = expected?.[key];
    if (wanted !== undefined && wanted !== found[key]) {
      const name = { size: 'size in bytes', md5: 'MD5', sha256: 'SHA-256' }[key];
      return (
        `What was downloaded is not ${what}: its ${name} is ${found[key]}, expected ${wanted}. ` +
        'It was deleted; run the stage again, and if that does not help, check the address and the expected value in params.yaml.'
      );
    }
  }
  return undefined;
}

async function explained(download: Download, error: unknown, partial: PartialDownload): Promise<Error> {
  if (error instanceof UserError) return error;
  const host = new URL(download.url).host;
  if (error instanceof HTTPError) {
    const { statusCode, statusMessage } = error.response;
    return new UserError(
      download.refuse?.(answerOf(error.response)) ??
        `${host} answers ${statusCode} ${statusMessage ?? ''} to the request for ${download.what}: check its address in params.yaml, or try again later.`,
    );
  }
  if (!(error instanceof Error)) return new Error(String(error));
  const kept = await partial.size();
  const resume = kept > 0 ? ` The first ${kept} bytes are kept: the next run goes on from there.` : '';
  return new UserError(
    `${download.what} could not be downloaded from ${host}: ${error.message}. Check the network and run the stage again.${resume}`,
  );
}
