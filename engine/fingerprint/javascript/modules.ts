// Reads the modules that scripts reach, and everything that finding them rested on.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { ChangingFile } from '../../store/tree.ts';
import { compiled, type Input, type InputStates } from './inputs.ts';
import { Linker } from './link.ts';
import { type Named, namedIn, wild } from './places.ts';
import type { By, Note, Resolver, Target } from './resolve.ts';
import { type ModuleSource, readSource, type Statement } from './source.ts';

/** A module that was read, and what its imports mean. */
export class Loaded {
  readonly source: ModuleSource;
  /** Relative to the project. */
  readonly shown: string;
  /** Its text, as it is written. */
  readonly text: string;
  /** What decides, besides its text, how Node runs it. */
  readonly settings: string;
  /** What was looked at to read it and to find what it names. */
  readonly inputs: Set<Input>;
  readonly #targets = new Map<string, readonly Target[]>();
  readonly #named = new Map<string, readonly Target[] | 'computed'>();
  readonly #resolve: (module: Loaded, by: By, specifier: string) => readonly Target[];
  readonly #find: (module: Loaded, named: Named) => readonly Target[] | 'computed';

  constructor(
    read: Pick<Loaded, 'source' | 'shown' | 'text' | 'settings' | 'inputs'>,
    resolveIn: (module: Loaded, by: By, specifier: string) => readonly Target[],
    find: (module: Loaded, named: Named) => readonly Target[] | 'computed',
  ) {
    this.source = read.source;
    this.shown = read.shown;
    this.text = read.text;
    this.settings = read.settings;
    this.inputs = read.inputs;
    this.#resolve = resolveIn;
    this.#find = find;
  }

  /** What a specifier means here. */
  targets(by: By, specifier: string): readonly Target[] {
    const key = `${by} ${specifier}`;
    let targets = this.#targets.get(key);
    if (targets === undefined) {
      targets = this.#resolve(this, by, specifier);
      this.#targets.set(key, targets);
    }
    return targets;
  }

  /** What a name in the code means; `computed` if only the running code knows. */
  named(named: Named): readonly Target[] | 'computed' {
    const key = `${named.by} ${named.runs} ${named.name}`;
    let targets = this.#named.get(key);
    if (targets === undefined) {
      targets = this.#find(this, named);
      this.#named.set(key, targets);
    }
    return targets;
  }

  /** All files that it names in any way, used or not. */
  readonly reaches = new Set<string>();
}

export class Modules {
  readonly #resolver: Resolver;
  readonly #states: InputStates;
  readonly #isMade: (path: string) => boolean;
  readonly #loaded = new Map<string, Loaded>();
  readonly #named = new Map<Statement, readonly Named[]>();
  readonly linker = new Linker(this);

  /** @param isMade whether a path, relative to the project, lies in what a stage makes */
  constructor(resolver: Resolver, states: InputStates, isMade: (path: string) => boolean) {
    this.#resolver = resolver;
    this.#states = states;
    this.#isMade = isMade;
  }

