// The code that a command runs: its script and all local modules that this imports, as what they compile to.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { extname, join, posix } from 'node:path';
import type { BuildFailure, Message } from 'esbuild';
import type { ConfigurationFailure } from '../failure.ts';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import { type FileClock, type Moment, settledBefore } from '../store/file-clock.ts';
import { readJson, writeFileAtomic } from '../store/files.ts';
import { changedAt, lookAt, stampAt } from '../store/stamp.ts';

/** What a script runs. */
export interface CodeClosure {
  /** Path relative to the project → SHA-256 of what it compiles to. */
  readonly code: Readonly<Record<string, string>>;
  /** Names of the packages that it imports, in code-unit order. */
  readonly packages: readonly string[];
  /** File that it was computed from → its stamp then. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether every change of these files since gives another stamp. */
  readonly settled: boolean;
}

/** Endings of files whose imports are followed. */
export const compiled: ReadonlySet<string> = new Set([
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
]);

/**
 * The files of the project that a command's words name, relative to the project; `node`, options and paths that don't
 * exist are no scripts.
 * @param wdir folder that the command runs in, relative to the project
 */
export function scriptsOf(cmd: string, root: string, wdir: string): string[] {
  const words = new Set(cmd.match(/[^\s"'=;|&<>()]+/g) ?? []);
  const scripts = new Set<string>();
  for (const word of words) {
    if (word.startsWith('-') || word.startsWith('/') || word.includes('${')) continue;
    const path = posix.join(wdir, word);
    if (path.startsWith('..')) continue;
    if (statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true) scripts.add(path);
  }
  return [...scripts];
}

/** Computes closures, and remembers them in a file for as long as none of their inputs changes. */
export class CodeClosures {
  readonly #root: string;
  readonly #memo: string;
  readonly #remembered: Record<string, CodeClosure>;
  readonly #clock: FileClock;
  readonly #states = new Map<string, string>();
  /** Scripts whose closures are those of now, as far as this run is concerned. */
  readonly #checked = new Set<string>();

  /** @param clock of the project's file system */
  constructor(root: string, memo: string, clock: FileClock) {
    this.#root = root;
    this.#memo = memo;
    this.#clock = clock;
    this.#remembered = readJson<Record<string, CodeClosure>>(memo) ?? {};
  }

  /** Closures of all `scripts`, by script; or the places where one can't be compiled. */
  async of(scripts: readonly string[]): Promise<Result<Map<string, CodeClosure>>> {
    const unknown = scripts.filter(
      (script) => !this.#checked.has(script) && !this.#isCurrent(this.#remembered[script]),
    );
    const plain = unknown.filter((script) => !compiled.has(extname(script)));
    for (const script of plain) this.#remembered[script] = this.#plain(script);
    const modules = unknown.filter((script) => compiled.has(extname(script)));
    if (modules.length > 0) {
      const bundled = await this.#bundle(modules);
      if (!bundled.ok) return bundled;
      Object.assign(this.#remembered, bundled.value);
    }
    // Where the memo can't be written, the next run takes longer, and that is all.
    for (const script of scripts) this.#checked.add(script);
    if (unknown.length > 0) {
      const kept = Object.entries(this.#remembered).filter(([, { settled }]) => settled);
      const text = JSON.stringify(Object.fromEntries(kept));
      await writeFileAtomic(this.#memo, text, { durable: false }).catch(() => undefined);
    }
    return succeed(new Map(scripts.map((script) => [script, this.#remembered[script]!])));
  }

  /** A file that is no longer what a closure was computed from; undefined if there is none. */
  async changed(script: string, closure: CodeClosure): Promise<string | undefined> {
    for (const [file, stamp] of Object.entries(closure.inputs))
      if (stampAt(join(this.#root, file)) !== stamp) return file;
    if (closure.settled) return undefined;
    // The stamps can't tell; the content can.
    const now = await this.#compute(script);
    if (now === undefined) return script;
    const files = new Set([...Object.keys(closure.code), ...Object.keys(now.code)]);
    return [...files].find((file) => closure.code[file] !== now.code[file]);
  }

  /** Looks at all files again from now on. */
  forget(): void {
    this.#states.clear();
    this.#checked.clear();
  }

  async #compute(script: string): Promise<CodeClosure | undefined> {
    if (!compiled.has(extname(script))) return this.#plain(script);
    const bundled = await this.#bundle([script]);
    return bundled.ok ? bundled.value[script] : undefined;
  }

  /**
   * A script of another language counts as it is, byte for byte. What it imports is not followed: a stage names that under
   * `deps`, and docs/engine.md says so.
   */
  #plain(script: string): CodeClosure {
    const moment = this.#clock.past(changedAt(this.#state(script)));
    const looked = this.#look([script], moment);
    const hash = sha256(readFileSync(join(this.#root, script)));
    return { code: { [script]: hash }, packages: [], ...looked };
  }

  #isCurrent(remembered: CodeClosure | undefined): boolean {
    if (remembered?.settled !== true) return false;
    return Object.entries(remembered.inputs).every(([file, state]) => this.#state(file) === state);
  }

  #state(file: string): string {
    let state = this.#states.get(file);
    if (state === undefined) {
      state = stampAt(join(this.#root, file));
      this.#states.set(file, state);
    }
    return state;
  }

  /** Looks at files that are read between `moment` and now, or next. */
  #look(files: readonly string[], moment: Moment | undefined): Pick<CodeClosure, 'inputs' | 'settled'> {
    const inputs: Record<string, string> = {};
    let settled = true;
    for (const file of files) {
      const found = lookAt(join(this.#root, file));
      const stamp = found?.stamp ?? 'none';
      this.#states.set(file, stamp);
      inputs[file] = stamp;
      settled &&= changedAt(stamp) < settledBefore(moment, found === undefined ? [] : [found.stat.dev]);
    }
    return { inputs, settled };
  }

  async #bundle(scripts: readonly string[]): Promise<Result<Record<string, CodeClosure>>> {
    const { build } = await import('esbuild');
    const moment = this.#clock.now();
    const built = await build({
      absWorkingDir: this.#root,
      entryPoints: [...scripts],
      outdir: 'out',
      outbase: '.',
      write: false,
      bundle: true,
      packages: 'external',
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'esnext',
      treeShaking: true,
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'silent',
      // Only what the files say counts, not how a checkout's tsconfig.json is set.
      tsconfigRaw: {},
      loader: { '.json': 'json' },
    }).catch((error: BuildFailure) => error);
    if (built instanceof Error) return fail(...built.errors.map(notCompiled));
    const texts = new Map(built.outputFiles.map(({ path, text }) => [path, text]));
    const closures: Record<string, CodeClosure> = {};
    for (const [output, { entryPoint, inputs, imports }] of Object.entries(built.metafile.outputs)) {
      const text = texts.get(join(this.#root, output));
      if (entryPoint === undefined || text === undefined) continue;
      closures[entryPoint] = {
        code: sections(text, new Set(Object.keys(inputs))),
        packages: [
          ...new Set(
            imports
              .filter(({ external, path }) => external === true && !isBuiltin(path))
              .map(({ path }) => packageName(path)),
          ),
        ].sort(byCodeUnit),
        ...this.#look(reachable(entryPoint, built.metafile.inputs), moment),
      };
    }
    return succeed(closures);
  }
}

/** What the bundler could not compile, where it stands. */
function notCompiled({ text, location }: Message): ConfigurationFailure {
  const message = `${text}.`;
  if (location === null) return { reason: 'configuration', message };
  const { file, line, column, length, lineText } = location;
  return {
    reason: 'configuration',
    message,
    position: { file, line, column: column + 1, length, text: lineText },
  };
}

/** All files that the bundler read for an entry: those whose code was dropped count for when to look again. */
function reachable(
  entry: string,
  inputs: Readonly<Record<string, { imports: { path: string; external?: boolean }[] }>>,
): string[] {
  const found = new Set([entry]);
  for (const file of found)
    for (const { path, external } of inputs[file]?.imports ?? []) if (external !== true) found.add(path);
  return [...found].sort(byCodeUnit);
}

/**
 * The bundle cut at the comment that the bundler writes before each module, hashed piece by piece, so that a difference
 * has a file's name. Whatever stands before the first comment (imports of packages) belongs to the bundle as a whole.
 */
function sections(bundle: string, files: ReadonlySet<string>): Record<string, string> {
  const pieces = new Map<string, string[]>();
  let current = '(imports)';
  for (const line of bundle.split('\n')) {
    const file = line.startsWith('// ') ? line.slice(3) : '';
    if (files.has(file)) current = file;
    else if (pieces.has(current)) pieces.get(current)!.push(line);
    else pieces.set(current, [line]);
  }
  const entries = [...pieces].filter(([, lines]) => lines.some((line) => line.trim() !== ''));
  return Object.fromEntries(
    entries.sort(([a], [b]) => byCodeUnit(a, b)).map(([file, lines]) => [file, sha256(lines.join('\n'))]),
  );
}

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** Reads the versions of packages: what the lockfile says, else what is installed. */
export class PackageVersions {
  readonly #root: string;
  #locked: Readonly<Record<string, { version?: string }>> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  of(name: string): string {
    this.#locked ??=
      readJson<{ packages?: Record<string, { version?: string }> }>(join(this.#root, 'package-lock.json'))
        ?.packages ?? {};
    const locked = this.#locked[`node_modules/${name}`]?.version;
    if (locked !== undefined) return locked;
    const manifest = join(this.#root, 'node_modules', name, 'package.json');
    return (
      (existsSync(manifest) ? readJson<{ version?: string }>(manifest)?.version : undefined) ?? 'unknown'
    );
  }
}
