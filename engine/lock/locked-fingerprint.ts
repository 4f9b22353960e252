// A fingerprint as pipeline.lock has it: with short hashes, and only to name what changed.
import type { Fingerprint } from '../fingerprint/fingerprint.ts';

type Hashes = Readonly<Record<string, string>>;

/**
 * The fingerprint of a block. Its hashes of code are shortened to 132 bits. Whether a stage is up to date is decided by the key
 * alone, which is made of the full hashes; the short ones only name the file that changed. Two different files have the same 132
 * bits by chance about once in 10^39 comparisons.
 */
export type LockedFingerprint = Fingerprint;

/** Stands for the content of a dependency if the lock does not tell it. */
export const unknownContent = '';

const fullHash = /^[0-9a-f]{64}$/;
const shortDigits = 22; // in base64url

/** A SHA-256 in hexadecimal in the short form; any other text as it is. */
const shortened = (hash: string): string =>
  fullHash.test(hash) ? Buffer.from(hash, 'hex').toString('base64url').slice(0, shortDigits) : hash;

/** Short forms of objects, each made once: instances of one stage often have the same code. */
const known = new WeakMap<Hashes, Hashes>();

function shortHashes(hashes: Hashes): Hashes {
  let short = known.get(hashes);
  if (short === undefined) {
    short = Object.fromEntries(Object.entries(hashes).map(([name, hash]) => [name, shortened(hash)]));
    known.set(hashes, short);
  }
  return short;
}

/** The fingerprint as a block has it. */
export const lockedFingerprint = (fingerprint: Fingerprint): LockedFingerprint => ({
  ...fingerprint,
  code: shortHashes(fingerprint.code),
});

/** Whether the content of a dependency is not known. */
export const lacksContent = ({ deps }: LockedFingerprint): boolean =>
  Object.values(deps).some((hashes) => Object.values(hashes).includes(unknownContent));
