// Modes that are stricter than the umask asks for. They are kept beside an output's content, so that its hash is the same under
// any umask, and a restore never gives more rights than the command gave.
import { type BigIntStats, lstatSync } from 'node:fs';
import { join, posix } from 'node:path';
import { kindOfMode } from './content.ts';
import { walk } from './tree.ts';

/** An entry of an output, by its path in it (empty for the output itself), and its mode in octal digits. */
export type ModeLine = readonly [path: string, mode: string];

const umask = process.umask();

/** The rights of a file or folder that is made without a mode of its own. */
export const usualMode = (kind: 'file' | 'executable' | 'folder'): number =>
  (kind === 'file' ? 0o666 : 0o777) & ~umask;

/** What an object in the store needs to be of use to its owner. */
const ownerReads = 0o600;

/** Text of the object that lists modes. */
export const modesText = (lines: readonly ModeLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

export const parseModes = (text: string): ModeLine[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ModeLine);

/** Collects the strict modes of an output, and says who may read its objects in the store: nobody else than in the output. */
export class StrictModes {
  readonly lines: ModeLine[] = [];
  readonly #root: string;
  /** Folder → the rights that it and those above it leave to whoever wants to read a file in it. */
  readonly #reach = new Map<string, number>();
  /** The rights to list every folder. */
  #listing = 0o777;

  /** @param root the output, where it is looked at */
  constructor(root: string) {
    this.#root = root;
  }

  /** Notes a file of the output. @returns the mode of its object */
  file(path: string, kind: 'file' | 'executable', stat: BigIntStats): number {
    const mode = Number(stat.mode);
    const reach = path === '' ? 0o777 : this.#folder(posix.dirname(path));
    this.#note(path, kind, mode);
    return objectMode(mode & reach);
  }

  /** Notes a folder, and those above it. */
  folder(path: string): void {
    this.#folder(path === '' ? '.' : path);
  }

  /** The mode of objects that name the output's entries. */
  get listing(): number {
    return objectMode(this.#listing);
  }

  #folder(path: string): number {
    let reach = this.#reach.get(path);
    if (reach === undefined) {
      const above = path === '.' ? 0o777 : this.#folder(posix.dirname(path));
      const { mode } = lstatSync(join(this.#root, path));
      this.#note(path === '.' ? '' : path, 'folder', mode);
      // Whoever may not enter a folder reads nothing in it; the names in it need the right to read.
      reach = above & 0o777 & ((mode & 0o111) * 0o7);
      this.#listing &= mode & reach;
      this.#reach.set(path, reach);
    }
    return reach;
  }

  #note(path: string, kind: 'file' | 'executable' | 'folder', mode: number): void {
    if ((usualMode(kind) & ~mode) !== 0) this.lines.push([path, (mode & 0o777).toString(8)]);
  }
}

/** The strict modes of the file or directory at `root`. */
export function strictModesOf(root: string): readonly ModeLine[] {
  const modes = new StrictModes(root);
  const stat = lstatSync(root, { bigint: true });
  if (!stat.isDirectory()) {
    modes.file('', kindOfMode(stat.mode), stat);
    return modes.lines;
  }
  modes.folder('');
  for (const { kind, path, stat } of walk(root)) {
    if (kind === 'empty') modes.folder(path);
    else if (kind !== 'link') modes.file(path, kind, stat);
  }
  return modes.lines;
}

/** The mode of an object made of a file with `mode`. */
const objectMode = (mode: number): number => (usualMode('file') & mode) | ownerReads;

/** Whether somebody has more rights to an entry of the output at `path` than its run gave. */
export function isWider(path: string, lines: readonly ModeLine[]): boolean {
  return lines.some(([entry, mode]) => {
    try {
      return (lstatSync(join(path, entry)).mode & 0o777 & ~Number.parseInt(mode, 8)) !== 0;
    } catch {
      return false; // it is not there, or nobody else can reach it
    }
  });
}

/** The modes with which an output is restored. */
export class RestoredModes {
  readonly #modes: ReadonlyMap<string, number>;

  constructor(lines: readonly ModeLine[]) {
    this.#modes = new Map(lines.map(([path, mode]) => [path, Number.parseInt(mode, 8)]));
  }

  of(path: string, kind: 'file' | 'executable' | 'folder'): number {
    return usualMode(kind) & (this.#modes.get(path) ?? 0o777);
  }
}
