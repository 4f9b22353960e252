// Chooses the shell that runs commands: what pipeline.yaml says, otherwise bash with its checks on, otherwise sh.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

/** The shell of pipelines that name none. A failing command, also inside a pipe, and an unset variable end it. */
export const usualShell = 'bash -euo pipefail';

/** The shell of pipelines that name none, on machines without bash. It overlooks failures inside pipes. */
export const fallbackShell = 'sh -eu';

/** Words of a shell, separated by spaces. Quotes and templates would look as if they did something. */
export const shellPattern = /^[^\s'"\\$]+( +[^\s'"\\$]+)*$/;

/** One way to write a shell: its words with one space between them. `-c` is added when it runs, so it may be left out. */
export function normalizeShell(text: string): string {
  return text.trim().replaceAll(/ +/g, ' ').replace(/ -c$/, '');
}

let usualIsThere: boolean | undefined;

/** The shell of a pipeline that names none: looked for once. */
export function defaultShell(): string {
  usualIsThere ??= findProgram('bash', process.env.PATH ?? '', process.cwd()) !== undefined;
  return usualIsThere ? usualShell : fallbackShell;
}

/** The PATH of commands: the project's packages and this Node come first. */
export function searchPath(root: string): string {
  return [join(root, 'node_modules', '.bin'), dirname(process.execPath), process.env.PATH ?? ''].join(
    delimiter,
  );
}

/** The file that a program's name stands for; a name with a slash is relative to `root`. Undefined if there is none. */
export function findProgram(name: string, path: string, root: string): string | undefined {
  if (isAbsolute(name) || name.includes('/')) return executable(resolve(root, name));
  for (const folder of path.split(delimiter)) {
    const file = executable(resolve(root, folder, name));
    if (file !== undefined) return file;
  }
  return undefined;
}

function executable(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
