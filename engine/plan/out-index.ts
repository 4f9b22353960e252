// Who makes which path: the outs of all instances, found by path, by what contains it and by what it contains.
import { posix } from 'node:path';
import { byCodeUnit } from '../order.ts';
import type { Instance, Out } from './instance.ts';

/** An out, and the name of the instance that makes it. */
export interface Made {
  readonly maker: string;
  readonly out: Out;
}

/** Who makes which path; a path also belongs to the out that contains it, or that it contains. */
export class OutIndex {
  readonly #makers = new Map<string, Made>();
  /** Path in Unicode's composed form → path. */
  readonly #forms = new Map<string, string>();
  #sorted: string[] | undefined;
  #hasVarying = false;

  /** Why `out` can't be added, undefined where it was. */
  add(instance: Instance, out: Out): string | undefined {
    const form = out.path.normalize('NFC');
    const twin = this.#forms.get(form) ?? out.path;
    if (twin !== out.path)
      return `The out \`${out.path}\` of \`${instance.name}\` looks like \`${twin}\`, but its accents are encoded in another way; write both alike.`;
    this.#forms.set(form, out.path);
    const other = this.#makers.get(out.path);
    if (other !== undefined) {
      const where = other.maker === instance.name ? 'twice' : `and \`${other.maker}\` too`;
      return `\`${out.path}\` is an out of \`${instance.name}\` ${where}; each path has one maker.`;
    }
    this.#makers.set(out.path, { maker: instance.name, out });
    this.#hasVarying ||= out.varies === true;
    this.#sorted = undefined;
    return undefined;
  }

  /** Whether `path` itself is an out. */
  has(path: string): boolean {
    return this.#makers.has(path);
  }

  /** Whether any out differs on every run. */
  get hasVarying(): boolean {
    return this.#hasVarying;
  }

  /** The varying out that `path` is, lies in or holds. */
  varying(path: string): Made | undefined {
    if (!this.#hasVarying) return undefined;
    const around = this.containing(path);
    return [...(around === undefined ? this.inside(path) : [around])].find(({ out }) => out.varies === true);
  }

  /** Paths of all outs, in code-unit order. */
  paths(): readonly string[] {
    this.#sorted ??= [...this.#makers.keys()].sort(byCodeUnit);
    return this.#sorted;
  }

  /** Outs that lie inside another out. */
  nested(): { message: string; at: Out['at'] }[] {
    return [...this.#makers].flatMap(([path, { maker, out }]) => {
      const around = this.containing(posix.dirname(path));
      if (around === undefined) return [];
      const message = `\`${path}\`, an out of \`${maker}\`, lies inside \`${around.out.path}\`, an out of \`${around.maker}\`.`;
      return [{ message, at: out.at }];
    });
  }

  /** Names of the instances that make `path`, what contains it, or something inside it. */
  makersOf(path: string): string[] {
    const containing = this.containing(path);
    if (containing !== undefined) return [containing.maker];
    // A folder that is no out itself, but holds outs.
    return [...new Set(this.inside(path).map(({ maker }) => maker))];
  }

  /** All outs below a folder that is none itself. */
  inside(folder: string): Made[] {
    const sorted = this.paths();
    const found: Made[] = [];
    for (let i = lowerBound(sorted, `${folder}/`); sorted[i]?.startsWith(`${folder}/`); i++)
      found.push(this.#makers.get(sorted[i]!)!);
    return found;
  }

  /** The out at `path`, or the one that contains it. */
  containing(path: string): Made | undefined {
    for (
      let folder = path;
      folder !== '.' && folder !== '/' && folder !== '..';
      folder = posix.dirname(folder)
    ) {
      const maker = this.#makers.get(folder);
      if (maker !== undefined) return maker;
    }
    return undefined;
  }
}

/** Index of the first element that is not before `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
