// Where the native runtime lives: the per-user cache, and the file of tfjs-node that links into it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { tensorflowVersion, tfjsVersion } from './versions.ts';

/** The folders and files of the native set-up, all absolute. */
export interface Places {
  /** The per-user cache, shared by all checkouts. */
  readonly cache: string;
  /** The cache's entry for this TensorFlow, tfjs and platform: libraries, binding and `build.json`. */
  readonly entry: string;
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
 */
export function nativePlaces(env: NodeJS.ProcessEnv = process.env): Places {
  const cache = resolve(env.RODADA_NATIVE_DIR || join(userCache(env), 'rodada', 'native'));
  const tfjsNode = resolve(env.RODADA_TFJS_NODE || packageFolder('@tensorflow/tfjs-node-gpu'));
  return {
    cache,
    entry: join(cache, `tensorflow-${tensorflowVersion}-tfjs-${tfjsVersion}-${platformName()}`),
    tfjsNode,
    binding: join(tfjsNode, 'lib', `napi-v${napiVersion}`, 'tfjs_binding.node'),
    record: join(tfjsNode, 'lib', 'rodada.json'),
  };
}

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
