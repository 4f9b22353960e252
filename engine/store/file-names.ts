// File names and targets of links are text here, and so must be UTF-8; any that is not is named, never passed over or changed.
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A file's name, or what a link leads to, is not UTF-8. */
export class UnreadableName extends Error {
  /** What is wrong, without the next step. */
  readonly what: string;

  constructor(what: string, nextStep: string) {
    super(`${what}. ${nextStep}`);
    this.what = what;
  }
}

/** What the system's decoder puts in the place of bytes that are not UTF-8. */
const replacement = '\uFFFD';

/**
 * Checks the names of a folder's entries that were read as text.
 * @throws UnreadableName
 */
export function checkNames(folder: string, names: Iterable<string>): void {
  for (const name of names) if (name.includes(replacement)) checkBytes(folder);
}

function checkBytes(folder: string): void {
  for (const name of readdirSync(folder, { encoding: 'buffer' }))
    if (!isUtf8(name)) {
      const shown = escaped(Buffer.concat([Buffer.from(join(folder, '/')), name]));
      throw new UnreadableName(
        `\`${shown}\` has a name that is not UTF-8`,
        `Rename it; in bash: mv $'${shown.replaceAll("'", "\\'")}' NEW-NAME`,
      );
    }
}

/**
 * What a symbolic link says.
 * @throws UnreadableName
 */
export function linkTarget(path: string): string {
  const target = readlinkSync(path);
  if (!target.includes(replacement)) return target;
  const bytes = readlinkSync(path, { encoding: 'buffer' });
  if (isUtf8(bytes)) return target;
  throw new UnreadableName(
    `\`${path}\` is a symbolic link to \`${escaped(bytes)}\`, a name that is not UTF-8`,
    'Rename what it leads to, and make the link again.',
  );
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

/** The text with `\xe9` for each byte that is not UTF-8, as bash reads it inside `$'…'`. */
function escaped(bytes: Buffer): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => isUtf8(bytes.subarray(i, i + n)));
    const piece = bytes.subarray(i, i + (length ?? 1));
    text += length === undefined ? `\\x${piece.toString('hex')}` : piece.toString('utf8');
    i += piece.length;
  }
  return text;
}
