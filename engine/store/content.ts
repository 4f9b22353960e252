// When two contents are the same: their bytes and their kind. A private mode is kept beside a content, but is no part of it.

/** The content of a dependency or an out. */
export interface Content {
  /** `executable` is a file that somebody may execute. */
  readonly type: 'file' | 'executable' | 'directory';
  /** SHA-256 of a file's bytes, or of a directory's manifest. */
  readonly hash: string;
  /** Bytes of all files. */
  readonly size: number;
  readonly files: number;
  /** Object that lists the modes of an output that are stricter than the umask asked for; absent if there are none. */
  readonly modes?: string;
}

/** What a file's mode says of its kind. */
export const kindOfMode = (mode: number | bigint): 'file' | 'executable' =>
  (Number(mode) & 0o111) === 0 ? 'file' : 'executable';

/** Whether two contents are the same bytes and of the same kind. */
export const sameContent = (
  one: Pick<Content, 'type' | 'hash'> | null | undefined,
  other: Pick<Content, 'type' | 'hash'> | null | undefined,
): boolean => one?.hash === other?.hash && one?.type === other?.type;

/** How `ls -F` marks each kind. */
const marks = { file: '', executable: '*', directory: '/' } as const;

/** Names a content by kind and bytes, for fingerprints: a plain file by the SHA-256 of its bytes alone. */
export const identityOf = ({ type, hash }: Pick<Content, 'type' | 'hash'>): string => hash + marks[type];

/** The content that an identity names; its size is not known. */
export function contentOfIdentity(identity: string): Content {
  const type = identity.endsWith('*') ? 'executable' : identity.endsWith('/') ? 'directory' : 'file';
  return { type, hash: identity.replace(/[*/]$/, ''), size: 0, files: 1 };
}
