// A large download arrives whole and unchanged, whatever the server does, and no byte is fetched twice without need.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { downloadPath } from '../../sources/download-cache.ts';
import { type Download, downloadFile } from '../../sources/download-file.ts';
import { type FileServer, startFileServer } from './file-server.ts';

const content = randomBytes(3_000_000);
let server: FileServer;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-download-'));
  server = await startFileServer(content);
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function download(options: Partial<Download> = {}) {
  return downloadFile({
    url: server.url,
    destination: join(directory, 'file.bin'),
    what: 'the test file',
    backoffLimit: 20,
    ...options,
  });
}

test('a file arrives whole, with its checksums, and progress ends at its size', async () => {
  const progress: [number, number | undefined][] = [];
  const file = await download({ onProgress: (done, total) => progress.push([done, total]) });
  expect((await readFile(file.path)).equals(content)).toBe(true);
  expect(file).toMatchObject({ size: content.length, md5: hash('md5'), sha256: hash('sha256') });
  expect(progress.at(-1)).toEqual([content.length, content.length]);
  expect(await readdir(directory)).toEqual(['file.bin', 'file.bin.json']);
});

test('a second download asks the server nothing, unless the file was changed since', async () => {
  const { path } = await download();
  await download();
  expect(server.requests).toHaveLength(1);
  await writeFile(path, 'something else');
  await download();
  expect(server.requests).toHaveLength(2);
  expect((await readFile(path)).equals(content)).toBe(true);
});

test('a dropped connection is taken up again from the last byte', async () => {
  server.behaviours.push({ kind: 'drop', after: 1_000_000 }, { kind: 'drop', after: 500_000 });
  const { path } = await download();
  expect((await readFile(path)).equals(content)).toBe(true);
  // A buffer or so of what the server sent may not have arrived when the connection broke.
  const [first, second, third] = server.requests.map((request) => offset(request.headers.range));
  expect(first).toBe(0);
  expect(second).toBeGreaterThan(800_000);
  expect(second).toBeLessThanOrEqual(1_000_000);
  expect(third).toBeGreaterThan(second!);
});

test('what a failed download received is resumed by the next one', async () => {
  for (let i = 0; i < 7; i++) server.behaviours.push({ kind: 'drop', after: i === 0 ? 2_000_000 : 0 });
  await expect(download()).rejects.toThrow(/The first \d{7} bytes are kept/);
  expect(existsSync(join(directory, 'file.bin'))).toBe(false);
  server.behaviours.length = 0;
  const before = server.requests.length;
  const { path } = await download();
  expect(server.requests).toHaveLength(before + 1);
  expect(offset(server.requests[before]!.headers.range)).toBeGreaterThan(1_800_000);
  expect((await readFile(path)).equals(content)).toBe(true);
});

test('a server that ignores ranges sends the file anew', async () => {
  server.behaviours.push({ kind: 'drop', after: 1_000_000 }, { kind: 'ignoreRange' });
  const { path } = await download();
  expect((await readFile(path)).equals(content)).toBe(true);
});

test.each([
  'serve',
  'ignoreIfRange',
] as const)('a file that changed on the server meanwhile is not stitched together from two: %s', async (kind) => {
  server.behaviours.push({ kind: 'drop', after: 1_000_000 }, { kind });
  const changed = randomBytes(2_500_000);
  const { path } = await download({
    onProgress: (done) => {
      if (done > 0) server.file = changed;
    },
  });
  expect((await readFile(path)).equals(changed)).toBe(true);
});

test('a part longer than the file on the server is thrown away', async () => {
  for (let i = 0; i < 7; i++) server.behaviours.push({ kind: 'drop', after: i === 0 ? 2_000_000 : 0 });
  await expect(download()).rejects.toThrow(UserError);
  server.behaviours.length = 0;
  server.behaviours.push({ kind: 'status', status: 416 });
  const { path } = await download();
  expect((await readFile(path)).equals(content)).toBe(true);
});

