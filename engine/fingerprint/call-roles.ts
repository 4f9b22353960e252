// What the words of a shell's simple command do: start a program, name a script, or name what the command writes.
import { posix } from 'node:path';
import type { ShellCall, ShellWord } from './shell-calls.ts';

/** Code that a call runs, besides the files that its words name. */
export type Run =
  | { readonly how: 'python-file' | 'shell-file' | 'source'; readonly word: ShellWord }
  /** Node completes a name that is no file. */
  | { readonly how: 'node-file'; readonly word: ShellWord }
  | { readonly how: 'python-module'; readonly word: ShellWord }
  | { readonly how: 'python-text' | 'shell-text'; readonly text: string }
  /** The first of these files that exists in the call's folder. */
  | { readonly how: 'build-file'; readonly names: readonly string[] };

export interface Roles {
  readonly runs: readonly Run[];
  /** Words for what the call writes or removes. */
  readonly writes: ReadonlySet<ShellWord>;
  /** Files in words that are not words themselves, as in `-Oname`. */
  readonly written: readonly string[];
  /** Folder that the program changes to, if its options say so. */
  readonly folder?: ShellWord;
  /** Whether it runs code that these words should name: an interpreter, or a program that the text does not tell. */
  readonly needsCode: boolean;
}

const python = /^(?:python|pypy)[\d.]*$/;
const shell = /^(?:ba|da|z|k|a|mk)?sh$/;
const interpreter = /^(?:node|nodejs|tsx|ts-node|bun|deno|ruby|perl|Rscript|julia|lua[\d.]*|php|java)$/;
const node = /^(?:node|nodejs|tsx|ts-node|bun|deno)$/;
const moduleRunner =
  /^(?:uv|torchrun|accelerate|coverage|kernprof|i?python[\d.]*|deepspeed|memray|scalene|viztracer|mprof)$/;

const buildFiles: Readonly<Record<string, readonly string[]>> = {
  make: ['GNUmakefile', 'makefile', 'Makefile'],
  gmake: ['GNUmakefile', 'makefile', 'Makefile'],
  just: ['justfile', 'Justfile', '.justfile'],
  rake: ['Rakefile', 'rakefile'],
  snakemake: ['Snakefile', 'workflow/Snakefile'],
};

const textOf = (word: ShellWord | undefined): string => word?.texts[0] ?? '';

/** Finds the roles of a call's words. */
export function rolesOf({ words, stdin, writes = [] }: ShellCall): Roles {
  const names = words.map((word) => posix.basename(textOf(word)));
  const runs: Run[] = [];
  let needsCode = words.length > 0 && words[0]!.texts.length === 0;
  let folder: ShellWord | undefined;
  const program = names.findIndex(
    (name) =>
      python.test(name) || shell.test(name) || interpreter.test(name) || buildFiles[name] !== undefined,
  );
  const name = names[program] ?? '';
  const args = program === -1 ? [] : words.slice(program + 1);
  if (python.test(name)) {
    const found = pythonRuns(args, stdin);
    runs.push(...found.runs);
    needsCode ||= found.needsCode;
  } else if (shell.test(name)) {
    const found = shellRuns(args, stdin);
    runs.push(...found.runs);
    needsCode ||= found.needsCode;
  } else if (interpreter.test(name)) {
    needsCode ||= !args.some((word) => isInline(textOf(word)));
    if (node.test(name))
      for (const word of args) if (/^[^-]/.test(textOf(word))) runs.push({ how: 'node-file', word });
  } else if (program !== -1) {
    const at = args.findIndex((word) => /^(?:-C|--directory)$/.test(textOf(word)));
    if (at !== -1) folder = args[at + 1];
    const attached = args.map(textOf).find((text) => /^(?:-C.|--directory=)/.test(text));
    if (attached !== undefined) folder = { texts: [attached.replace(/^(?:-C|--directory=)/, '')] };
    if (!args.some((word) => /^-[a-zA-Z]*f$|^--(?:file|makefile|justfile|snakefile)/.test(textOf(word))))
      runs.push({ how: 'build-file', names: buildFiles[name]! });
  }
  if (/^(?:source|\.)$/.test(names[0] ?? '') && words[1] !== undefined)
    runs.push({ how: 'source', word: words[1] });
  if (names[0] === 'eval') runs.push({ how: 'shell-text', text: words.slice(1).map(textOf).join(' ') });
  if (names[0] === 'env') folder ??= optionOf(words, '-C', '--chdir');
  for (const [i, word] of words.entries())
    if (
      textOf(word) === '-m' &&
      words[i + 1] !== undefined &&
      names.slice(0, i).some((each) => moduleRunner.test(each))
    )
      runs.push({ how: 'python-module', word: words[i + 1]! });
  const outputs = writtenBy(names[0] ?? '', words);
  return {
    runs,
    writes: new Set([...writes, ...outputs.words]),
    written: outputs.texts,
    ...(folder === undefined ? {} : { folder }),
    needsCode,
  };
}

