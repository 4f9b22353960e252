// Moves and removes whole trees, also those with folders that their owner may not write to or look into.
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, lstat, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What its owner needs to list a folder and to change what it holds. */
const ownerAll = 0o700;

/** Removes the file or folder at `path`, if there is one. A folder's owner may always remove it, whatever its mode. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Gives the owner all rights to the folders of a tree. */
function openFolders(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  try {
    if ((stat.mode & ownerAll) !== ownerAll) chmodSync(path, (stat.mode & 0o7777) | ownerAll);
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) openFolders(join(path, entry.name));
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