test('the part of a killed process is taken over, that of a living one is left alone', async () => {
  const dead = spawnSync(process.execPath, ['--version']).pid;
  const part = async (pid: number) => {
    const folder = join(directory, `file.bin.partial-${pid}`);
    await mkdir(folder);
    await writeFile(join(folder, 'bytes'), content.subarray(0, 1234));
    await writeFile(
      join(folder, 'origin.json'),
      JSON.stringify({ url: server.url, validator: `"${hash('md5')}"` }),
    );
  };
  await part(process.ppid);
  await download();
  expect(server.requests.map((request) => request.headers.range)).toEqual([undefined]);
  expect(await readdir(directory)).toContain(`file.bin.partial-${process.ppid}`);

  await part(dead);
  await rm(join(directory, 'file.bin'));
  const { path } = await download();
  expect(server.requests[1]!.headers.range).toBe('bytes=1234-');
  expect((await readFile(path)).equals(content)).toBe(true);
});

test('429 is tried again after as long as Retry-After says', async () => {
  server.behaviours.push({ kind: 'status', status: 429, headers: { 'retry-after': '1' } });
  await download();
  const [first, second] = server.requests;
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(990);
});

test('503 is tried again, and in the end is an error that names the server', async () => {
  for (let i = 0; i < 9; i++) server.behaviours.push({ kind: 'status', status: 503 });
  await expect(download()).rejects.toThrow(/127\.0\.0\.1:\d+ answers 503 Service Unavailable/);
  expect(server.requests).toHaveLength(6);
});

test('404 is not tried again', async () => {
  server.behaviours.push({ kind: 'status', status: 404 });
  await expect(download()).rejects.toThrow(/answers 404 Not Found to the request for the test file/);
  expect(server.requests).toHaveLength(1);
});

test('a wrong checksum is named and the file deleted', async () => {
  const expected = { md5: '0'.repeat(32) };
  await expect(download({ expected })).rejects.toThrow(
    new RegExp(`its MD5 is ${hash('md5')}, expected 0{32}`),
  );
  expect(await readdir(directory)).toEqual([]);
});

test('a checksum that params pin is held against an earlier download too', async () => {
  await download();
  server.file = randomBytes(1000);
  const md5 = createHash('md5').update(server.file).digest('hex');
  expect(await download({ expected: { md5 } })).toMatchObject({ size: 1000 });
});

test('credentials do not follow a redirect to another host, also not after a dropped connection', async () => {
  const api = await startFileServer(Buffer.alloc(0), '/api');
  try {
    api.behaviours.push({
      kind: 'status',
      status: 302,
      headers: { location: server.url.replace('127.0.0.1', 'localhost') },
    });
    api.behaviours.push(api.behaviours[0]!);
    server.behaviours.push({ kind: 'drop', after: 1_000_000 });
    const { path } = await download({ url: api.url, headers: { authorization: 'Basic c2VjcmV0' } });
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(api.requests.map((request) => request.headers.authorization)).toEqual([
      'Basic c2VjcmV0',
      'Basic c2VjcmV0',
    ]);
    expect(server.requests.map((request) => request.headers.authorization)).toEqual([undefined, undefined]);
    expect(server.requests[1]!.headers.range).toMatch(/^bytes=\d+-$/);
  } finally {
    await api.close();
  }
});

test('the cache is a directory of the user, one file for each URL', () => {
  const env = { RODADA_DOWNLOAD_DIR: '/elsewhere' };
  const a = downloadPath('https://example.org/a/weights.h5', env);
  expect(a).toMatch(/^\/elsewhere\/[0-9a-f]{16}-weights\.h5$/);
  expect(downloadPath('https://example.org/b/weights.h5', env)).not.toBe(a);
  expect(downloadPath('https://example.org/a', { XDG_CACHE_HOME: '/cache' })).toMatch(
    /^\/cache\/rodada\/downloads\//,
  );
});

/** The first byte that a Range header asks for. */
function offset(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1]);
}

function hash(algorithm: 'md5' | 'sha256'): string {
  return createHash(algorithm).update(content).digest('hex');
}
