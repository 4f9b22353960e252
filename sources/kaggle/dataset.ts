// The Kaggle source: a data set of the layout `…/{train,test}/<class>/<picture>`, through Kaggle's API.
import { rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { UserError } from '../../engine/stage.ts';
import type { KaggleParams } from '../../params/source.ts';
import type { CatalogEntry } from '../../pictures/catalog.ts';
import { downloadPath } from '../download-cache.ts';
import { type Answer, type DownloadedFile, downloadFile } from '../download-file.ts';
import { countByClass } from '../filter.ts';
import { isPictureName } from '../picture-files.ts';
import { picturesName, writeSource } from '../source.ts';
import { unzip, type ZipLimits } from '../zip.ts';
import type { KaggleCredentials } from './credentials.ts';

/** Far above any photo and any data set of photos, far below what fills a disk by surprise. */
const limits: ZipLimits = { file: 256 * 2 ** 20, total: 64 * 2 ** 30 };

/**
 * Downloads the data set's archive into the user's download cache, or takes it from there.
 *
 * `GET <api>/datasets/download/<owner>/<name>` with HTTP basic authentication redirects to a signed address of the storage.
 */
export async function downloadDataset(
  params: KaggleParams,
  credentials: KaggleCredentials,
  onProgress: (received: number, total: number | undefined) => void,
): Promise<DownloadedFile> {
  const { dataset } = params;
  const url = `${params.api.replace(/\/$/, '')}/datasets/download/${dataset}`;
  const token = Buffer.from(`${credentials.username}:${credentials.key}`).toString('base64');
  return downloadFile({
    url,
    destination: `${downloadPath(url)}.zip`,
    what: `Kaggle's data set ${dataset}`,
    headers: { authorization: `Basic ${token}` },
    ...(params.sha256 === null ? {} : { expected: { sha256: params.sha256 } }),
    onProgress,
    refuse: (answer) => refusal(answer, dataset),
  });
}

function refusal({ status, contentType }: Answer, dataset: string): string | undefined {
  if (status === 401) {
    return 'Kaggle does not accept the credentials (401): make a new token on kaggle.com, Settings › API › Create New Token, and replace kaggle.json (or KAGGLE_USERNAME and KAGGLE_KEY) with it.';
  }
  if (status === 403) {
    return `Kaggle does not let you have the data set ${dataset} (403): open kaggle.com/datasets/${dataset} signed in as the token's user, accept its terms, and run the stage again.`;
  }
  if (status === 404) {
    return `Kaggle knows no data set ${dataset} (404): check source.kaggle.dataset, \`owner/name\` as in the address of its page.`;
  }
  if (status < 300 && /^text\/html/i.test(contentType)) {
    return `Kaggle answered with a web page instead of the data set ${dataset}: a proxy or a sign-in page is in between. Check source.kaggle.api and the credentials.`;
  }
  return undefined;
}

/**
 * Unpacks the pictures as `pictures/<class>/<split>-<name>` and writes catalogue and sources. The class is the folder's
 * name in lower case; a picture's origin is its split, `train` or `test`, which the study does not use: it splits anew. Each
 * picture is a group of its own.
 *
 * An archive that can't be unpacked is deleted from the download cache, so that the next run downloads it again.
 *
 * @returns number of pictures by class
 * @throws UserError when the archive is damaged or unsafe, holds no pictures in this layout, or not the expected number
 */
export async function unpackDataset(
  archive: string,
  params: Pick<KaggleParams, 'dataset' | 'expected'>,
  out: string,
  onProgress: (done: number, total: number) => void,
): Promise<Record<string, number>> {
  const entries: CatalogEntry[] = [];
  const target = (path: string): string | undefined => {
    const picture = pictureOf(path);
    if (picture === undefined) return undefined;
    const file = `${picturesName}/${picture.class}/${picture.split}-${picture.name}`;
    entries.push({ path: file, class: picture.class, group: file, origin: picture.split });
    return file;
  };
  try {
    await unzip(archive, out, target, limits, onProgress);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await rm(archive, { force: true });
    throw new UserError(`${error.message} It was deleted: run the stage again to download it anew.`);
  }
  if (entries.length === 0) {
    throw new UserError(
      `The archive of ${params.dataset} holds no pictures at …/train/<class>/ and …/test/<class>/: is it the data set that this source is made for?`,
    );
  }
  const counts = countByClass(entries);
  requireExpected(params, counts);
  const [owner] = params.dataset.split('/');
  const origins = Object.entries(countBySplit(entries)).map(([split, pictures]) => ({
    id: split,
    name: `${params.dataset} (${split})`,
    author: owner ?? null,
    authorUrl: `https://www.kaggle.com/${owner}`,
    licence: null,
    licenceUrl: `https://www.kaggle.com/datasets/${params.dataset}`,
    version: null,
    pictures,
  }));
  await writeSource(out, entries, origins);
  return counts;
}

/** What the path of an entry says, or undefined when it is no picture of the data set. */
export function pictureOf(path: string): { split: string; class: string; name: string } | undefined {
  const match = /(?:^|\/)(train|test)\/([^/]+)\/([^/]+)$/i.exec(path);
  if (match === null) return undefined;
  const [, split, folder, name] = match as unknown as [string, string, string, string];
  const junk = /(^|\/)__MACOSX\//.test(path) || name.startsWith('.') || folder.startsWith('.');
  if (junk || extname(name) === '' || !isPictureName(name)) return undefined;
  return { split: split.toLowerCase(), class: folder.toLowerCase(), name };
}

function requireExpected(
  { dataset, expected }: Pick<KaggleParams, 'dataset' | 'expected'>,
  counts: Readonly<Record<string, number>>,
): void {
  const wrong = Object.entries(expected).filter(([name, count]) => (counts[name] ?? 0) !== count);
  if (wrong.length === 0) return;
  const differences = wrong.map(([name, count]) => `${name}: expected ${count}, found ${counts[name] ?? 0}`);
  throw new UserError(
    `The archive of ${dataset} does not hold the expected pictures (${differences.join('; ')}). ` +
      'If its authors changed it, correct source.kaggle.expected in params.yaml; the results will not be comparable with those before.',
  );
}

function countBySplit(entries: readonly CatalogEntry[]): Record<string, number> {
  return countByClass(entries.map((entry) => ({ ...entry, class: entry.origin })));
}
