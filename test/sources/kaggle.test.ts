// Kaggle's data set through a local server that speaks its API: credentials, redirect, resume, unpacking, and every refusal.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ZipFile } from 'yazl';
import { UserError } from '../../engine/stage.ts';
import type { KaggleParams } from '../../params/source.ts';
import { readCatalog } from '../../pictures/catalog.ts';
import { kaggleCredentials } from '../../sources/kaggle/credentials.ts';
import { downloadDataset, unpackDataset } from '../../sources/kaggle/dataset.ts';
import { runStage } from '../support/run-stage.ts';
import { type FileServer, startFileServer } from './file-server.ts';

const perClass = { bus: 3, car: 4, motorcycle: 2, truck: 2 };
let archive: Buffer;
let api: FileServer;
let storage: FileServer;
let directory: string;

beforeAll(async () => {
  archive = await makeArchive();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-kaggle-'));
  storage = await startFileServer(archive, '/bucket/archive.zip?signature=1');
  api = await startFileServer(Buffer.alloc(0), '/api/v1');
  const location = storage.url.replace('127.0.0.1', 'localhost');
  for (let i = 0; i < 8; i++) api.behaviours.push({ kind: 'status', status: 302, headers: { location } });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([api.close(), storage.close()]);
  await rm(directory, { recursive: true, force: true });
});

/** The study's layout and 17 folders, with tiny pictures; some of each class in `test`. */
async function makeArchive(): Promise<Buffer> {
  const zip = new ZipFile();
  const picture = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#a53' } })
    .jpeg()
    .toBuffer();
  const others = ['Ambulance', 'Barge', 'Bicycle', 'Boat', 'Caravan', 'Cart', 'Helicopter', 'Limousine'];
  for (const folder of ['Bus', 'Car', 'Motorcycle', 'Truck', ...others]) {
    const count = perClass[folder.toLowerCase() as keyof typeof perClass] ?? 1;
    for (let i = 0; i < count; i++) {
      const split = i === 0 ? 'test' : 'train';
      zip.addBuffer(picture, `cardataset/${split}/${folder}/${i}.jpg`, { mtime: new Date(0) });
    }
  }
  // So large that a connection can break in the middle of it.
  zip.addBuffer(randomBytes(2_000_000), 'cardataset/noise.txt', { compress: false });
  zip.end();
  return buffer(zip.outputStream);
}

/** The stage's work within this process: quicker than the script where only the error is of interest. */
async function fetchAndUnpack(params: Partial<KaggleParams> = {}): Promise<unknown> {
  vi.stubEnv('RODADA_DOWNLOAD_DIR', join(directory, 'downloads'));
  const complete = { dataset: 'owner/vehicles', api: api.url, sha256: null, expected: perClass, ...params };
  const archive = await downloadDataset(complete, { username: 'someone', key: 'secret' }, () => {});
  return unpackDataset(archive.path, complete, join(directory, 'raw'), () => {});
}

const credentials = { KAGGLE_USERNAME: 'someone', KAGGLE_KEY: 'secret' };

function run(options: { env?: Record<string, string | undefined> } = {}) {
  const kaggle = { dataset: 'owner/vehicles', api: api.url, sha256: null, expected: perClass };
  return runStage(
    'stages/download/kaggle.ts',
    {
      params: { source: { kind: 'kaggle', kaggle } },
      outs: { raw: join(directory, 'raw') },
    },
    {
      HOME: directory,
      RODADA_DOWNLOAD_DIR: join(directory, 'downloads'),
      KAGGLE_USERNAME: undefined,
      KAGGLE_KEY: undefined,
      KAGGLE_CONFIG_DIR: undefined,
      ...(options.env ?? credentials),
    },
  );
}

