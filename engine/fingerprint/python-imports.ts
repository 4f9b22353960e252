// Reads from Python's source what it imports and which files it names, without running Python.

/** What a Python source refers to. */
export interface PythonReferences {
  readonly imports: readonly PythonImport[];
  /** Folders that it puts on the search path. */
  readonly search: readonly SearchFolder[];
  /** Its string literals that may name a file with code, or the parameters. */
  readonly strings: readonly string[];
  /** Whether it imports modules whose names it computes. */
  readonly computed?: true;
}

export interface PythonImport {
  /** Dots before the name: 0 for an absolute import. */
  readonly level: number;
  readonly module: string;
  /** What is taken from the module, and may be a module in it; `*` for everything. */
  readonly names: readonly string[];
}

/** Folder made of literals, relative to where the command runs or to the file itself. */
export interface SearchFolder {
  /** How many folders above the file it starts; null if it does not start at the file. */
  readonly above: number | null;
  readonly steps: readonly string[];
}

interface Token {
  readonly kind: 'name' | 'string' | 'other';
  /** Of a string what is between the quotes. */
  readonly text: string;
  /** Whether a string is an f-string. */
  readonly formatted?: true;
}

/** Reads a source as far as it follows Python's grammar; of what does not it takes what it can. */
export function pythonReferences(source: string): PythonReferences {
  const imports: PythonImport[] = [];
  const search: SearchFolder[] = [];
  const strings = new Set<string>();
  const places = new Map<string, SearchFolder>();
  let computed = false;
  for (const line of logicalLines(source)) {
    for (const { kind, text } of line) {
      if (kind === 'string' && mayNameCode(text)) strings.add(text);
      // DVC's function reads the file of that name.
      if (kind === 'name' && text === 'params_show') strings.add('params.yaml');
    }
    imports.push(...importsIn(line));
    const dynamic = dynamicImports(line);
    imports.push(...dynamic.imports);
    computed ||= dynamic.computed;
    const assigned = line[0]?.kind === 'name' && line[1]?.text === '=' ? line[0].text : undefined;
    if (assigned !== undefined && line.some(({ text }) => text === '__file__' || places.has(text)))
      places.set(assigned, folderIn(line.slice(2), places));
    if (changesSearch(line)) search.push(folderIn(line, places));
  }
  return { imports, search, strings: [...strings], ...(computed ? { computed } : {}) };
}

const codeName =
  /[\w)}\]-]\.(?:py|pyw|sh|bash|r|R|jl|rb|pl|lua|[cm]?[jt]sx?|so|ipynb|c|cc|cpp|cu|h|sql)(?![\w.])/;
