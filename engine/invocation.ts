// How the user started rodada: from which folder, and by which command, so that hints name commands that work when typed.
import { readFileSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { shellWord } from './shell-word.ts';

/** Who started this process. */
type Starter =
  /** A script of package.json: `npm run repro`. */
  | 'script'
  /** `npx rodada`, `npm exec rodada`. */
  | 'npx'
  /** A shell, a program or a stage's command. */
  | 'other'
  /** This is not the engine, but a stage's script or another program of the project. */
  | 'no-engine';

interface Invocation {
  readonly starter: Starter;
  /** Where the user was when they typed the command; undefined if that folder is gone. */
  readonly folder: string | undefined;
  /** The engine's program as it was started, such as a link on the PATH. */
  readonly program: string;
}

interface Manifest {
  readonly folder: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: boolean;
}

const programName = 'rodada.mjs';

// Read when the module is loaded: the engine changes to the project's folder later.
const invocation = readInvocation();

/** The folder in which the user typed the command; undefined if it no longer exists. Paths on the command line are relative to it. */
export const startFolder = (): string | undefined => invocation.folder;

export interface TypedOptions {
  /** The output is for a program: without the lines that npm prints first. */
  readonly quiet?: boolean;
  /** Where the user will type it (default: where they are now). */
  readonly folder?: string;
}

/**
 * A command of rodada as the user can type it, for hints, help and examples.
 *
 * If a script of package.json started rodada, it is the script for the verb: `npm run gc -- --dry`. If package.json has
 * none, or if npx started rodada, it is `npx rodada gc --dry`. Otherwise it is `rodada gc --dry` if that program is on
 * the PATH, and else the program's own path: `node ../engine/rodada.mjs gc --dry`.
 *
 * npm's variables are inherited by all that its script starts, so they alone don't tell who started rodada. They are
 * believed only if the script's text calls rodada, if this process is in the folder to which npm changes, and if no
 * stage runs this process (`RODADA_STAGE`). A `node_modules/.bin` on the PATH is passed over: npm and the engine add it,
 * and the user's shell does not have it. In a program that is not the engine, such as a stage's script, the command is
 * the project's npm script or npx.
 *
 * @param command verb, options and arguments; write those that come from elsewhere with `shellWord`
 */
export function typed(
  command: string,
  { quiet = false, folder = invocation.folder ?? '/' }: TypedOptions = {},
): string {
  const { starter } = invocation;
  const manifest = nearestManifest(folder);
  if (starter === 'script' || starter === 'no-engine') {
    const script = manifest && scriptCommand(manifest, command, quiet);
    if (script !== undefined) return script;
  }
  if (starter === 'no-engine' || (starter !== 'other' && npxFinds(folder, manifest)))
    return `npx rodada ${command}`;
  return `${directly(folder, manifest)} ${command}`;
}

/** A text in which each `rodada …` between backticks becomes the command as the user can type it. */
export const withTyped = (text: string): string =>
  text.replaceAll(/`rodada ([^`]+)`/g, (_, command: string) => `\`${typed(command)}\``);

/** The command without npm: by a program on the PATH, in node_modules or anywhere. */
function directly(folder: string, manifest: Manifest | undefined): string {
  const { program } = invocation;
  if (isOnPath(program)) return 'rodada';
  if (program.includes(`${sep}node_modules${sep}`) && npxFinds(folder, manifest)) return 'npx rodada';
  const near = relative(folder, program);
  return `node ${shellWord(near.length < program.length ? near : program)}`;
}

function readInvocation(): Invocation {
  const program = process.argv[1] ?? '';
  const folder = currentFolder();
  if (basename(real(program) ?? '') !== programName) return { starter: 'no-engine', folder, program };
  const starter = starterIn(folder);
  const { INIT_CWD: typedIn } = process.env;
  // npm changes to the folder of package.json. With --prefix or in a workspace, the user means that folder.
  const within = starter === 'script' && folder !== undefined && isWithin(real(typedIn), folder);
  return { starter, folder: within ? real(typedIn) : folder, program };
}

function starterIn(folder: string | undefined): Starter {
  const { RODADA_STAGE, npm_lifecycle_event, npm_lifecycle_script = '', npm_package_json } = process.env;
  const stage = RODADA_STAGE !== undefined;
  if (stage || folder === undefined || !callsRodada(npm_lifecycle_script)) return 'other';
  if (npm_lifecycle_event === 'npx') return 'npx';
  return npm_package_json !== undefined && real(dirname(npm_package_json)) === folder ? 'script' : 'other';
}

/** Whether a script's text starts the engine: `rodada repro`, `node engine/rodada.mjs repro`, `'rodada'`. */
function callsRodada(script: string): boolean {
  return /(^|[\s/'"])rodada(\.mjs)?($|[\s'"])/.test(script);
}

/** The npm script for the verb, also one for all verbs (`"rodada": "rodada"`); undefined if there is none. */
function scriptCommand({ scripts }: Manifest, command: string, quiet: boolean): string | undefined {
  const [verb, ...rest] = command.split(' ');
  const named = (pattern: RegExp): string | undefined =>
    Object.keys(scripts).find((name) => pattern.test(scripts[name]!.trim()));
  const own = named(new RegExp(`^[^&|;]*\\brodada(\\.mjs)? ${verb}$`));
  const words = own === undefined ? [verb, ...rest] : rest;
  const name = own ?? named(/^[^&|;]*\brodada(\.mjs)?$/);
  if (name === undefined) return undefined;
  const given = words.length === 0 ? '' : ` -- ${words.join(' ')}`;
  return `npm run ${quiet ? '-s ' : ''}${shellWord(name)}${given}`;
}

/** Whether `npx rodada` in `folder` starts rodada, and does not look for a package of that name on the registry. */
function npxFinds(folder: string, manifest: Manifest | undefined): boolean {
  const isFromRegistry = real(invocation.program)?.includes(`${sep}_npx${sep}`) === true;
  return (
    isFromRegistry ||
    manifest?.bin === true ||
    foldersUp(folder).some((each) => real(join(each, 'node_modules', '.bin', 'rodada')) !== undefined)
  );
}

/** Whether the user's shell finds this program under the name `rodada`. */
function isOnPath(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const own = folders.filter((folder) => !/node_modules[\\/]\.bin[\\/]?$/.test(folder));
  const first = own.map((folder) => real(join(folder, 'rodada'))).find((path) => path !== undefined);
  return first !== undefined && first === real(program);
}

/** The package.json that npm uses in `folder`. */
function nearestManifest(folder: string): Manifest | undefined {
  for (const each of foldersUp(folder))
    try {
      const { scripts = {}, bin } = JSON.parse(readFileSync(join(each, 'package.json'), 'utf8')) as {
        scripts?: Record<string, string>;
        bin?: string | Record<string, string>;
      };
      return { folder: each, scripts, bin: typeof bin === 'object' && Object.hasOwn(bin, 'rodada') };
    } catch {
      // None here, or one that npm can't read either.
    }
  return undefined;
}

/** A folder and those above it, up to the root of the file system. */
export function foldersUp(folder: string): string[] {
  const folders = [resolve(folder)];
  for (let at = folders[0]!; dirname(at) !== at; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

function isWithin(path: string | undefined, folder: string): boolean {
  return path !== undefined && (path === folder || path.startsWith(folder === sep ? sep : `${folder}${sep}`));
}

function real(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : realpathSync(path);
  } catch {
    return undefined;
  }
}

/** The current folder; undefined if somebody has removed it. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
