// One look at a stage's commands: collects what they name, and follows the scripts that they run.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { paramsFile } from '../config/params.ts';
import { byCodeUnit } from '../order.ts';
import { CallReading } from './call-reading.ts';
import type { CommandCode, CommandReader, Commands } from './command-code.ts';
import { isNodeProgram, scriptTexts } from './node-calls.ts';
import type { ProjectFiles } from './project-files.ts';
import type { PythonProgram } from './python-closure.ts';
import { type Language, languageOf, type ReferenceMemo } from './references.ts';
import type { ShellCall } from './shell-calls.ts';

/** Scripts that start scripts that start … further than this are not followed. */
const deepest = 20;

/** One look at a stage's commands. */
export class CommandReading {
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
