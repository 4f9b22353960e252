// Links modules: finds which statements of which files a script runs, and hashes each file's share.
import { extname } from 'node:path';
import { byCodeUnit } from '../../order.ts';
import { sha256 } from '../../store/tree.ts';
import type { Loaded, Modules } from './modules.ts';
import type { Named } from './places.ts';
import { hasEffect, type Meaning } from './purity.ts';
import type { Target } from './resolve.ts';
import type { Imported, ModuleSource, Statement } from './source.ts';

/** What a script runs. */
export interface Linked {
  /** Files of which something counts → hash of that, in code-unit order. */
  readonly code: Readonly<Record<string, string>>;
  /** Packages that are run. */
  readonly packages: readonly (Target & { is: 'package' })[];
  /** Files that are no code → whether they count by what they say or byte for byte. */
  readonly assets: ReadonlyMap<string, 'data' | 'bytes'>;
  /** Files whose code loads modules by names that only the running code knows. */
  readonly computed: readonly string[];
  /** Imports of files that are not there. */
  readonly missing: readonly { readonly module: Loaded; readonly specifier: string }[];
}

/** What an imported name is in the end. */
type Binding =
  | { readonly is: 'local'; readonly module: Loaded; readonly name: string }
  | { readonly is: 'all'; readonly module: Loaded }
  | { readonly is: 'asset'; readonly file: string }
  | { readonly is: 'package'; readonly specifier: string; readonly name: string };

export class Linker {
  readonly #modules: Modules;
  readonly #effects = new Map<Statement, boolean>();
  readonly #runs = new Map<Loaded, boolean>();

  constructor(modules: Modules) {
    this.#modules = modules;
  }

