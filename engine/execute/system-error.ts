// Says in a sentence what the operating system refused, and what can be done.
import { lstatSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { typed } from '../invocation.ts';
import { UnreadableName } from '../store/file-names.ts';
import { targetOf } from '../store/files.ts';
import { ChangingFile } from '../store/tree.ts';

/** What was thrown, in a sentence; of a bug all that is known of it. */
export const thrownText = (error: unknown, root: string): string =>
  systemErrorText(error, root) ?? (error instanceof Error ? error.stack : undefined) ?? String(error);

/** The sentence for an error of a system call, or of a file that can't be kept; undefined for one that is a bug. */
export function systemErrorText(error: unknown, root: string): string | undefined {
  if (error instanceof UnreadableName) return error.message.replaceAll(`${root}/`, '');
  if (error instanceof ChangingFile) return error.message;
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const { code, path, dest, message } = error as NodeJS.ErrnoException & { dest?: string };
  const shown = (absolute: string | undefined): string => {
    if (absolute === undefined) return 'A file';
    const inside = relative(root, targetOf(absolute));
    return inside.startsWith('..') ? targetOf(absolute) : inside === '' ? 'The project' : inside;
  };
  const at = shown(dest ?? path);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `There is no space left on the disk. What is finished is kept; make room (\`${typed('gc --dry')}\` shows what the store can spare) and run it again.`;
    case 'EROFS':
      return `${at} can't be written: its file system is read-only. What is finished is kept.`;
    case 'EACCES':
    case 'EPERM':
      return `${at} can't be used: permission denied. What is finished is kept.`;
    case 'EXDEV':
      return `${at} lies on another file system than the store; both must be on one.`;
    case 'EIO':
      return `The disk fails at ${at}. What is finished is kept.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${shown(fileOnTheWay(dest ?? path))} is a file, but must be a folder. Move it away and run it again.`;
    case 'EISDIR':
      return `${at} is a folder, but must be a file. Move it away and run it again.`;
    case 'ENOTEMPTY':
      return `${at} got new files while it was removed. Run it again when nobody writes to it.`;
    case 'ELOOP':
      return `${at} can't be reached: its symbolic links lead in a circle. Remove or correct them.`;
    case 'ENAMETOOLONG':
      return `${at} is a longer path than the file system allows. Use a shorter one.`;
    case 'EMFILE':
    case 'ENFILE':
      return `Too many files are open. Raise the limit (\`ulimit -n\`), or use fewer \`--jobs\`.`;
    case 'EBUSY':
    case 'ETXTBSY':
      return `${at} is in use: another program or a mount holds it. Run it again when it is free.`;
    case 'ENOENT':
      return `${at} is gone: something removed it meanwhile. Run it again.`;
    default:
      return message;
  }
}

/** The first of a path's folders, or the path itself, that is there and no folder. */
function fileOnTheWay(path: string | undefined): string | undefined {
  for (let at = path; at !== undefined && at !== dirname(at); at = dirname(at)) {
    try {
      return lstatSync(at).isDirectory() ? path : at;
    } catch {
      // Nothing is there, or a file stands on the way to it.
    }
  }
  return path;
}