const mayNameCode = (text: string): boolean =>
  text.length < 1000 && (codeName.test(text) || /params\.ya?ml|profiles\//.test(text));

/** Splits a source into statements' lines: without comments, joined where brackets or a backslash continue them. */
function* logicalLines(source: string): Generator<Token[]> {
  let line: Token[] = [];
  let depth = 0;
  const token = /[^\S\n]+|#[^\n]*|\\\r?\n|[^\W\d]\w*|\d[\w.]*|\n|./suy;
  while (token.lastIndex < source.length) {
    const start = token.lastIndex;
    const text = token.exec(source)?.[0];
    if (text === undefined) break;
    const quote = /^(?:[rbuft]|[rb][rbft]|[ft]r)$/i.test(text) ? source[token.lastIndex] : text;
    if (quote === '"' || quote === "'") {
      const prefix = quote === text ? '' : text.toLowerCase();
      const open = start + prefix.length;
      const end = endOfString(source, open, prefix);
      const width = source.startsWith(quote.repeat(3), open) ? 3 : 1;
      const formatted = /[ft]/.test(prefix);
      line.push({
        kind: 'string',
        text: source.slice(open + width, Math.max(open + width, end - width)),
        ...(formatted ? { formatted: true } : {}),
      });
      token.lastIndex = end;
    } else if (text === '\n' || (text === ';' && depth === 0)) {
      if (depth > 0) continue;
      if (line.length > 0) yield line;
      line = [];
    } else if (!/^(?:\s|#|\\\r?\n)/.test(text)) {
      if (/^[([{]$/.test(text)) depth++;
      if (/^[)\]}]$/.test(text)) depth = Math.max(0, depth - 1);
      line.push({ kind: /^[^\W\d]/u.test(text) ? 'name' : 'other', text });
    }
  }
  if (line.length > 0) yield line;
}

/** Index after a string literal whose first quote is at `open`. */
function endOfString(source: string, open: number, prefix: string): number {
  const quote = source[open]!;
  const long = source.startsWith(quote.repeat(3), open);
  const close = long ? quote.repeat(3) : quote;
  const formatted = /[ft]/.test(prefix);
  for (let i = open + close.length; i < source.length; i++) {
    if (source.startsWith(close, i)) return i + close.length;
    if (source[i] === '\\') i++;
    else if (source[i] === '\n' && !long) return i;
    else if (formatted && source[i] === '{') {
      if (source[i + 1] === '{') i++;
      else i = endOfField(source, i, long ? undefined : '\n');
    }
  }
  return source.length;
}

/** Index of the brace that ends an f-string's field; it may hold strings with the same quotes. */
function endOfField(source: string, open: number, end: string | undefined): number {
  let depth = 0;
  for (let i = open; i < source.length; i++) {
    const at = source[i]!;
    if (at === end) return i - 1;
    if (at === '{') depth++;
    else if (at === '}' && --depth === 0) return i;
    else if ((at === '"' || at === "'") && depth > 0) {
      const after = endOfString(source, i, '');
      // An older Python ends the whole literal at its own quote.
      if (source.slice(i, after).includes('\n')) return i - 1;
      i = after - 1;
    }
  }
  return source.length;
}

const isStatementStart = (line: readonly Token[], i: number): boolean =>
  i === 0 || (line[i - 1]!.kind === 'other' && line[i - 1]!.text === ':');

/** `import a.b as c, d` and `from .a import (b, c)`. */
function importsIn(line: readonly Token[]): PythonImport[] {
  for (const [i, { kind, text }] of line.entries()) {
    if (kind !== 'name' || !isStatementStart(line, i)) continue;
    if (text === 'import')
      return separated(line.slice(i + 1)).map((module) => ({ level: 0, module, names: [] }));
    if (text !== 'from') continue;
    const rest = line.slice(i + 1);
    const at = rest.findIndex((token) => token.kind === 'name' && token.text === 'import');
    if (at === -1) return [];
    const from = rest.slice(0, at).map((token) => token.text);
    const module = from.join('').replace(/^\.+/, '');
    const names = rest.slice(at + 1).filter((token) => token.text !== '(' && token.text !== ')');
    return [{ level: from.join('').length - module.length, module, names: separated(names) }];
  }
  return [];
}

/** Dotted names between commas, without what they are called here. */
const separated = (tokens: readonly Token[]): string[] =>
  tokens
    .map(({ text }) => (text === ',' ? ',' : text === 'as' ? ' as ' : text))
    .join('')
    .split(',')
    .map((name) => name.split(' as ')[0]!)
    .filter((name) => name !== '');

/** `importlib.import_module('a.b')`, `__import__('a')` and `runpy.run_module('a')`. */
function dynamicImports(line: readonly Token[]): { imports: PythonImport[]; computed: boolean } {
  const imports: PythonImport[] = [];
  let computed = false;
  for (const [i, { kind, text }] of line.entries()) {
    if (kind !== 'name' || !/^(?:import_module|__import__|run_module)$/.test(text)) continue;
    if (line[i + 1]?.text !== '(' || line[i - 1]?.text === 'def') continue;
    const first = line[i + 2];
    const end = line[i + 3]?.text;
    if (first?.kind !== 'string') {
      computed = true;
      continue;
    }
    const whole = (end === ',' || end === ')') && first.formatted !== true;
    // Of a name that starts with letters and is completed later, every module of that package may be meant.
    const known = whole ? first.text : /^[\w.]*\./.exec(first.text)?.[0].replace(/\.$/, '');
    if (known === undefined || known === '') computed = true;
    else {
      const module = known.replace(/^\.+/, '');
      imports.push({ level: known.length - module.length, module, names: whole ? [] : ['*'] });
    }
  }
  return { imports, computed };
}

function changesSearch(line: readonly Token[]): boolean {
  return line.some(
    ({ text }, i) =>
      text === 'addsitedir' ||
      (text === 'path' &&
        line[i - 1]?.text === '.' &&
        line[i - 2]?.text === 'sys' &&
        /^[.[=+]$/.test(line[i + 1]?.text ?? '')),
  );
}

/** The folder that an expression of `os.path` or `pathlib` gives, as far as it is made of literals. */
function folderIn(line: readonly Token[], places: ReadonlyMap<string, SearchFolder>): SearchFolder {
  let above: number | null = null;
  const steps: string[] = [];
  for (const [i, { kind, text }] of line.entries()) {
    const place = kind === 'name' ? places.get(text) : undefined;
    if (place !== undefined) {
      if (place.above !== null) above = (above ?? 0) + place.above;
      steps.unshift(...place.steps);
    } else if (kind === 'string') steps.push(text);
    else if (text === '__file__') above ??= 0;
    else if (text === 'pardir') steps.push('..');
    else if (text === 'dirname' || (text === 'parent' && line[i - 1]?.text === '.')) above = (above ?? 0) + 1;
    else if (text === 'parents') above = (above ?? 0) + Number(line[i + 2]?.text ?? 0) + 1;
  }
  return { above, steps };
}