function optionOf(words: readonly ShellWord[], short: string, long: string): ShellWord | undefined {
  for (const [i, word] of words.entries()) {
    const text = textOf(word);
    if (text === short || text === long) return words[i + 1];
    if (text.startsWith(`${long}=`)) return { texts: [text.slice(long.length + 1)] };
  }
  return undefined;
}

/** Options that carry the program's text, or only ask for a version. */
const isInline = (text: string): boolean =>
  /^(?:-[a-zA-Z]*[ep]|--eval|--print|--version|-[vVh]|--help|--test)$/.test(text);

function pythonRuns(
  args: readonly ShellWord[],
  stdin: string | undefined,
): { runs: Run[]; needsCode: boolean } {
  for (let i = 0; i < args.length; i++) {
    const text = textOf(args[i]);
    if (/^-[a-zA-Z]*c$/.test(text))
      return {
        runs: (args[i + 1]?.texts ?? []).map((code) => ({ how: 'python-text', text: code })),
        needsCode: false,
      };
    // `-m` is found with those of other programs.
    if (/^-[a-zA-Z]*m$/.test(text)) {
      const combined = text !== '-m' && args[i + 1] !== undefined;
      return { runs: combined ? [{ how: 'python-module', word: args[i + 1]! }] : [], needsCode: true };
    }
    if (text.startsWith('-m'))
      return { runs: [{ how: 'python-module', word: { texts: [text.slice(2)] } }], needsCode: true };
    if (/^(?:--version|--help|-V+|-h)$/.test(text)) return { runs: [], needsCode: false };
    if (/^-[WX]$/.test(text)) i++;
    else if (text === '-') break;
    else if (!text.startsWith('-'))
      return { runs: [{ how: 'python-file', word: args[i]! }], needsCode: true };
  }
  return { runs: stdin === undefined ? [] : [{ how: 'python-text', text: stdin }], needsCode: false };
}

function shellRuns(
  args: readonly ShellWord[],
  stdin: string | undefined,
): { runs: Run[]; needsCode: boolean } {
  for (let i = 0; i < args.length; i++) {
    const text = textOf(args[i]);
    if (/^-[a-zA-Z]*c[a-zA-Z]*$/.test(text)) {
      const code = args.slice(i + 1).find((word) => !/^[-+]|^pipefail$/.test(textOf(word)));
      return {
        runs: (code?.texts ?? []).map((each) => ({ how: 'shell-text', text: each })),
        needsCode: code?.texts.length === 0,
      };
    }
    if (/^[-+][a-zA-Z]*o$/.test(text)) i++;
    else if (!/^[-+]/.test(text)) return { runs: [{ how: 'shell-file', word: args[i]! }], needsCode: true };
  }
  return { runs: stdin === undefined ? [] : [{ how: 'shell-text', text: stdin }], needsCode: false };
}

const removers = /^(?:rm|rmdir|mkdir|touch|truncate|unlink|shred|mkfifo|tee)$/;
const compilers =
  /^(?:g?cc|[gc]\+\+|clang(?:\+\+)?|nvcc|gfortran|ld|go|rustc|curl|sort|pandoc|dot|wget|python[\d.]*|Rscript|julia|node|tsx)$/;
const outputOption =
  /^--?(?:[a-z]+[-_])*(?:out|output|outfile|log|logfile|save|dest|destination|results?|report|export)(?:[-_](?:file|path|dir|directory|folder|document|name|to))?(?:=(.+))?$/i;

/** Words that a well-known program, or an option of a well-known name, takes for what it writes. */
function writtenBy(name: string, words: readonly ShellWord[]): { words: ShellWord[]; texts: string[] } {
  const args = words.slice(1);
  const named = args.filter((word) => !textOf(word).startsWith('-'));
  const found: ShellWord[] = [];
  const texts: string[] = [];
  if (removers.test(name)) found.push(...named);
  if (/^(?:cp|mv|ln|install|rsync)$/.test(name) && named.length > 1) found.push(named.at(-1)!);
  if (name === 'tar' && /^-?-?[a-zA-Z]*c/.test(textOf(args[0]))) {
    const at = args.findIndex((word) => /^-?[a-zA-Z]*f$/.test(textOf(word)));
    if (at !== -1 && args[at + 1] !== undefined) found.push(args[at + 1]!);
  }
  if (name === 'papermill' && named[1] !== undefined) found.push(named[1]);
  if (name === 'zip' && named[0] !== undefined) found.push(named[0]);
  for (const [i, word] of words.entries()) {
    const text = textOf(word);
    const output = outputOption.exec(text);
    if (output?.[1] !== undefined) texts.push(output[1]);
    else if (
      output !== null ||
      (/^-[oO]$/.test(text) && words.slice(0, i).some((each) => compilers.test(posix.basename(textOf(each)))))
    ) {
      if (words[i + 1] !== undefined) found.push(words[i + 1]!);
    }
    if (name === 'dd' && text.startsWith('of=')) texts.push(text.slice(3));
  }
  return { words: found, texts };
}
