// The folder source: pictures of one's own, one folder for each class.
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { UserError } from '../engine/stage.ts';
import type { CatalogEntry } from '../pictures/catalog.ts';
import { isPictureName, pictureExtensions } from './picture-files.ts';
import { byCodeUnit, picturesName, writeSource } from './source.ts';

export interface FolderSummary {
  /** Pictures by class. */
  readonly classes: ReadonlyMap<string, number>;
  /** Files left out, hidden ones and those without a picture's extension, relative to the root. */
  readonly ignored: readonly string[];
}

/**
 * Takes the pictures `<root>/<class>/*`; deeper folders of a class count as its own (`car/day/1.jpg` is a car).
 *
 * The outputs belong to the store, which makes them read-only and may delete them: so the files are copied, as reflinks
 * where the file system has them, which take no space. Each picture is a group of its own: if yours come in series (a
 * camera, a video), near copies may fall on both sides of the split; nothing in a plain folder tells.
 *
 * @throws UserError when the root or its class folders are missing or hold no pictures
 */
export async function readFolder(
  root: string,
  out: string,
  onProgress?: (done: number, total: number) => void,
): Promise<FolderSummary> {
  const ignored: string[] = [];
  const classes = await classFolders(root, ignored);
  const files: { path: string; class: string }[] = [];
  for (const name of classes) {
    for (const path of await filesBelow(root, name, ignored)) files.push({ path, class: name });
  }
  if (files.length === 0) {
    throw new UserError(
      `The class folders of ${root} hold no pictures: files with one of the extensions ${pictureExtensions.join(' ')} are needed.`,
    );
  }
  const entries = files.map(
    (file): CatalogEntry => ({
      path: `${picturesName}/${file.path}`,
      class: file.class,
      group: file.path,
      origin: basename(resolve(root)),
    }),
  );
  for (const folder of new Set(entries.map((entry) => dirname(entry.path)))) {
    await mkdir(join(out, folder), { recursive: true });
  }
  let done = 0;
  await pLimit(16).map(files, async (file, index) => {
    await copyFile(join(root, file.path), join(out, entries[index]!.path), constants.COPYFILE_FICLONE);
    onProgress?.(++done, files.length);
  });
  const unknown = { author: null, authorUrl: null, licence: null, licenceUrl: null, version: null };
  const id = basename(resolve(root));
  await writeSource(out, entries, [{ id, name: id, ...unknown, pictures: entries.length }]);
  return {
    classes: new Map(classes.map((name) => [name, files.filter((file) => file.class === name).length])),
    ignored: ignored.sort(byCodeUnit),
  };
}

async function classFolders(root: string, ignored: string[]): Promise<string[]> {
  const entry = await stat(root).catch(() => undefined);
  if (entry === undefined || !entry.isDirectory()) {
    throw new UserError(
      `${root} (source.folder.root) ${entry === undefined ? 'does not exist' : 'is not a folder'}: ` +
        'give the path of a folder that holds one folder of pictures for each class.',
    );
  }
  const folders: string[] = [];
  for (const name of (await readdir(root)).sort(byCodeUnit)) {
    const entry = await stat(join(root, name)).catch(() => undefined); // a link that leads nowhere
    if (!name.startsWith('.') && entry?.isDirectory()) folders.push(name);
    else ignored.push(name);
  }
  if (folders.length === 0) {
    const loose = ignored.filter(isPictureName).length;
    throw new UserError(
      `${root} (source.folder.root) holds no class folders${loose > 0 ? `, but ${loose} pictures` : ''}: ` +
        `put the pictures of each class into a folder named after it, ${join(root, 'car', 'a-picture.jpg')}.`,
    );
  }
  return folders;
}

/** Picture files below a folder, relative to the root, with `/`, in code-unit order. */
async function filesBelow(root: string, folder: string, ignored: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await readdir(join(root, folder))).sort(byCodeUnit)) {
    const path = `${folder}/${name}`;
    const file = join(root, path);
    // Links to pictures are followed, links to folders are not: they may lead round in a circle.
    const entry = name.startsWith('.') ? undefined : await stat(file).catch(() => undefined);
    if (entry?.isDirectory() && !(await lstat(file)).isSymbolicLink()) {
      found.push(...(await filesBelow(root, path, ignored)));
    } else if (entry?.isFile() && isPictureName(name)) {
      found.push(path);
    } else {
      ignored.push(path);
    }
  }
  return found;
}
