// Finds the tools that the native set-up needs on this machine: Python with pip, and a C++ compiler.
import { execa } from 'execa';
import { UserError } from '../../engine/stage.ts';
import { compilerNames, onPath, pythonNames } from './tool-names.ts';

/** The programs that the set-up runs. */
export interface Tools {
  readonly python: string;
  readonly compiler: string;
}

/**
 * Finds a Python whose pip works, and a compiler.
 * @throws UserError that names what is missing and what to install
 */
export async function findTools(env: NodeJS.ProcessEnv = process.env): Promise<Tools> {
  const python = await firstThatRuns(pythonNames, ['-m', 'pip', '--version'], env);
  const compiler = await firstThatRuns(compilerNames(env), ['--version'], env);
  const missing = [
    ...(python === undefined ? [`Python with pip (${install('python3-pip', 'python3')})`] : []),
    ...(compiler === undefined ? [`a C++ compiler (${install('g++', 'g++')})`] : []),
  ];
  if (python !== undefined && compiler !== undefined) return { python, compiler };
  throw new UserError(`needs ${missing.join(' and ')}, which PATH doesn't have`);
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
