// What the commands of a stage name: the files of the project that they run or read, those that they write, and what is unclear.
import type { Content } from '../store/tree.ts';
import { CommandReading } from './command-reading.ts';
import type { ProjectFiles } from './project-files.ts';
import { type PythonProgram, pythonClosure } from './python-closure.ts';
import { type Language, languageOf, type ReferenceMemo, type References } from './references.ts';

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
    const search = new CommandReading(this.#files, this.#memo, commands, this);
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
