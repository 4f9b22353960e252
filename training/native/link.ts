// Puts the cache's binding where tfjs-node looks for it.
import { copyFile, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bindingName } from './compile.ts';
import type { Places } from './places.ts';

/**
 * Links, or where links are refused copies, the binding with its libraries beside it. Replaces what is there by a rename, so that a
 * process that starts meanwhile finds either the old or the new one.
 */
export async function linkBinding(places: Places, libraryNames: readonly string[]): Promise<void> {
  const folder = dirname(places.binding);
  await mkdir(folder, { recursive: true });
  const temporary = `${places.binding}.${process.pid}`;
  await rm(temporary, { force: true });
  try {
    await symlink(join(places.entry, bindingName), temporary);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    for (const name of libraryNames) await copyFile(join(places.entry, name), join(folder, name));
    await copyFile(join(places.entry, bindingName), temporary);
  }
  await rename(temporary, places.binding);
}