  /** What a name means in a module. */
  readonly meaningOf = (source: ModuleSource, name: string): Meaning => {
    const imported = source.imports.get(name);
    if (imported === undefined) {
      if (source.declaredIn.has(name)) return { is: 'local', module: source, name };
      return { is: 'global' };
    }
    const [binding, another] = this.bindings(this.#modules.of(source.file), imported);
    if (binding === undefined || another !== undefined) return { is: 'unknown' };
    if (binding.is === 'package') return binding;
    return binding.is === 'local'
      ? { is: 'local', module: binding.module.source, name: binding.name }
      : { is: 'unknown' };
  };

  link(entry: string): Linked {
    return new Link(this, this.#modules).run(this.#modules.of(entry));
  }

  /** What an import takes, through all re-exports. */
  bindings(from: Loaded, { specifier, name }: Imported, seen = new Set<string>()): Binding[] {
    return from.targets('import', specifier).flatMap((target): Binding[] => {
      if (target.is !== 'file') return [{ is: 'package', specifier: target.specifier, name }];
      const module = this.#modules.find(target.file);
      if (module === undefined) return [{ is: 'asset', file: target.file }];
      return name === '*' ? [{ is: 'all', module }] : this.exported(module, name, seen);
    });
  }

  exported(module: Loaded, name: string, seen = new Set<string>()): Binding[] {
    const { source } = module;
    if (source.whole) return [{ is: 'all', module }];
    const place = `${source.file}\0${name}`;
    if (seen.has(place)) return [];
    seen.add(place);
    const found = source.exports.get(name);
    if (found === undefined) {
      if (name === 'default') return [];
      return source.stars.flatMap((specifier) => this.bindings(module, { specifier, name }, seen));
    }
    if (typeof found !== 'string') return this.bindings(module, found, seen);
    const imported = source.imports.get(found);
    return imported === undefined
      ? [{ is: 'local', module, name: found }]
      : this.bindings(module, imported, seen);
  }

  /** Names of all exports; those of packages that are re-exported as a whole are not known. */
  exportNames(module: Loaded, seen = new Set<Loaded>()): string[] {
    if (seen.has(module)) return [];
    seen.add(module);
    const { source } = module;
    const starred = source.stars.flatMap((specifier) =>
      module.targets('import', specifier).flatMap((target) => {
        const other = target.is === 'file' ? this.#modules.find(target.file) : undefined;
        return other === undefined ? [] : this.exportNames(other, seen).filter((name) => name !== 'default');
      }),
    );
    return [...new Set([...source.exports.keys(), ...starred])].sort(byCodeUnit);
  }

  hasEffect(statement: Statement, source: ModuleSource): boolean {
    let effect = this.#effects.get(statement);
    if (effect === undefined) {
      effect = source.whole || hasEffect(statement, source, this.meaningOf);
      this.#effects.set(statement, effect);
    }
    return effect;
  }

  /** Whether importing a module does more than define its exports: by itself, or by what it imports. */
  runs(module: Loaded): boolean {
    const known = this.#runs.get(module);
    if (known !== undefined) return known;
    const seen = new Set([module]);
    let found = false;
    for (const each of seen) {
      found ||=
        this.#runs.get(each) === true ||
        each.source.statements.some((one) => this.hasEffect(one, each.source));
      if (found) break;
      for (const specifier of each.source.requests)
        for (const target of each.targets('import', specifier)) {
          if (target.is === 'package') found = true;
          const next = target.is === 'file' ? this.#modules.find(target.file) : undefined;
          if (next !== undefined) seen.add(next);
        }
    }
    if (found) this.#runs.set(module, true);
    else for (const each of seen) this.#runs.set(each, false);
    return found;
  }
}

/** One script's share of the modules. */
class Link {
  readonly #linker: Linker;
  readonly #modules: Modules;
  readonly #evaluated = new Set<Loaded>();
  readonly #live = new Map<Loaded, Set<Statement>>();
  /** What names of a module's live statements are bound to, as lines. */
  readonly #bound = new Map<Loaded, Set<string>>();
  readonly #used = new Map<Loaded, Set<string>>();
  readonly #assets = new Map<string, 'data' | 'bytes'>();
  readonly #packages = new Map<string, Target & { is: 'package' }>();
  readonly #computed = new Set<string>();
  readonly #missing: { module: Loaded; specifier: string }[] = [];
  readonly #whole = new Set<Loaded>();
  readonly #open: (() => void)[] = [];

  constructor(linker: Linker, modules: Modules) {
    this.#linker = linker;
    this.#modules = modules;
  }

  run(entry: Loaded): Linked {
    this.#all(entry);
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) next();
    const hashes = [...this.#evaluated].flatMap((module) => this.#hashOf(module));
    return {
      code: Object.fromEntries(hashes.sort(([a], [b]) => byCodeUnit(a, b))),
      packages: [...this.#packages.values()],
      assets: this.#assets,
      computed: [...this.#computed].sort(byCodeUnit),
      missing: this.#missing,
    };
  }

  /** Everything that a module exports counts, and what it does when it is imported. */
  #all(module: Loaded): void {
    this.#evaluate(module);
    if (this.#whole.has(module)) return;
    this.#whole.add(module);
    for (const name of this.#linker.exportNames(module))
      for (const binding of this.#linker.exported(module, name)) this.#useBinding(binding);
  }

  #evaluate(module: Loaded): void {
    if (this.#evaluated.has(module)) return;
    this.#evaluated.add(module);
    this.#live.set(module, new Set());
    this.#bound.set(module, new Set());
    this.#used.set(module, new Set());
    const { source } = module;
    for (const specifier of source.requests) {
      const targets = module.targets('import', specifier);
      if (targets.length === 0 && /^\.{0,2}\//.test(specifier)) this.#missing.push({ module, specifier });
      for (const target of targets) {
        if (target.is === 'package') this.#packages.set(`${target.specifier}\0${target.folder}`, target);
        if (target.is !== 'file') continue;
        const next = this.#modules.find(target.file);
        if (next !== undefined) this.#open.push(() => this.#evaluate(next));
        else if (extname(target.file) !== '.json') this.#asset(target.file, 'bytes');
      }
    }
    for (const statement of source.statements)
      if (this.#linker.hasEffect(statement, source)) this.#open.push(() => this.#enliven(module, statement));
  }

  #enliven(module: Loaded, statement: Statement): void {
    const live = this.#live.get(module)!;
    if (live.has(statement)) return;
    live.add(statement);
    for (const [name, properties] of statement.uses)
      for (const property of properties) this.#use(module, name, property);
    for (const named of this.#modules.namedIn(module, statement)) this.#follow(module, named);
  }

  #use(module: Loaded, name: string, property: string): void {
    const { source } = module;
    const imported = source.imports.get(name);
    if (imported === undefined) {
      this.#useLocal(module, name);
      return;
    }
    // Of a namespace, `ns.x` takes `x` alone.
    const whole = imported.name === '*' && property !== '*';
    const taken = whole ? { ...imported, name: property } : imported;
    const bindings = this.#linker.bindings(module, taken);
    this.#bound
      .get(module)!
      .add(`${whole ? `${name}.${property}` : name} = ${bindings.map((b) => this.#lineOf(b))}`);
    for (const binding of bindings) this.#open.push(() => this.#useBinding(binding));
  }

  #useLocal(module: Loaded, name: string): void {
    const used = this.#used.get(module)!;
    if (used.has(name)) return;
    used.add(name);
    for (const statement of module.source.declaredIn.get(name) ?? [])
      this.#open.push(() => this.#enliven(module, statement));
  }

  #useBinding(binding: Binding): void {
    if (binding.is === 'asset') {
      this.#asset(binding.file, 'data');
      return;
    }
    if (binding.is === 'package') return;
    this.#evaluate(binding.module);
    if (binding.is === 'all') this.#all(binding.module);
    else this.#useLocal(binding.module, binding.name);
  }

  #follow(module: Loaded, named: Named): void {
    const targets = module.named(named);
    if (targets === 'computed') {
      this.#computed.add(module.shown);
      return;
    }
    const lines = targets.map((target) => {
      const next = target.is === 'file' ? this.#modules.find(target.file) : undefined;
      return next === undefined ? this.#idOf(target) : this.#lineOf({ is: 'all', module: next });
    });
    this.#bound.get(module)!.add(`${named.by} ${this.#nameOf(module, named)} = ${lines}`);
    for (const target of targets) {
      if (target.is === 'package') this.#packages.set(`${target.specifier}\0${target.folder}`, target);
      if (target.is !== 'file') continue;
      const next = this.#modules.find(target.file);
      if (next !== undefined) this.#open.push(() => this.#all(next));
      else this.#asset(target.file, named.runs ? 'data' : 'bytes');
    }
  }

  #nameOf(module: Loaded, { by, name }: Named): string {
    return by === 'path' ? this.#modules.shown(name) : `${name} ${module.source.attributes.get(name) ?? ''}`;
  }

  /** A JSON file counts by what it says, unless it is read as bytes. */
  #asset(file: string, as: 'data' | 'bytes'): void {
    if (this.#assets.get(file) !== 'bytes') this.#assets.set(file, as);
  }

  #lineOf(binding: Binding): string {
    switch (binding.is) {
      case 'local':
        return `${binding.module.shown} ${binding.name}`;
      case 'all':
        return `${binding.module.shown} ${this.#linker
          .exportNames(binding.module)
          .map(
            (name) =>
              `${name}=${this.#linker.exported(binding.module, name).map((each) => this.#shortLineOf(each))}`,
          )}`;
      case 'asset':
        return this.#modules.shown(binding.file);
      case 'package':
        return `${binding.specifier} ${binding.name}`;
    }
  }

  #shortLineOf(binding: Binding): string {
    return binding.is === 'all' ? `${binding.module.shown} *` : this.#lineOf(binding);
  }

  #idOf(target: Target): string {
    return target.is === 'file' ? this.#modules.shown(target.file) : target.specifier;
  }

  /** Nothing of a file may count; such a file is not part of the code. */
  #hashOf(module: Loaded): [string, string][] {
    const { source, shown } = module;
    const live = this.#live.get(module)!;
    const statements = source.statements.filter((statement) => live.has(statement)).map(({ text }) => text);
    if (statements.length === 0) return [];
    const order = source.requests.flatMap((specifier) =>
      module
        .targets('import', specifier)
        .filter((target) => this.#matters(target))
        .map((target) => `${this.#idOf(target)} ${source.attributes.get(specifier) ?? ''}`),
    );
    const bound = [...this.#bound.get(module)!].sort(byCodeUnit);
    return [[shown, sha256(JSON.stringify([statements, [...new Set(order)], bound, module.settings]))]];
  }

  /** Whether the place of an import among others matters. */
  #matters(target: Target): boolean {
    if (target.is === 'builtin') return false;
    const next = target.is === 'file' ? this.#modules.find(target.file) : undefined;
    if (next !== undefined) return this.#linker.runs(next);
    return target.is === 'package' || this.#assets.has(target.file);
  }
}
