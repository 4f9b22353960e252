// Flattens nested JSON and YAML into dotted keys, so that two versions can be compared value by value.

/** A key with `.`-joined segments: `perClass.car.f1`. A segment that itself holds a dot or a quote is quoted: `perClass."St. Bernard".f1`. */
export type DottedKey = string;

const plain = /^[^."]+$/;

const joined = (prefix: DottedKey, segment: string): DottedKey => {
  const shown = plain.test(segment) ? segment : JSON.stringify(segment);
  return prefix === '' ? shown : `${prefix}.${shown}`;
};

/** The segments of a dotted key: the inverse of how {@link flattenLeaves} joins them. */
export function segments(key: DottedKey): string[] {
  const found: string[] = [];
  for (const [text] of key.matchAll(/"(?:[^"\\]|\\.)*"|[^."]+/g)) {
    found.push(text.startsWith('"') ? (JSON.parse(text) as string) : text);
  }
  return found;
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * All values of a document by dotted key; a list is one value, and so is an empty mapping.
 *
 * @param isLeaf which mappings are one value, too
 */
export function flattenLeaves(
  document: unknown,
  isLeaf: (mapping: Record<string, unknown>) => boolean = () => false,
): Map<DottedKey, unknown> {
  const leaves = new Map<DottedKey, unknown>();
  const visit = (value: unknown, prefix: DottedKey): void => {
    const isInner = isMapping(value) && (prefix === '' || (Object.keys(value).length > 0 && !isLeaf(value)));
    if (isInner) {
      for (const [segment, inner] of Object.entries(value)) visit(inner, joined(prefix, segment));
    } else if (prefix !== '') {
      leaves.set(prefix, value);
    }
  };
  visit(document, '');
  return leaves;
}
