#!/usr/bin/env node
// The command: starts the engine from one compiled file, which is made again whenever the engine's code changes.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const engine = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = join(root, 'node_modules', '.cache', 'rodada');

/** A file whose stamp is younger than this may change again without getting another. */
const settled = 2000; // milliseconds

/**
 * Names the compiled engine by all that goes into it, so that an old one can't be taken for the present one: by the stamps of the
 * files, or by their contents if one of them has just changed.
 */
function keyOfEngine() {
  const hash = createHash('sha256').update(process.versions.node);
  const files = readdirSync(engine, { recursive: true }).filter((file) => /\.m?ts$|\.mjs$/.test(file));
  const now = Date.now();
  let isSettled = true;
  for (const file of files.sort()) {
    const { size, ino, mtimeMs, ctimeMs } = statSync(join(engine, file));
    isSettled &&= Math.max(mtimeMs, ctimeMs) < now - settled;
    hash.update(`\0${file}\0${size} ${ino} ${mtimeMs} ${ctimeMs}`);
  }
  for (const file of isSettled ? [] : files) hash.update(readFileSync(join(engine, file)));
  // An install of other packages rewrites these.
  for (const file of ['package-lock.json', join('node_modules', '.package-lock.json')]) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`\0${stat?.size} ${stat?.mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Compiles the engine and its packages into a folder that then gets its name in one step. */
async function compile(folder) {
  const { build } = await import('esbuild');
  const unfinished = `${folder}.${process.pid}.tmp`;
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ['engine/cli.ts'],
      outdir: unfinished,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true, // what a verb imports lazily stays in files of its own
      external: ['esbuild', 'tsx', 'canonicalize'],
      format: 'esm',
      platform: 'node',
      target: 'node20',
      minifySyntax: true,
      minifyWhitespace: true, // less to read at every start; names stay, for stack traces
      legalComments: 'none',
      logLevel: 'silent',
      tsconfigRaw: {},
      plugins: [withoutLocales],
      // CommonJS packages ask for Node's own modules with `require`.
      banner: {
        js: "import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);",
      },
    });
    await rename(unfinished, folder).catch((error) => {
      if (!existsSync(folder)) throw error; // else another process was first
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  await forgetOld();
}

/** zod brings its messages in fifty languages, a third of all code; the engine writes its own. */
const withoutLocales = {
  name: 'without-locales',
  setup: (build) =>
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    })),
};

/** Removes compiled engines that nobody has made or needed for a while; a process may still read a recent one. */
async function forgetOld() {
  const week = 7 * 24 * 60 * 60 * 1000;
  for (const name of await readdir(compiled)) {
    const path = join(compiled, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > week)
      await rm(path, { recursive: true, force: true });
  }
}

/** Whether somebody has removed the current folder; programs that the engine starts would wait or fail there. */
function isFolderGone() {
  try {
    process.cwd();
    return false;
  } catch {
    return true;
  }
}

/** Why the engine can't start in this installation, and what to do; undefined if it can. */
function setUpProblem() {
  const { dependencies, engines } = manifest();
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [, oldest, after] = /^>=(\d+)\.(\d+)/.exec(engines.node);
  if (major < oldest || (major === Number(oldest) && minor < after))
    return `rodada needs Node ${oldest}.${after} or newer; this is Node ${process.versions.node}.`;
  const native = `@esbuild/${process.platform}-${process.arch}`;
  const isMissing = (name) => {
    try {
      module.createRequire(import.meta.url).resolve(`${name}/package.json`);
      return false;
    } catch (error) {
      return error.code === 'MODULE_NOT_FOUND'; // other packages only keep that file to themselves
    }
  };
  const missing = Object.keys(dependencies).filter(isMissing);
  if (missing.length === 0 && !isMissing('esbuild') && isMissing(native))
    return `The packages in ${root} are those of another system: ${native} is missing. Run \`npm ci\` there.`;
  if (missing.length === 0) return undefined;
  const shown =
    missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '');
  return `Packages that rodada needs are not installed: ${shown}. Run \`npm ci\` in ${root}`;
}

const manifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The compiled engine's entry; the source where it can't be compiled or kept, read through tsx. */
async function entry() {
  const folder = join(compiled, keyOfEngine());
  const file = join(folder, 'cli.mjs');
  const problem = isFolderGone()
    ? 'The current folder no longer exists. Change to another one.'
    : existsSync(file)
      ? undefined
      : setUpProblem();
  if (problem !== undefined) {
    console.error(`error: ${problem}`);
    process.exit(2);
  }
  try {
    if (!existsSync(file)) {
      await mkdir(compiled, { recursive: true });
      await compile(folder);
    }
    module.enableCompileCache?.(join(compiled, 'v8'));
    return file;
  } catch {
    const { register } = await import('tsx/esm/api');
    register();
    return join(engine, 'cli.ts');
  }
}

if (['--version', '-V'].includes(process.argv[2])) console.log(manifest().version);
else {
  const { main } = await import(pathToFileURL(await entry()).href);
  await main(process.argv);
}
