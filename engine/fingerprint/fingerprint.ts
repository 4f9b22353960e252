// A stage's fingerprint: readable data that names everything the result depends on; its key is the hash of that.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { byCodeUnit } from '../order.ts';

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
  // What an object is made of in canonical JSON: its fields in code-unit order, as this format's names are in ASCII.
  const fields = Object.entries(fingerprint)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(
      ([name, value]) => `"${name}":${isShared(name) ? sharedText(value as object) : canonicalText(value)}`,
    );
  return createHash('sha256').update(`{${fields.join()}}`).digest('hex');
}

// Canonical JSON is undefined only for values that JSON can't hold at all.
const canonicalText = (value: unknown): string => canonicalize(value)!;

/** Fields that may be the same long object in many fingerprints. */
const isShared = (field: string): boolean => field === 'code' || field === 'packages';

const texts = new WeakMap<object, string>();

function sharedText(value: object): string {
  let text = texts.get(value);
  if (text === undefined) {
    text = canonicalText(value);
    texts.set(value, text);
  }
  return text;
}
