// What the commands of a stage name: the files of the project that they run or read, those that they write, and what is unclear.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { paramsFile } from '../config/params.ts';
import { byCodeUnit } from '../order.ts';
import { readJson } from '../store/files.ts';
import type { Content } from '../store/tree.ts';
import { type Run, rolesOf } from './call-roles.ts';
import { compiled } from './javascript/inputs.ts';
import { isNodeProgram, nodeCall, scriptTexts } from './node-calls.ts';
import type { ProjectFiles } from './project-files.ts';
import { type PythonProgram, pythonClosure } from './python-closure.ts';
import { pythonReferences } from './python-imports.ts';
import { type Language, languageOf, type ReferenceMemo, type References } from './references.ts';
import type { ShellCall, ShellWord } from './shell-calls.ts';

/** A stage's commands and what is known of their templates. */
export interface Commands {
  readonly cmds: readonly string[];
  /** What runs them; a shell may be a script of the project. */
  readonly shell: string;
  readonly wdir: string;
  /** Paths of `${deps.x}` by name, as pipeline.yaml has them. */
  readonly deps: Readonly<Record<string, string>>;
}

/** What commands name; paths are relative to the project and in code-unit order. */
export interface CommandCode {
  /** JavaScript and TypeScript that they run: the bundler follows its imports. */
  readonly modules: readonly string[];
  /** Files of `node_modules` that stand for the packages whose commands or modules they run. */
  readonly packages: readonly string[];
  /** Scripts of package.json that they run: `package.json scripts.x` → its text. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Whether Node runs, so that its version counts. */
  readonly runsNode: boolean;
  /** Files that count byte for byte: code of other languages with all that it imports, and data. */
  readonly files: readonly string[];
  /** Of these files, those that are no code. */
  readonly data: readonly string[];
  /** What the text of the commands says, without that of scripts, which may have branches for other stages. */
  readonly text: {
    /** Every path of the project that a word names, whether or not something stands there. */
    readonly named: readonly string[];
    /** Patterns of the shell. */
    readonly patterns: readonly string[];
    readonly writes: readonly string[];
  };
  /** What they write or remove. */
  readonly writes: readonly string[];
  /** Files whose mode or owner they set. */
  readonly attributes: readonly string[];
  /** What reads params.yaml itself: a file, or `cmd`. */
  readonly readsParams?: string;
  /** A program whose code was not found. */
  readonly unknown?: string;
  /** A file that imports modules whose names it computes. */
  readonly computed?: string;
}

/** Scripts that start scripts that start … further than this are not followed. */
const deepest = 20;

/** Looks for code in commands. One object sees each file once. */
export class CommandReader {
  readonly #files: ProjectFiles;
  readonly #memo: ReferenceMemo;
  readonly #contentOf: (path: string) => Promise<Content | undefined>;
  readonly #references = new Map<string, Promise<References>>();
  readonly #programs = new Map<string, ReturnType<typeof pythonClosure>>();

  /** @param contentOf what a path of the project holds */
  constructor(
    files: ProjectFiles,
    memo: ReferenceMemo,
    contentOf: (path: string) => Promise<Content | undefined>,
  ) {
    this.#files = files;
    this.#memo = memo;
    this.#contentOf = contentOf;
  }

  async read(commands: Commands): Promise<CommandCode> {
    const search = new Reading(this.#files, this.#memo, commands, this);
    // A backslash leaves `${X}` to the shell.
    for (const cmd of commands.cmds)
      await search.calls(
        await this.#memo.ofCommand(cmd.replaceAll('\\${', '${')),
        [commands.wdir],
        undefined,
        0,
      );
    if (commands.shell.includes('/'))
      await search.calls(await this.#memo.ofCommand(commands.shell), ['.'], undefined, 0);
    return search.result();
  }

  /** Bytes of a file that was named. */
  size(path: string): number {
    return this.#files.size(path);
  }

  /** What a file refers to. */
  references(path: string, language: Language | undefined): Promise<References> {
    const known = language ?? languageOf(path);
    const key = `${known} ${path}`;
    let references = this.#references.get(key);
    if (references === undefined) {
      references = this.#refer(path, known);
      this.#references.set(key, references);
    }
    return references;
  }

  async #refer(path: string, language: Language | undefined): Promise<References> {
    if (language === 'data' || language === 'module') return { language };
    const content = await this.#contentOf(path);
    if (content === undefined) return { language: 'data' };
    return this.#memo.ofFile(path, language, content.hash, content.size);
  }

  /** The closure of a Python program; many stages may run the same. */
  python(program: PythonProgram): ReturnType<typeof pythonClosure> {
    const key = JSON.stringify(program);
    let closure = this.#programs.get(key);
    if (closure === undefined) {
      closure = pythonClosure(program, this.#files, async (path) => {
        const { python } = await this.references(
          path,
          path === program.file ? languageOfPython(path) : undefined,
        );
        return python;
      });
      this.#programs.set(key, closure);
    }
    return closure;
  }
}

