// Finds the tools that the native set-up needs on this machine: Python with pip, and a C++ compiler.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { UserError } from '../../engine/stage.ts';

/** The programs that the set-up runs. */
export interface Tools {
  readonly python: string;
  readonly compiler: string;
}

const pythons = ['python3', 'python'];
const compilers = ['g++', 'clang++', 'c++'];

/** Whether programs of these names are on PATH: a cheap answer, which starts none of them. */
export function toolsInReach(env: NodeJS.ProcessEnv = process.env): boolean {
  return pythons.some((name) => onPath(name, env)) && compilerNames(env).some((name) => onPath(name, env));
}

/**
 * Finds a Python whose pip works, and a compiler.
 * @throws UserError that names what is missing and what to install
 */
export async function findTools(env: NodeJS.ProcessEnv = process.env): Promise<Tools> {
  const python = await firstThatRuns(pythons, ['-m', 'pip', '--version'], env);
  const compiler = await firstThatRuns(compilerNames(env), ['--version'], env);
  const missing = [
    ...(python === undefined ? [`Python with pip (${install('python3-pip', 'python3')})`] : []),
    ...(compiler === undefined ? [`a C++ compiler (${install('g++', 'g++')})`] : []),
  ];
  if (python !== undefined && compiler !== undefined) return { python, compiler };
  throw new UserError(`needs ${missing.join(' and ')}, which PATH doesn't have`);
}

/** `CXX` goes first, as for make. */
function compilerNames(env: NodeJS.ProcessEnv): string[] {
  return [...(env.CXX ? [env.CXX] : []), ...compilers];
}

function install(apt: string, other: string): string {
  if (process.platform === 'darwin') return 'install it with `xcode-select --install`';
  return `install it with \`apt-get install ${apt}\` or your system's package of ${other}`;
}

async function firstThatRuns(
  names: string[],
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  for (const name of names) {
    if (!onPath(name, env)) continue;
    const result = await execa(name, args, { env, extendEnv: false, reject: false, stdin: 'ignore' });
    if (result.exitCode === 0) return name;
  }
  return undefined;
}

function onPath(name: string, env: NodeJS.ProcessEnv): boolean {
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