test('the data set is downloaded over a redirect and a dropped connection, unpacked and counted', async () => {
  storage.behaviours.push({ kind: 'drop', after: Math.floor(archive.length / 2) });
  const result = await run();
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  expect(api.requests[0]!.url).toBe('/api/v1/datasets/download/owner/vehicles');
  expect(api.requests[0]!.headers.authorization).toBe(
    `Basic ${Buffer.from('someone:secret').toString('base64')}`,
  );
  expect(storage.requests.map((request) => request.headers.authorization)).toEqual([undefined, undefined]);
  expect(storage.requests[1]!.headers.range).toMatch(/^bytes=\d+-$/);

  const entries = await readCatalog(join(directory, 'raw', 'catalog.jsonl'));
  const buses = entries
    .filter((entry) => entry.class === 'bus')
    .map(({ path, origin }) => ({ path, origin }));
  expect(buses).toEqual([
    { path: 'pictures/bus/test-0.jpg', origin: 'test' },
    { path: 'pictures/bus/train-1.jpg', origin: 'train' },
    { path: 'pictures/bus/train-2.jpg', origin: 'train' },
  ]);
  for (const { path } of entries) expect(existsSync(join(directory, 'raw', path))).toBe(true);
  const sources = JSON.parse(await readFile(join(directory, 'raw', 'sources.json'), 'utf8'));
  expect(sources.map((source: { id: string }) => source.id)).toEqual(['test', 'train']);
  expect(result.progress.some(({ unit, total }) => unit === 'bytes' && total === archive.length)).toBe(true);
});

test('a second run takes the archive from the download cache', async () => {
  await run();
  await rm(join(directory, 'raw'), { recursive: true });
  expect((await run()).exitCode).toBe(0);
  expect(api.requests).toHaveLength(1);
});

test('credentials come from the environment, else from kaggle.json', async () => {
  const config = join(directory, '.kaggle');
  await mkdir(config);
  await writeFile(join(config, 'kaggle.json'), JSON.stringify({ username: 'other', key: 'k' }));
  expect(await kaggleCredentials({ HOME: directory, ...credentials })).toMatchObject({ username: 'someone' });
  expect(await kaggleCredentials({ HOME: directory })).toEqual({ username: 'other', key: 'k' });
  expect(await kaggleCredentials({ KAGGLE_CONFIG_DIR: config })).toEqual({ username: 'other', key: 'k' });
  await writeFile(join(config, 'kaggle.json'), '{"username": "other"}');
  await expect(kaggleCredentials({ HOME: directory })).rejects.toThrow(/kaggle\.json is not \{"username"/);
  await expect(kaggleCredentials({ HOME: directory, KAGGLE_KEY: 'k' })).rejects.toThrow(/only the second/);
});

test('missing credentials are said, without a stack trace, before anything is asked', async () => {
  const result = await run({ env: {} });
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/^Kaggle wants credentials, and there are none\. On kaggle\.com open .*\n$/);
  expect(api.requests).toHaveLength(0);
});

test.each([
  [401, 'Kaggle does not accept the credentials (401)'],
  [403, 'accept its terms'],
  [404, 'Kaggle knows no data set owner/vehicles (404)'],
  [200, 'a web page instead of the data set'],
])('an answer %i has its own sentence', async (status, sentence) => {
  api.behaviours.unshift({ kind: 'status', status });
  const failure = await fetchAndUnpack().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toContain(sentence);
});

test('another number of pictures than expected names class, expected and found', async () => {
  await expect(fetchAndUnpack({ expected: { ...perClass, truck: 5, tank: 1 } })).rejects.toThrow(
    'truck: expected 5, found 2; tank: expected 1, found 0',
  );
});

test('a pinned archive that is another one is refused and deleted', async () => {
  await expect(fetchAndUnpack({ sha256: '0'.repeat(64) })).rejects.toThrow(
    /its SHA-256 is [0-9a-f]{64}, expected 0{64}\. It was deleted/,
  );
});

test('a truncated archive is said to be so, and fetched anew by the next run', async () => {
  storage.file = archive.subarray(0, archive.length - 100);
  await expect(fetchAndUnpack()).rejects.toThrow(/is not a complete zip archive: .* It was deleted/);
  storage.file = archive;
  await expect(fetchAndUnpack()).resolves.toMatchObject(perClass);
});
