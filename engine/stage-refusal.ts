// Says in a sentence what the operating system refused a stage: a stack trace would not tell its user what to do.
import { relative } from 'node:path';

const next = 'Then run it again; what is finished is kept.';

/**
 * The sentence for an error of a system call; undefined for a bug.
 * @param outs the stage's paths by their names
 */
export function refusalText(error: unknown, outs: Readonly<Record<string, string>>): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const what = placeText(path, outs);
  switch (code) {
    case 'ENOSPC':
      return `There is no space left on the disk for ${what}. Make room: the verb \`gc\` removes what the store can spare. ${next}`;
    case 'EDQUOT':
      return `The disk quota is used up: there is no room for ${what}. Make room, or ask for more. ${next}`;
    case 'EROFS':
      return `Can't write ${what}: the file system is read-only. Mount it writable, or move the project. ${next}`;
    case 'EACCES':
    case 'EPERM':
      return `Can't use ${what}: permission denied. Correct the rights. ${next}`;
    case 'EIO':
      return `The disk fails at ${what} (input/output error). Check the disk. ${next}`;
    case 'EMFILE':
    case 'ENFILE':
      return `Too many files are open for ${what}. Raise the limit (\`ulimit -n\`), or use fewer \`--jobs\`. ${next}`;
    default:
      return undefined;
  }
}

/** `its output \`model\``, as pipeline.yaml calls it: scratch paths say nothing to a user. */
function placeText(path: string | undefined, outs: Readonly<Record<string, string>>): string {
  if (path === undefined) return 'its outputs';
  const out = Object.entries(outs).find(([, at]) => path === at || path.startsWith(`${at}/`));
  if (out === undefined) return `\`${relative('.', path).startsWith('..') ? path : relative('.', path)}\``;
  const inside = relative(out[1], path);
  return `its output \`${out[0]}\`${inside === '' ? '' : ` (${inside})`}`;
}