  /** Reads all modules that the files reach. */
  async load(files: readonly string[]): Promise<void> {
    let open: readonly string[] = files;
    const named: Loaded[] = [];
    while (open.length > 0) {
      const unread = [...new Set(open)].filter((file) => !this.#loaded.has(file));
      const settled = await Promise.allSettled(unread.map((file) => this.#read(file)));
      const read = settled.map((each) => {
        if (each.status === 'rejected') throw each.reason; // the first in order, whichever came first
        return each.value;
      });
      for (const module of read) this.#loaded.set(module.source.file, module);
      named.push(...read);
      open = read.flatMap((module) => this.#newOf(module, this.#requested(module)));
      // Names in code may rest on constants of modules that it imports, so that these are read first.
      if (open.length === 0)
        open = named.splice(0).flatMap((module) => this.#newOf(module, this.#mentioned(module)));
    }
  }

  find(file: string): Loaded | undefined {
    return this.#loaded.get(file);
  }

  of(file: string): Loaded {
    return this.#loaded.get(file)!;
  }

  shown(path: string): string {
    return this.#resolver.shown(path);
  }

  namedIn(module: Loaded, statement: Statement): readonly Named[] {
    let named = this.#named.get(statement);
    if (named === undefined) {
      named = namedIn(statement.node, module.source, this.linker.meaningOf);
      this.#named.set(statement, named);
    }
    return named;
  }

  /** Everything that was looked at for a script. */
  inputsOf(entry: string): Set<Input> {
    const inputs = new Set<Input>();
    const seen = new Set([entry]);
    for (const file of seen) {
      inputs.add(this.shown(file));
      const module = this.#loaded.get(file);
      if (module === undefined) continue;
      for (const input of module.inputs) inputs.add(input);
      for (const next of module.reaches) seen.add(next);
    }
    return inputs;
  }

  async #read(file: string): Promise<Loaded> {
    const shown = this.shown(file);
    const inputs = new Set<Input>([shown]);
    const note = this.#noteIn(inputs);
    const text = this.#textOf(file, shown);
    const options = this.#resolver.compilerOptions(file, note);
    const source = await readSource(file, shown, text, options);
    const isModule = source.requests.length > 0 || source.exports.size > 0;
    const type =
      isModule || !/\.[jt]sx?$/.test(file) ? '' : (this.#resolver.manifestOf(file, note)?.type ?? '');
    return new Loaded(
      { source, shown, text, settings: type, inputs },
      (module, by, specifier) =>
        this.#resolver.resolve(specifier, module.source.file, by, this.#noteIn(module.inputs)),
      (module, named) => this.#find(module, named),
    );
  }

  /** Looks at an input at once, so that what changes later is noticed. */
  #noteIn(inputs: Set<Input>): Note {
    return (input) => {
      this.#states.of(input);
      inputs.add(input);
    };
  }

  /** The text of a file that nobody changes meanwhile. */
  #textOf(file: string, input: Input): string {
    for (let attempt = 1; ; attempt++) {
      const before = this.#states.of(input);
      const text = readFileSync(file, 'utf8');
      if (this.#states.now(input) === before) return text;
      if (attempt === 3) throw new ChangingFile(input);
      this.#states.forget(input);
    }
  }

  #requested(module: Loaded): Target[] {
    return module.source.requests.flatMap((specifier) => [...module.targets('import', specifier)]);
  }

  #mentioned(module: Loaded): Target[] {
    return module.source.statements
      .flatMap((statement) => [...this.namedIn(module, statement)])
      .flatMap((named) => {
        const targets = module.named(named);
        return targets === 'computed' ? [] : [...targets];
      });
  }

  #newOf(module: Loaded, targets: readonly Target[]): string[] {
    return targets.flatMap((target) => {
      if (target.is !== 'file') return [];
      module.reaches.add(target.file);
      return isCode(target.file) && !this.#loaded.has(target.file) ? [target.file] : [];
    });
  }

  #find(module: Loaded, { by, name, runs }: Named): readonly Target[] | 'computed' {
    const { file } = module.source;
    const note = this.#noteIn(module.inputs);
    if (name.includes(wild)) return this.#matching(module, { by, name, runs });
    if (by === 'import' || by === 'require') return this.#resolver.resolve(name, file, by, note);
    const path = by === 'path' ? name : undefined;
    const paths =
      path === undefined ? [resolve(this.#resolver.root, name), resolve(dirname(file), name)] : [path];
    const found = paths
      .filter((each) => each !== file && !(by === 'path' && !runs && this.#isMade(this.shown(each))))
      .flatMap((each) => {
        if (runs || isCode(each)) return this.#resolver.file(each, file, note);
        if (!isWithoutFolder(each)) note(this.shown(each));
        return this.#resolver.asset(each, note);
      });
    return found.filter((target) => !(target.is === 'file' && target.file === file));
  }

  /** The files that a name with parts that only the running code knows may stand for. */
  #matching(module: Loaded, { by, name, runs }: Named): readonly Target[] | 'computed' {
    const isRelative = by === 'path' || /^\.{1,2}\//.test(name);
    const start = name.slice(0, name.indexOf(wild));
    if (!isRelative || start === '') return runs ? 'computed' : [];
    const { file } = module.source;
    const pattern = by === 'path' ? name : resolve(dirname(file), name);
    const before = pattern.slice(0, pattern.indexOf(wild));
    const folder = before.slice(0, before.lastIndexOf('/') + 1);
    // What is read as data must at least be of one kind.
    if (!runs && (extname(pattern) === '' || extname(pattern).includes(wild))) return [];
    const deep = runs && before.endsWith('/');
    const shown = `${this.shown(folder) || '.'}/`;
    this.#noteIn(module.inputs)(deep ? `${shown}**` : shown);
    const matches = new RegExp(
      `^${pattern
        .split(wild)
        .map((text) => text.replaceAll(/[^\w]/g, '\\$&'))
        .join(deep ? '.*' : '[^/]*')}$`,
      's',
    );
    return this.#states
      .below(shown, deep)
      .map((path) => resolve(this.#resolver.root, path))
      .filter((path) => matches.test(path) && path !== file)
      .flatMap((path) => this.#resolver.asset(path, this.#noteIn(module.inputs)));
  }
}

/** Whether a file's imports are followed. */
const isCode = (file: string): boolean => compiled.has(extname(file));

const isWithoutFolder = (path: string): boolean => !existsSync(dirname(path));
