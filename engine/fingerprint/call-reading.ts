// One look at a simple command of a shell: which of its words name files, and what these are to it.
import { posix } from 'node:path';
import { readJson } from '../store/files.ts';
import { type Run, rolesOf } from './call-roles.ts';
import type { CommandReading } from './command-reading.ts';
import { compiled } from './javascript/inputs.ts';
import { nodeCall } from './node-calls.ts';
import type { PythonProgram } from './python-closure.ts';
import { pythonReferences } from './python-imports.ts';
import { type Language, languageOf } from './references.ts';
import type { ShellCall, ShellWord } from './shell-calls.ts';

/** Programs that change nothing of a file but its mode or owner. */
const setters = /^(?:chmod|chown|chgrp|setfacl)$/;

/** One look at a simple command. */
export class CallReading {
  readonly #reading: CommandReading;
  readonly #call: ShellCall;
  readonly #self: string | undefined;
  readonly #depth: number;
  readonly #roles: ReturnType<typeof rolesOf>;
  #folders: readonly string[];
  #found = false;

  constructor(
    reading: CommandReading,
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
