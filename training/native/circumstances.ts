// What the native set-up depends on, as far as files and variables tell: a failure is remembered for as long as that is the same.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ownKernelsVersion } from './own-kernels.ts';
import type { Places } from './places.ts';
import { compilerNames, pythonNames } from './tool-names.ts';

/** Tells the machine, its tools, the settings of pip, and the files that were tried from others. Starts no program. */
export function circumstances(places: Places, env: NodeJS.ProcessEnv = process.env): string {
  const { choice, cache, entry, binding } = places;
  const tools = [...pythonNames, 'pip', 'pip3', ...compilerNames(env), 'as', 'ld'].map((name) =>
    onPath(name, env),
  );
  const facts = [
    process.version,
    process.platform,
    process.arch,
    choice,
    cache,
    ownKernelsVersion(),
    stampOf(binding),
    stampOf(join(entry, 'build.json')),
    tools.map((file) => file && [file, stampOf(file)]),
    pipFolders(tools[0] ?? tools[1]).map(stampOf),
    pipVariables(env),
    pipFiles(env).map((file) => [file, stampOf(file)]),
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
}

/** Where the packages of a Python may lie: a system installs pip without touching the program. */
function pipFolders(python: string | undefined): string[] {
  if (python === undefined) return [];
  const prefix = dirname(dirname(python));
  const roots = [join(prefix, 'lib'), join(prefix, 'local', 'lib'), join(homedir(), '.local', 'lib')];
  return roots
    .flatMap((root) =>
      namesIn(root)
        .filter((name) => /^python3/.test(name))
        .map((name) => join(root, name)),
    )
    .flatMap((folder) => ['site-packages', 'dist-packages'].map((name) => join(folder, name, 'pip')));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** What chooses the package index and the way there. */
const pipVariables = (env: NodeJS.ProcessEnv): [string, string | undefined][] =>
  Object.keys(env)
    .filter((name) => /^PIP_|^(all|https?|no)_proxy$|^(REQUESTS_CA_BUNDLE|SSL_CERT_FILE)$/i.test(name))
    .sort()
    .map((name) => [name, env[name]]);

const pipFiles = (env: NodeJS.ProcessEnv): string[] => [
  ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'pip', 'pip.conf'),
  join(homedir(), '.pip', 'pip.conf'),
  '/etc/pip.conf',
];

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  if (name.includes('/')) return name;
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => statOf(file) !== undefined);
}

/** Tells versions of a file apart, also through links; null if there is none, or none that can be read. */
function stampOf(path: string): unknown {
  const stat = statOf(path);
  if (stat === undefined) return lstatOf(path) === undefined ? null : 'unreadable';
  const target = real(path);
  return [target, stat.size, stat.isDirectory() ? 0 : stat.mtimeMs, stat.mode];
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** What is at `path`, through links; undefined if there is nothing, or nothing that this user may see. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The same of a link itself. */
export function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** How much room this user has on the file system of a folder that need not be there yet; undefined if nobody tells. */
export function freeBytes(folder: string): number | undefined {
  let at = folder;
  while (statOf(at) === undefined && at !== dirname(at)) at = dirname(at);
  try {
    const { bavail, bsize } = statfsSync(at);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
