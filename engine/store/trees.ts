// Lists folders, and moves and removes whole trees, also those with folders that their owner may not write to or look into.
import {
  chmodSync,
  type Dirent,
  lstatSync,
  opendirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { chmod, lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { breathe } from './breathe.ts';

/** The entries of a folder, in the order of the file system. Unlike with `readdirSync`, few are in memory at once. */
export function* entriesOf(folder: string): Generator<Dirent> {
  const opened = opendirSync(folder, { bufferSize: 1024 });
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } finally {
    opened.closeSync();
  }
}

/** What its owner needs to list a folder and to change what it holds. */
const ownerAll = 0o700;

/** Removes the file or folder at `path`, if there is one. A folder's owner may always remove it, whatever its mode. */
export async function removeTree(path: string): Promise<void> {
  try {
    await remove(bytesOf(path));
  } catch {
    openFolders(path);
    await remove(bytesOf(path));
  }
}

/** A path as text with a character for each byte: names need not be UTF-8 to be removed. */
const bytesOf = (path: string): string => Buffer.from(path).toString('latin1');

/** Removes one entry after the other; `rm` of Node begins with all entries of a folder at once, which takes memory for each. */
async function remove(path: string): Promise<void> {
  const own = Buffer.from(path, 'latin1');
  if (lstatSync(own, { throwIfNoEntry: false })?.isDirectory() !== true) return rmSync(own, { force: true });
  for (const name of readdirSync(own, 'latin1')) {
    const entry = `${path}/${name}`;
    try {
      unlinkSync(Buffer.from(entry, 'latin1'));
    } catch {
      await remove(entry); // mostly a folder
    }
    await breathe();
  }
  rmdirSync(own);
}

/** Gives the owner all rights to the folders of a tree. */
function openFolders(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  try {
    if ((stat.mode & ownerAll) !== ownerAll) chmodSync(path, (stat.mode & 0o7777) | ownerAll);
    for (const entry of entriesOf(path)) if (entry.isDirectory()) openFolders(join(path, entry.name));
  } catch {
    // Somebody else's: removing it says so.
  }
}

/** Renames a file or folder. A read-only folder can be moved to another one, too, and stays read-only. */
export async function moveTree(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // To move a folder to another one, its owner must be allowed to write to it: its entry `..` changes.
    const stat = await lstat(from).catch(() => undefined);
    if (stat?.isDirectory() !== true || (stat.mode & ownerAll) === ownerAll) throw error;
    const mode = stat.mode & 0o7777;
    await chmod(from, mode | ownerAll);
    let moved = from;
    try {
      await rename(from, to);
      moved = to;
    } finally {
      await chmod(moved, mode);
    }
  }
}
