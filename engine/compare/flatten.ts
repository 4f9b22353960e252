// Flattens nested JSON and YAML into dotted keys, so that two versions can be compared value by value.

/** A key with `.`-joined segments: `perClass.car.f1`. A segment that itself holds a dot or a quote is quoted: `perClass."St. Bernard".f1`. */
export type DottedKey = string;

const plain = /^[^."]+$/;

const joined = (prefix: DottedKey, segment: string): DottedKey => {
  const shown = plain.test(segment) ? segment : JSON.stringify(segment);
  return prefix === '' ? shown : `${prefix}.${shown}`;
};

/** The segments of a dotted key: the inverse of how {@link flattenNumbers} and {@link flattenLeaves} join them. */
export function segments(key: DottedKey): string[] {
  const found: string[] = [];
  for (const [text] of key.matchAll(/"(?:[^"\\]|\\.)*"|[^."]+/g)) {
    found.push(text.startsWith('"') ? (JSON.parse(text) as string) : text);
  }
  return found;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What JSON can't write as numbers, as the texts that most writers choose. */
const nonFinite = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/**
 * All numbers of a metrics document by dotted key.
 *
 * Lists are left out: the rows of a confusion matrix or the epochs of a curve say little number by number, and what
 * they add up to stands beside them. The texts `NaN`, `Infinity` and `-Infinity` count as the numbers they name;
 * other texts, booleans and null do not count.
 */
export function flattenNumbers(document: unknown): Map<DottedKey, number> {
  const numbers = new Map<DottedKey, number>();
  for (const [key, value] of flattenLeaves(document)) {
    const number = typeof value === 'string' ? nonFinite.get(value) : value;
    if (typeof number === 'number') numbers.set(key, number);
  }
  return numbers;
}

/** All values of a document by dotted key; a list is one value, and so is an empty mapping. */
export function flattenLeaves(document: unknown): Map<DottedKey, unknown> {
  const leaves = new Map<DottedKey, unknown>();
  const visit = (value: unknown, prefix: DottedKey): void => {
    if (isMapping(value) && (prefix === '' || Object.keys(value).length > 0)) {
      for (const [segment, inner] of Object.entries(value)) visit(inner, joined(prefix, segment));
    } else if (prefix !== '') {
      leaves.set(prefix, value);
    }
  };
  visit(document, '');
  return leaves;
}
