// The tables of pipeline.lock: code folder by folder, a file in each line, and the packages by their first letters.
import { byCodeUnit } from '../order.ts';
import { type Entry, entryOf } from './entries.ts';

/**
 * Name of a file → its hash, or several if stages ran different versions of it; and the folder, which comes last, so that no line
 * of a file changes if another is added.
 */
type CodeTable = Readonly<Record<string, string | readonly string[]>> & { readonly '/': string };

interface PackageTable {
  /** Scope, or package in whose `node_modules` others are → lines of `name@version`. */
  readonly packages: Readonly<Record<string, string | readonly PackageLine[]>>;
}

/** Several packages, or the name and version of one whose version has other characters than usual. */
type PackageLine = string | readonly [name: string, version: string];

export type Table = CodeTable | PackageTable;

export const isTable = (value: object): value is Table =>
  ('/' in value && typeof value['/'] === 'string') ||
  ('packages' in value && !('part' in value) && isObject(value.packages));

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const longestLine = 150; // characters

/** Texts of the tables with these entries. */
export function tableTexts(entries: readonly Entry[]): string[] {
  const code = byFolder(entries.filter(({ kind }) => kind === 'code'));
  const packages = byFolder(entries.filter(({ kind }) => kind === 'packages'));
  const texts = code.map(([folder, files]) => codeText(folder, files));
  return packages.length === 0 ? texts : [...texts, packagesText(packages)];
}

/** Folder → the entries in it, with the rest of their names. */
function byFolder(entries: readonly Entry[]): [folder: string, inside: Entry[]][] {
  const folders = new Map<string, Entry[]>();
  for (const entry of entries) {
    const slash = entry.name.lastIndexOf('/');
    const folder = slash === -1 ? '.' : entry.name.slice(0, slash);
    const inside = { ...entry, name: entry.name.slice(slash + 1) };
    const others = folders.get(folder);
    if (others === undefined) folders.set(folder, [inside]);
    else others.push(inside);
  }
  return [...folders].sort(([a], [b]) => byCodeUnit(a, b));
}

function codeText(folder: string, files: readonly Entry[]): string {
  const hashes = new Map<string, string[]>();
  for (const { name, value } of files)
    hashes.set(name, [...(hashes.get(name) ?? []), value].sort(byCodeUnit));
  const lines = [...hashes]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([file, all]) => `  ${JSON.stringify(file)}: ${JSON.stringify(all.length === 1 ? all[0] : all)},\n`);
  return `{\n${lines.join('')}  "/": ${JSON.stringify(folder)}\n}`;
}

/** Whether `name@version` tells both apart from each other and from what is beside them. */
const isPlain = ({ name, value }: Entry): boolean => !name.includes(' ') && /^[^\s@]+$/.test(value);

function packagesText(packages: readonly [folder: string, inside: readonly Entry[]][]): string {
  const lines = packages.map(([folder, inside]) => {
    const own = packageLines(folder, inside).map((line) => JSON.stringify(line));
    const isText = own.length === 1 && own[0]!.startsWith('"');
    return `${JSON.stringify(folder)}: ${isText ? own[0] : `[\n    ${own.join(',\n    ')}\n   ]`}`;
  });
  return `{\n  "packages": {\n   ${lines.join(',\n   ')}\n  }\n}`;
}

function packageLines(folder: string, packages: readonly Entry[]): PackageLine[] {
  const lines: PackageLine[] = [];
  let line = '';
  const words = packages.filter(isPlain).map(({ name, value }) => `${name}@${value}`);
  for (const word of words.sort(byCodeUnit)) {
    // A line for each letter, so that branches which add packages seldom change the same one.
    const isAlike = folder !== '.' || line[0] === word[0];
    const fits = line !== '' && isAlike && line.length + word.length < longestLine;
    if (!fits && line !== '') lines.push(line);
    line = fits ? `${line} ${word}` : word;
  }
  if (line !== '') lines.push(line);
  const others = packages.filter((entry) => !isPlain(entry)).map(({ name, value }) => [name, value] as const);
  return [...lines, ...others.sort(([a], [b]) => byCodeUnit(a, b))];
}

/** The entries that a table lists. */
export function entriesOf(table: Table): Entry[] {
  if (!isPackageTable(table)) {
    const { '/': folder, ...files } = table;
    return Object.entries(files).flatMap(([file, hashes]) =>
      [hashes].flat().map((hash) => entryOf('code', pathOf(folder, file), hash)),
    );
  }
  return Object.entries(table.packages).flatMap(([folder, lines]) =>
    (typeof lines === 'string' ? [lines] : lines)
      .flatMap((line) => (typeof line === 'string' ? line.split(' ').map(nameAndVersion) : [line]))
      .map(([name, version]) => entryOf('packages', pathOf(folder, name), version)),
  );
}

const isPackageTable = (table: Table): table is PackageTable => !('/' in table);

const pathOf = (folder: string, name: string): string => (folder === '.' ? name : `${folder}/${name}`);

function nameAndVersion(word: string): [name: string, version: string] {
  const at = word.lastIndexOf('@');
  return [word.slice(0, at), word.slice(at + 1)];
}
