// Whether the text of a lock names an output, also in a block that a merge has damaged.

/** How the content of an output begins: its hash, the mark of its kind, and its size. */
const content = /^[0-9a-f]{64}[*/]? \d/;

/** @param path as `outs` in a lock have it */
export function namesOutput(text: string, path: string): boolean {
  const quoted = JSON.stringify(path);
  if (text.includes(`"path": ${quoted}`)) return true;
  const start = `${quoted}: "`;
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + 1)) {
    const value = at + start.length;
    if (content.test(text.slice(value, value + 70))) return true;
  }
  return false;
}
