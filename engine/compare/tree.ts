// The files of one version of the project, wherever they are kept, and those that are in a folder.
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';

/** One version of the project's files. */
export interface Tree {
  /** What messages call it: `main (1a2b3c4d)`, `../other`, `the workspace`. */
  readonly label: string;
  /**
   * The texts of all files under the given paths (a file, or a folder at any depth) that `wanted` accepts, by path
   * relative to the project, with `/`, in code-unit order. A path that does not exist gives nothing.
   */
  read(paths: readonly string[], wanted: (path: string) => boolean): Promise<Result<Map<string, string>>>;
}

/** The files in a folder as they are now. */
export function folderTree(root: string, label: string): Tree {
  return {
    label,
    async read(paths, wanted) {
      const found = (await Promise.all(paths.map((path) => filesUnder(root, path)))).flat();
      const texts = new Map<string, string>();
      for (const path of [...new Set(found)].filter(wanted).sort(byCodeUnit)) {
        try {
          texts.set(path, await readFile(join(root, path), 'utf8'));
        } catch (error) {
          if (hasCode(error, 'EISDIR')) continue;
          return fail({ reason: 'file', path: join(root, path), message: String((error as Error).message) });
        }
      }
      return succeed(texts);
    },
  };
}

async function filesUnder(root: string, path: string): Promise<string[]> {
  try {
    const inside = await readdir(join(root, path), { recursive: true });
    return inside.map((name) => `${path}/${name.split(sep).join('/')}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    if (hasCode(error, 'ENOTDIR')) return [path];
    throw error;
  }
}

const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code;
