// The versions of the packages that code imports and of those that they need in turn: what the lockfile says, else what is installed.
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { readJson } from '../../store/files.ts';
import type { Note, Resolver } from './resolve.ts';

/** A package as package-lock.json or its own manifest describes it. */
interface Package {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Lockfile {
  /** Folder that it lies in. */
  readonly folder: string;
  readonly packages: Readonly<Record<string, Package>>;
}

/** A package at its place: a key of a lockfile, or an installed folder. */
type Place =
  | { readonly lock: Lockfile; readonly key: string }
  | { readonly folder: string; readonly manifest: Package | undefined };

export class PackageVersions {
  readonly #resolver: Resolver;
  readonly #lockfiles = new Map<string, Lockfile | undefined>();
  readonly #manifests = new Map<string, Package | undefined>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /**
   * Place → version of the packages in `folders` and of all that they need, found as Node finds them. A package at the top of
   * `node_modules` is named by its name, another one by its path.
   */
  of(folders: Iterable<string>, note: Note): Map<string, string> {
    const versions = new Map<string, string>();
    const places = [...folders].map((folder) => this.#placeOf(folder, note));
    for (const place of places) {
      const name = this.#nameOf(place);
      if (versions.has(name)) continue;
      const described = 'lock' in place ? place.lock.packages[place.key]! : place.manifest;
      versions.set(name, versionOf(described, name));
      for (const needed of neededBy(described)) places.push(...this.#find(needed, place, note));
    }
    return versions;
  }

  #placeOf(folder: string, note: Note): Place {
    const outermost = folder.slice(0, folder.indexOf(`${sep}node_modules${sep}`));
    for (let at = outermost; ; at = dirname(at)) {
      const lock = this.#lockfile(at, note);
      const key = relative(at, folder).split(sep).join('/');
      if (lock?.packages[key] !== undefined) return { lock, key };
      if (at === dirname(at)) return { folder, manifest: this.#manifest(folder, note) };
    }
  }

  /** What a package finds by a name: nothing if it is optional and not there. */
  #find(name: string, from: Place, note: Note): Place[] {
    if ('lock' in from) {
      const { lock } = from;
      for (let at = from.key; ; ) {
        const key = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
        if (lock.packages[key] !== undefined) return [{ lock, key }];
        if (at === '') return [];
        at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '';
      }
    }
    const found = this.#resolver.packageFolder(name, realpathSync.native(from.folder), note);
    return found === undefined ? [] : [{ folder: found, manifest: this.#manifest(found, note) }];
  }

  #lockfile(folder: string, note: Note): Lockfile | undefined {
    const file = join(folder, 'package-lock.json');
    note(this.#resolver.shown(file));
    if (!this.#lockfiles.has(folder)) {
      const packages = readJson<{ packages?: Record<string, Package> }>(file)?.packages;
      this.#lockfiles.set(folder, packages === undefined ? undefined : { folder, packages });
    }
    return this.#lockfiles.get(folder);
  }

  #manifest(folder: string, note: Note): Package | undefined {
    const file = join(folder, 'package.json');
    note(this.#resolver.shown(file));
    if (!this.#manifests.has(folder)) this.#manifests.set(folder, readJson<Package>(file));
    return this.#manifests.get(folder);
  }

  #nameOf(place: Place): string {
    const path = 'lock' in place ? place.key : this.#resolver.shown(place.folder);
    const at = path.indexOf('node_modules/');
    // Above the project, only the part in node_modules is the same on every machine.
    return at === 0 || path.startsWith('../') ? path.slice(at + 'node_modules/'.length) : path;
  }
}

function versionOf(described: Package | undefined, place: string): string {
  const { name, version = 'unknown', resolved = '', integrity } = described ?? {};
  const isAlias =
    name !== undefined && name !== basename(place) && !place.endsWith(`/${name}`) && name !== place;
  // The version of what comes from git or a file says little about its content.
  const origin = /^(git|file:)/.test(resolved) ? ` ${integrity ?? resolved}` : '';
  return `${isAlias ? `${name}@` : ''}${version}${origin}`;
}

const neededBy = (described: Package | undefined): string[] =>
  Object.keys({
    ...described?.dependencies,
    ...described?.optionalDependencies,
    ...described?.peerDependencies,
  });
