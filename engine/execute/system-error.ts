// Says in a sentence what the operating system refused, and what can be done.
import { relative } from 'node:path';

/** The sentence for an error of a system call; undefined for one that is a bug. */
export function systemErrorText(error: unknown, root: string): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const { code, path, dest, message } = error as NodeJS.ErrnoException & { dest?: string };
  const shown = (absolute: string | undefined): string => {
    if (absolute === undefined) return 'A file';
    const inside = relative(root, absolute);
    return inside.startsWith('..') ? absolute : inside === '' ? 'The project' : inside;
  };
  const at = shown(dest ?? path);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `There is no space left on the disk. What is finished is kept; make room (\`rodada gc\` shows what the store can spare) and run it again.`;
    case 'EROFS':
      return `${at} can't be written: its file system is read-only. What is finished is kept.`;
    case 'EACCES':
    case 'EPERM':
      return `${at} can't be used: permission denied. What is finished is kept.`;
    case 'EXDEV':
      return `${at} lies on another file system than the store; both must be on one.`;
    case 'EIO':
      return `The disk fails at ${at}. What is finished is kept.`;
    default:
      return message;
  }
}
