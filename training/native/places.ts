// Where the native runtime lives: the per-user cache, and the file of tfjs-node that links into it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { chooseFlavour, type Flavour, type FlavourChoice } from './flavour.ts';
import { tensorflowVersion, tfjsVersion } from './versions.ts';

/** The folders and files of the native set-up, all absolute. */
export interface Places {
  /** Which of TensorFlow's builds the entry is for. */
  readonly choice: FlavourChoice;
  /** The per-user cache, shared by all checkouts. */
  readonly cache: string;
  /** The cache's entry for this TensorFlow, flavour, tfjs and platform: libraries, headers, binding, kernels and `build.json`. */
  readonly entry: string;
  /** The folder in the entry that TensorFlow's libraries and the binding lie in. */
  readonly libraries: string;
  /** The folder of @tensorflow/tfjs-node-gpu. */
  readonly tfjsNode: string;
  /** Where tfjs-node looks for its binding. */
  readonly binding: string;
  /** What is known of that binding; beside it, so that a new `npm ci` forgets both. */
  readonly record: string;
}

/** The version of the Node API that the binding is compiled for; all of Node 20 and newer have it. */
export const napiVersion = 8;

/**
 * @param env `RODADA_NATIVE_DIR` replaces the per-user cache, `RODADA_TFJS_NODE` this checkout's tfjs-node
 * @throws UserError for an unknown `RODADA_NATIVE`
 */
export function nativePlaces(
  env: NodeJS.ProcessEnv = process.env,
  choice: FlavourChoice = chooseFlavour(env),
): Places {
  const cache = resolve(env.RODADA_NATIVE_DIR || join(userCache(env), 'rodada', 'native'));
  const tfjsNode = resolve(env.RODADA_TFJS_NODE || packageFolder('@tensorflow/tfjs-node-gpu'));
  return {
    cache,
    ...placesIn(cache, choice),
    tfjsNode,
    binding: join(tfjsNode, 'lib', `napi-v${napiVersion}`, 'tfjs_binding.node'),
    record: join(tfjsNode, 'lib', 'rodada.json'),
  };
}

/** The same places for another flavour. */
export function withFlavour(places: Places, flavour: Flavour): Places {
  return { ...places, ...placesIn(places.cache, { ...places.choice, flavour }) };
}

function placesIn(cache: string, choice: FlavourChoice): Pick<Places, 'choice' | 'entry' | 'libraries'> {
  const entry = join(cache, entryName(choice.flavour));
  return { choice, entry, libraries: librariesIn(entry, choice.flavour) };
}

/** The name of a flavour's entry in the cache. */
export function entryName(flavour: Flavour): string {
  const name = `tensorflow-${tensorflowVersion}-tfjs-${tfjsVersion}-${platformName()}`;
  return flavour === 'cpu' ? name : `${name}-${flavour}`;
}

/**
 * The folder of TensorFlow's libraries in an entry. With CUDA they lie as in Python's `site-packages`, `tensorflow/` beside `nvidia/`:
 * so their RUNPATHs lead to NVIDIA's libraries, and from those on to each other, without an `LD_LIBRARY_PATH`.
 */
export function librariesIn(entry: string, flavour: Flavour): string {
  return flavour === 'cpu' ? entry : join(entry, 'tensorflow');
}

/** The folder of the C headers in an entry. */
export const headersIn = (entry: string): string => join(entry, 'include');

/** The user's folder for what can be made again. No package for this: it would be half of what a run with nothing to do imports. */
function userCache(env: NodeJS.ProcessEnv): string {
  if (env.XDG_CACHE_HOME) return env.XDG_CACHE_HOME;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  if (process.platform === 'win32') return env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local');
  return join(homedir(), '.cache');
}

/** `linux-x64`: the key of `wheels`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/** The folder of an installed package. */
export function packageFolder(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

/** Parses a JSON file; undefined where there is none or it is damaged. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