/** What Python is given to run is Python, whatever its name says. */
const languageOfPython = (path: string): Language => (path.endsWith('.ipynb') ? 'notebook' : 'python');

/** One look at a stage's commands. */
class Reading {
  readonly project: ProjectFiles;
  readonly #memo: ReferenceMemo;
  readonly #deps: Readonly<Record<string, string>>;
  readonly #reader: CommandReader;
  readonly #modules = new Set<string>();
  readonly #code = new Set<string>();
  readonly #data = new Set<string>();
  readonly #text = { named: new Set<string>(), patterns: new Set<string>(), writes: new Set<string>() };
  readonly #writes = new Set<string>();
  readonly #attributes = new Set<string>();
  readonly #packages = new Set<string>();
  readonly #scripts: Record<string, string> = {};
  readonly #visited = new Set<string>();
  #readsParams: string | undefined;
  #unknown: string | undefined;
  #unknownModule: string | undefined;
  #computed: string | undefined;
  #runsNode = false;

  constructor(project: ProjectFiles, memo: ReferenceMemo, { deps }: Commands, reader: CommandReader) {
    this.project = project;
    this.#memo = memo;
    this.#deps = deps;
    this.#reader = reader;
  }

  result(): CommandCode {
    const sorted = (paths: Iterable<string>): string[] =>
      [...paths].filter((path) => !this.#writes.has(path)).sort(byCodeUnit);
    // A module that is not of the project is most often an installed tool.
    const unknown =
      this.#unknown ?? (this.#modules.size + this.#code.size === 0 ? this.#unknownModule : undefined);
    return {
      modules: sorted(this.#modules),
      packages: sorted(this.#packages),
      scripts: this.#scripts,
      runsNode: this.#runsNode || this.#modules.size > 0,
      files: sorted(new Set([...this.#code, ...this.#data])),
      data: sorted([...this.#data].filter((path) => !this.#code.has(path))),
      text: {
        named: sorted(this.#text.named),
        patterns: [...this.#text.patterns],
        writes: [...this.#text.writes].sort(byCodeUnit),
      },
      writes: [...this.#writes].sort(byCodeUnit),
      attributes: [...this.#attributes].sort(byCodeUnit),
      ...(this.#readsParams === undefined ? {} : { readsParams: this.#readsParams }),
      ...(unknown === undefined ? {} : { unknown }),
      ...(this.#computed === undefined ? {} : { computed: this.#computed }),
    };
  }

  /**
   * @param bases folders that the text may start in
   * @param self the script that the text is
   */
  async calls(
    calls: readonly ShellCall[],
    bases: readonly string[],
    self: string | undefined,
    depth: number,
  ): Promise<void> {
    if (depth > deepest) return;
    for (const call of calls) await new CallReading(this, call, bases, self, depth).read();
  }

  /** Paths of the project that a text may mean. */
  paths(text: string, folders: readonly string[], self: string | undefined): string[] {
    const filled = this.fill(text, self);
    if (filled === undefined) return [];
    const paths = folders.map((folder) => this.project.pathOf(folder, filled));
    return [...new Set(paths.filter((path) => path !== undefined))];
  }

  /** A text with its templates; undefined if it names an out or a list, which are known by other means. */
  fill(text: string, self: string | undefined): string | undefined {
    if (!text.includes('${')) return text;
    let known = true;
    const filled = text.replaceAll(
      /\$\{(self|root|deps\.([^{}]+)|[^{}]*)\}/g,
      (_, name: string, dep?: string) => {
        if (name === 'root') return this.project.root;
        const path = name === 'self' ? self : this.#deps[dep ?? ''];
        known &&= path !== undefined;
        return path === undefined ? '' : posix.resolve(this.project.root, path);
      },
    );
    return known ? filled : undefined;
  }

  kind(path: string): 'file' | 'folder' | undefined {
    return this.project.kind(path);
  }

  get root(): string {
    return this.project.root;
  }

  /** @param self the script whose text names the path */
  name(path: string, self: string | undefined): void {
    if (self === undefined) this.#text.named.add(path);
  }

  pattern(path: string, self: string | undefined): void {
    if (self === undefined) this.#text.patterns.add(path);
  }

  write(path: string, self: string | undefined): void {
    this.#writes.add(path);
    if (self === undefined) this.#text.writes.add(path);
  }

  attribute(path: string): void {
    this.#attributes.add(path);
  }

  isWritten(path: string): boolean {
    return this.#writes.has(path);
  }

  parse(text: string): Promise<readonly ShellCall[]> {
    return this.#memo.ofCommand(text);
  }

  /** Notes that Node runs, and which packages it does not find by an import. */
  node(packages: readonly string[]): void {
    this.#runsNode = true;
    for (const file of packages) this.#packages.add(file);
  }

  /** Counts a script of package.json, and follows it. */
  async script(manifest: string, name: string, depth: number): Promise<void> {
    const folder = posix.dirname(manifest);
    for (const [each, text] of scriptTexts(readFileSync(posix.join(this.root, manifest), 'utf8'), name)) {
      const key = `${manifest} scripts.${each}`;
      if (this.#scripts[key] !== undefined) continue;
      this.#scripts[key] = text;
      await this.calls(await this.parse(text), [folder], undefined, depth + 1);
    }
  }

  /** @param module whether it may be an installed module */
  unclear(program: string, module: boolean): void {
    if (module) this.#unknownModule ??= program;
    else this.#unknown ??= program;
  }

  /** Counts a file, and follows what it refers to. */
  async file(
    path: string,
    language: Language | undefined,
    folders: readonly string[],
    depth: number,
  ): Promise<void> {
    if (path === paramsFile) this.#readsParams ??= 'cmd';
    const key = JSON.stringify([path, language, folders]);
    if (this.#visited.has(key) || depth > deepest) return;
    this.#visited.add(key);
    const references = await this.#reader.references(path, language);
    const { language: found, calls, strings } = references;
    if (found === 'module') this.#modules.add(path);
    else (found === 'data' ? this.#data : this.#code).add(path);
    const around = [...new Set([...folders, posix.dirname(path)])];
    if (found === 'python' || found === 'notebook')
      await this.python({ file: path, folders, search: [] }, path, depth);
    if (calls !== undefined) await this.calls(calls, around, path, depth + 1);
    for (const text of strings ?? []) await this.string(text, path, around, depth, found === 'make');
  }

  /** Follows a Python program. @returns whether a file of the project is its start */
  async python(program: PythonProgram, by: string, depth: number): Promise<boolean> {
    const closure = await this.#reader.python(program);
    for (const path of closure.files) this.#code.add(path);
    this.#computed ??= closure.computed === '' ? by : closure.computed;
    for (const { text, folders } of closure.strings) await this.string(text, by, folders, depth, false);
    return closure.found;
  }

  /**
   * A quoted text in code that may name further code, or the parameters.
   * @param any whether data counts, too
   */
  async string(
    text: string,
    by: string,
    folders: readonly string[],
    depth: number,
    any: boolean,
  ): Promise<void> {
    for (const word of text.split(/[\s'"`;,|&()<>]+/)) {
      if (any && isNodeProgram(word)) this.#runsNode = true;
      if (/(?:^|\/)params\.yaml$/.test(word) && this.#isParams(word, folders)) this.#readsParams ??= by;
      if (word === '' || word.includes('{')) continue;
      const own = posix.extname(by);
      for (const candidate of own === '' || any || posix.extname(word) !== '' ? [word] : [word, word + own])
        for (const path of new Set(
          ['.', ...folders].map((folder) => this.project.pathOf(folder, candidate)),
        )) {
          if (path === undefined || path === by || path === paramsFile) continue;
          const language = languageOf(path);
          if ((language === 'data' || language === undefined) && !any) continue;
          if (this.kind(path) === 'file') await this.file(path, undefined, folders, depth + 1);
        }
    }
  }

  /** Whether a text means the project's params.yaml. If it leads nowhere, its folder is computed, and it may well do. */
  #isParams(word: string, folders: readonly string[]): boolean {
    const found = folders
      .map((folder) => this.project.pathOf(folder, word))
      .filter((path) => path !== undefined && this.kind(path) === 'file');
    return found.length === 0 || found.includes(paramsFile);
  }
}

/** Programs that change nothing of a file but its mode or owner. */
const setters = /^(?:chmod|chown|chgrp|setfacl)$/;

/** One look at a simple command. */
class CallReading {
  readonly #reading: Reading;
  readonly #call: ShellCall;
  readonly #self: string | undefined;
  readonly #depth: number;
  readonly #roles: ReturnType<typeof rolesOf>;
  #folders: readonly string[];
  #found = false;

  constructor(
    reading: Reading,
    call: ShellCall,
    bases: readonly string[],
    self: string | undefined,
    depth: number,
  ) {
    this.#reading = reading;
    this.#call = call;
    this.#self = self;
    this.#depth = depth;
    this.#roles = rolesOf(call);
    this.#folders = bases;
    const folders = call.folders.flatMap((folder) => reading.paths(folder, bases, self));
    // Where it runs outside of the project, or nobody knows where, its words may still be meant from here.
    if (folders.length > 0 && call.elsewhere !== true) this.#folders = [...new Set(folders)];
    else this.#folders = [...new Set([...folders, ...bases])];
  }

  async read(): Promise<void> {
    const { folder, writes, written, runs, needsCode } = this.#roles;
    if (folder !== undefined) {
      const folders = folder.texts.flatMap((text) => this.#paths(text));
      if (folders.length > 0) this.#folders = folders;
    }
    for (const word of writes)
      for (const text of word.texts)
        for (const path of this.#paths(text)) this.#reading.write(path, this.#self);
    for (const text of written) for (const path of this.#paths(text)) this.#reading.write(path, this.#self);
    if (setters.test(this.#call.words[0]?.texts[0] ?? ''))
      for (const text of this.#call.words.flatMap(({ texts }) => texts))
        for (const path of this.#paths(text)) this.#reading.attribute(path);
    for (const run of runs) await this.#run(run);
    await this.#node();
    for (const word of [...this.#call.words, ...(this.#call.reads ?? [])])
      if (!writes.has(word)) await this.#word(word);
    // What a command has just written, or gets by template, is known already.
    const isKnown = (text: string): boolean =>
      text.includes('${') || this.#paths(text).some((path) => this.#reading.isWritten(path));
    if (needsCode && !this.#found && !this.#call.words.some(({ texts }) => texts.some(isKnown))) {
      const program = this.#call.words.map(({ texts }) => texts[0] ?? '…').join(' ');
      this.#reading.unclear(
        program,
        runs.some(({ how }) => how === 'python-module'),
      );
    }
  }

  #paths(text: string): string[] {
    return this.#reading.paths(text, this.#folders, this.#self);
  }

  async #node(): Promise<void> {
    const { runs, packages, script } = nodeCall(this.#call, this.#reading.project);
    if (runs) this.#reading.node(packages);
    if (script === undefined) return;
    for (let folder of script.folder === undefined ? this.#folders : this.#paths(script.folder))
      for (; ; folder = posix.dirname(folder)) {
        const manifest = posix.join(folder, 'package.json');
        if (this.#reading.kind(manifest) === 'file') {
          await this.#reading.script(manifest, script.name, this.#depth);
          break;
        }
        if (folder === posix.dirname(folder)) break;
      }
  }

  async #file(path: string, language?: Language): Promise<void> {
    this.#found = true;
    this.#reading.name(path, this.#self);
    await this.#reading.file(path, language, this.#folders, this.#depth);
  }

  async #run(run: Run): Promise<void> {
    switch (run.how) {
      case 'python-text':
        await this.#python({ text: pythonReferences(run.text) });
        return;
      case 'shell-text':
        this.#found = true;
        await this.#reading.calls(
          await this.#reading.parse(run.text),
          this.#folders,
          this.#self,
          this.#depth + 1,
        );
        return;
      case 'python-module':
        for (const module of run.word.texts)
          if (/^[\w.]+$/.test(module) && (await this.#python({ module }))) this.#found = true;
        return;
      case 'build-file': {
        const paths = run.names.flatMap((name) => this.#paths(name));
        const path = paths.find((each) => this.#reading.kind(each) === 'file');
        if (path !== undefined) await this.#file(path, 'make');
        return;
      }
      case 'node-file':
        for (const path of run.word.texts.flatMap((text) => this.#paths(text))) {
          const file = this.#reading.kind(path) === 'file' ? undefined : this.#completed(path);
          if (file !== undefined) await this.#file(file);
        }
        return;
      default:
        for (const path of run.word.texts.flatMap((text) => this.#paths(text)))
          await this.#script(run.how, path);
    }
  }

  /** The file that Node, or tsx, runs for a path without an ending. */
  #completed(path: string): string | undefined {
    const names = [...compiled].map((ending) => path + ending);
    if (this.#reading.kind(path) === 'folder') {
      const manifest = readJson<{ main?: unknown }>(posix.join(this.#reading.root, path, 'package.json'));
      if (typeof manifest?.main === 'string') {
        const main = posix.join(path, manifest.main);
        names.push(main, ...[...compiled].map((ending) => main + ending));
      }
      names.push(...[...compiled].map((ending) => posix.join(path, `index${ending}`)));
    }
    return names.find((name) => this.#reading.kind(name) === 'file');
  }

  async #script(how: 'python-file' | 'shell-file' | 'source', path: string): Promise<void> {
    const main = posix.join(path, '__main__.py');
    if (how === 'python-file' && this.#reading.kind(path) === 'folder') {
      if (this.#reading.kind(main) === 'file') await this.#script(how, main);
    } else if (this.#reading.kind(path) === 'file') {
      const language = languageOf(path);
      const told = how === 'python-file' ? 'python' : 'shell';
      // `sh` may also get an archive that extracts itself: only text that can be read is.
      await this.#file(path, language === undefined || language === 'data' ? told : language);
      if (how === 'python-file' && language !== 'module') await this.#python({ file: path });
    }
  }

  #python(program: Pick<PythonProgram, 'file' | 'module' | 'text'>): Promise<boolean> {
    const path = this.#call.pythonPath?.texts ?? (process.env.PYTHONPATH ? [process.env.PYTHONPATH] : []);
    const search = path
      .flatMap((text) => text.split(':'))
      .flatMap((text) => (text === '' ? [] : this.#paths(text)));
    return this.#reading.python(
      { ...program, folders: this.#folders, search },
      program.file ?? 'cmd',
      this.#depth,
    );
  }

  async #word(word: ShellWord): Promise<void> {
    const isFirst = word === this.#call.words[0];
    for (const text of word.texts) {
      if (word.glob === true) await this.#glob(text);
      // The shell looks for a program without a slash on the PATH alone.
      else if (!isFirst || text.includes('/')) await this.#text(text);
    }
  }

  async #text(text: string): Promise<void> {
    const parts = new Set([text]);
    // `--config=a.yaml`, `@a.json`, and the text of a program that is given with `-c` or `-e`.
    if (text.includes('=')) parts.add(text.slice(text.indexOf('=') + 1));
    if (text.startsWith('@')) parts.add(text.slice(1));
    if (/[\s'"();]/.test(text)) for (const part of text.match(/[^\s"'`=;|&<>(),]+/g) ?? []) parts.add(part);
    if (/^-[a-zA-Z]./.test(text)) parts.add(text.slice(2)); // `-fbuild.mk`
    for (const part of parts) {
      if (part.startsWith('-')) continue;
      for (const path of this.#paths(part)) {
        this.#reading.name(path, this.#self);
        if (this.#reading.kind(path) === 'file') await this.#file(path);
      }
    }
  }

  /** Files that a pattern of the shell matches. */
  async #glob(text: string): Promise<void> {
    const pattern = this.#reading.fill(text, this.#self);
    if (pattern === undefined || pattern.startsWith('-')) return;
    for (const path of this.#paths(text)) this.#reading.pattern(path, this.#self);
    const { globSync } = await import('tinyglobby');
    for (const folder of this.#folders) {
      const from = posix.resolve(this.#reading.root, folder);
      const found = globSync(pattern, { cwd: from, expandDirectories: false, absolute: true });
      for (const file of found)
        for (const path of this.#paths(file)) if (!this.#reading.isWritten(path)) await this.#file(path);
    }
  }
}
