// Shows a path on one line: names may hold newlines, and what a terminal would take for a command.

/** The path, with control characters as JSON writes them: `new\nline`. */
export const pathText = (path: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  path.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u00${character.charCodeAt(0).toString(16)}` : escaped;
  });
