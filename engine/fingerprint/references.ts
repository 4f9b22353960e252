// What a file of code refers to, by its language. Remembered by content, so that only a file that changed is read.
import { readFileSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import { readJson, writeFileAtomic } from '../store/files.ts';
import { sha256 } from '../store/tree.ts';
import { compiled } from './javascript/inputs.ts';
import { type PythonReferences, pythonReferences } from './python-imports.ts';
import { type ShellCall, shellCalls } from './shell-calls.ts';

/** `module`: JavaScript or TypeScript, whose imports the bundler follows. `data`: no code, or none that anybody can read. */
export type Language = 'module' | 'python' | 'notebook' | 'shell' | 'make' | 'other' | 'data';

export interface References {
  readonly language: Language;
  readonly calls?: readonly ShellCall[];
  readonly python?: PythonReferences;
  /** Quoted texts, or words, that may name files. */
  readonly strings?: readonly string[];
}

const byEnding: Readonly<Record<string, Language>> = {
  '.py': 'python',
  '.pyw': 'python',
  '.ipynb': 'notebook',
  '.sh': 'shell',
  '.bash': 'shell',
  '.zsh': 'shell',
  '.ksh': 'shell',
  '.mk': 'make',
};

const otherCode =
  /\.(?:r|rmd|qmd|jl|rb|pl|pm|lua|awk|sed|sql|c|cc|cpp|cxx|cu|h|hh|hpp|go|rs|java|kt|scala|groovy|php|tcl|m|do|nf|smk|jq|f90|cs|fs|hs|ml|ex|exs|erl|clj|swift|dart|vim|el|ps1)$/i;

const makefile = /^(?:GNU|[jJ]ust|[rR]ake|[sS]nake)?(?:[mM]ake)?file$/;

/** Code is written by people; what is larger is data, whatever its name says. */
const largestCode = 16 << 20;

/** The language that a file's name tells; undefined if only its first line can. */
export function languageOf(path: string): Language | undefined {
  const ending = extname(path);
  if (compiled.has(ending)) return 'module';
  const known = byEnding[ending];
  if (known !== undefined) return known;
  if (makefile.test(posix.basename(path))) return 'make';
  if (otherCode.test(ending)) return 'other';
  return ending === '' ? undefined : 'data';
}

/** The file of what is remembered. */
interface Memo {
  readonly rules: number;
  readonly found: Record<string, unknown>;
}

/** What other rules found is not taken up: raise this with each change of what is read from a file or a command. */
const rules = 1;

/** Reads what files refer to, and remembers it in a file. */
export class ReferenceMemo {
  readonly #root: string;
  readonly #file: string;
  readonly #remembered: Record<string, unknown>;
  readonly #used = new Set<string>();
  #changed = false;

  constructor(root: string, file: string) {
    this.#root = root;
    this.#file = file;
    const known = readJson<Memo>(file);
    this.#remembered = known?.rules === rules ? known.found : {};
  }

  /** The calls of a command. */
  async ofCommand(text: string): Promise<readonly ShellCall[]> {
    return this.recall(`command ${text}`, () => shellCalls(text));
  }

  /**
   * @param language if it is known from how the file is run
   * @param hash of the file's content
   */
  async ofFile(
    path: string,
    language: Language | undefined,
    hash: string,
    size: number,
  ): Promise<References> {
    if (language === 'data' || language === 'module' || size > largestCode)
      return { language: language === 'module' ? language : 'data' };
    const key = `${language ?? 'unknown'} ${hash}`;
    if (this.#remembered[key] !== undefined) return this.recall(key, unreached);
    const bytes = readFileSync(join(this.#root, path));
    const references = await read(bytes, language);
    // If it changed since it was hashed, this belongs to another content.
    return sha256(bytes) === hash ? this.recall(key, async () => references) : references;
  }

  /** What `find` found for this key, which names all that its answer depends on. */
  async recall<T>(key: string, find: () => Promise<T>): Promise<T> {
    this.#used.add(key);
    if (this.#remembered[key] === undefined) {
      this.#remembered[key] = await find();
      this.#changed = true;
    }
    return this.#remembered[key] as T;
  }

  /** Writes what was learnt. If it can't be written, the next look takes longer, and that is all. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    // What this look did not need may be needed by the next, but not for ever.
    const entries = Object.entries(this.#remembered);
    const kept =
      entries.length > 2 * this.#used.size + 1000 ? entries.filter(([key]) => this.#used.has(key)) : entries;
    const memo: Memo = { rules, found: Object.fromEntries(kept) };
    await writeFileAtomic(this.#file, JSON.stringify(memo), { durable: false }).catch(() => undefined);
  }
}

const unreached = (): never => {
  throw new Error('What is remembered is not looked for.');
};

async function read(bytes: Buffer, language: Language | undefined): Promise<References> {
  const found = language ?? languageOfFirstLine(bytes);
  const text = found === 'data' ? '' : bytes.toString('utf8');
  switch (found) {
    case 'python':
      return { language: found, python: pythonReferences(text) };
    case 'notebook':
      return { language: found, python: pythonReferences(cellsOf(text)) };
    case 'shell':
      return { language: found, calls: await shellCalls(text) };
    case 'make':
      return { language: found, strings: [...new Set(text.match(/[^\s"'`=;:|&<>()$,@]+/g) ?? [])] };
    case 'other':
      return { language: found, strings: quoted(text) };
    default:
      return { language: found };
  }
}

function languageOfFirstLine(bytes: Buffer): Language {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return 'data'; // #!
  const line = bytes.subarray(0, 256).toString('latin1').split('\n')[0]!;
  if (/\bpython[\d.]*\b/.test(line)) return 'python';
  if (/\b(?:node|tsx)\b/.test(line)) return 'module';
  return /\b(?:ba|da|z|k|a)?sh\b/.test(line) ? 'shell' : 'other';
}

/** The Python of a notebook's cells, without the lines that are IPython's own. */
function cellsOf(text: string): string {
  try {
    const { cells = [] } = JSON.parse(text) as { cells?: { cell_type: string; source: string | string[] }[] };
    return cells
      .filter(({ cell_type }) => cell_type === 'code')
      .map(({ source }) => (typeof source === 'string' ? source : source.join('')))
      .join('\n')
      .replaceAll(/^\s*[%!].*$/gm, '');
  } catch {
    return '';
  }
}

/** Quoted texts of one line: how most languages name the files that they include. */
const quoted = (text: string): string[] => [
  ...new Set([...text.matchAll(/"([^"\n]{1,300})"|'([^'\n]{1,300})'/g)].map(([, a, b]) => (a ?? b)!)),
];
