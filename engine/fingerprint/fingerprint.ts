// A stage's fingerprint: readable data that names everything the result depends on; its key is the hash of that.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

// The package is CommonJS without the default export that its types declare.
const canonicalize = createRequire(import.meta.url)('canonicalize') as (value: unknown) => string | undefined;

export interface Fingerprint {
  /** Version of this format; a new one makes every stage run again. */
  readonly format: 2;
  /** The command, or the list of them, with its templates resolved, but for the paths of deps and outs, which are named below. */
  readonly cmd: string | readonly string[];
  /** The shell that runs the command; absent if it is `bash -euo pipefail`. */
  readonly shell?: string;
  /** File of the command's code → hash of what it compiles to: comments, types and formatting don't count. */
  readonly code: Readonly<Record<string, string>>;
  /** npm package that the code imports → version in the lockfile. */
  readonly packages: Readonly<Record<string, string>>;
  /** Dotted name → value of the parameters that the stage names; no other can reach its command. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Label of each matrix axis and the value behind it. */
  readonly matrix: Readonly<Record<string, { readonly label: string; readonly value: unknown }>>;
  /** Name → path → what names the content: its hash, with a mark for an executable file and a directory. */
  readonly deps: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Name → path: where the outs go is seen by the command's readers, and by whoever reads the lock. */
  readonly outs: Readonly<Record<string, string>>;
  /** Node's major version and environment facts. */
  readonly environment: Readonly<Record<string, string>>;
  /** Environment variable → hash of its value, null if it is not set; absent if the stage names none. */
  readonly variables?: Readonly<Record<string, string | null>>;
  /** Folder that the commands run in, relative to the project; absent where it is the project. */
  readonly wdir?: string;
}

/** SHA-256, in hexadecimal, of the fingerprint's canonical JSON (RFC 8785). */
export function keyOf(fingerprint: Fingerprint): string {
  // Canonical JSON is undefined only for values that JSON can't hold at all.
  return createHash('sha256').update(canonicalize(fingerprint)!).digest('hex');
}
