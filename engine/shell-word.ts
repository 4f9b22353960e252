// Writes a text as one word of a shell: for commands that the engine runs, and for those that a user types.

/** The text as one word for any shell. */
export const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/g;

/** The text as one word that a user can type and a terminal can show: control characters as bash writes them, `$'new\nline'`. */
export function shellWord(text: string): string {
  if (/^[\p{L}\p{M}\p{N}_:./@%+,-]+$/u.test(text)) return text;
  const word = quoted(text);
  if (word.search(control) < 0) return word;
  const inner = text.replaceAll(/[\\']/g, '\\$&').replaceAll(control, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return /^\\[bfnrt]$/.test(escaped)
      ? escaped
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `$'${inner}'`;
}
