// The names of the tools that the native set-up needs, and whether PATH has them: a cheap look, which starts no program.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const pythonNames = ['python3', 'python'];

/** `CXX` goes first, as for make. */
export function compilerNames(env: NodeJS.ProcessEnv): string[] {
  return [...(env.CXX ? [env.CXX] : []), 'g++', 'clang++', 'c++'];
}

/** Whether there is a program for each of the tools; that it works is not tried. */
export function toolsInReach(env: NodeJS.ProcessEnv = process.env): boolean {
  return [pythonNames, compilerNames(env)].every((names) => names.some((name) => onPath(name, env)));
}

/** Whether PATH has a program of this name; a name with a slash is the program's path itself. */
export function onPath(name: string, env: NodeJS.ProcessEnv): boolean {
  if (name.includes('/')) return isExecutable(name);
  return (env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && isExecutable(join(folder, name)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
