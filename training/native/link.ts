// Puts the cache's binding where tfjs-node looks for it.
import { copyFile, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { bindingName } from './compile-binding.ts';
import type { Places } from './places.ts';

/**
 * Links, or where links are refused copies, the binding with its libraries around it. Replaces what is there by a rename, so that a
 * process that starts meanwhile finds either the old or the new one.
 *
 * @param files of the cache's entry, relative to it
 */
export async function linkBinding(places: Places, files: readonly string[]): Promise<void> {
  const folder = dirname(places.binding);
  const binding = join(places.libraries, bindingName);
  await mkdir(folder, { recursive: true });
  const temporary = `${places.binding}.${process.pid}`;
  await rm(temporary, { force: true });
  try {
    await symlink(binding, temporary);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    for (const file of files.map((name) => join(places.entry, name))) {
      const copy = join(folder, relative(places.libraries, file)); // NVIDIA's go beside the folder, as in the cache
      if (copy === places.binding) continue;
      await mkdir(dirname(copy), { recursive: true });
      await copyFile(file, copy);
    }
    await copyFile(binding, temporary);
  }
  await rename(temporary, places.binding);
}
