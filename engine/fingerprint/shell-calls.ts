// The simple commands of a shell text, each with its words and the folder that it runs in, as far as the text alone tells.
import { posix } from 'node:path';
import type {
  Assignment,
  CommandArgument,
  CommandNode,
  CompoundList,
  Command as ParsedCommand,
  ParsedScript,
  PipelineNode,
  Redirection,
  Statement,
  SyntaxNode,
  Word,
  WordPart,
} from 'unbash';

/** What a word may say. */
export interface ShellWord {
  /**
   * Every text that it may stand for; none if it depends on what happens at run time. `${deps.x}` and its like stay in it,
   * and so do `${self}`, the script's own path, and `${root}`, the project.
   */
  readonly texts: readonly string[];
  /** Whether the shell takes it for a pattern. */
  readonly glob?: true;
}

/** One simple command. */
export interface ShellCall {
  readonly words: readonly ShellWord[];
  /** Folders that it may run in, relative to where the text starts. */
  readonly folders: readonly string[];
  /** Whether it may also run in a folder that the text does not tell. */
  readonly elsewhere?: true;
  /** Files of `<`. */
  readonly reads?: readonly ShellWord[];
  /** Files of `>` and its like. */
  readonly writes?: readonly ShellWord[];
  /** What a here-document gives it to read. */
  readonly stdin?: string;
  /** Python's search path, if the text sets it. */
  readonly pythonPath?: ShellWord;
}

/** Words without quotes, operators, variables and patterns need no parser. */
const plain = /^(?:[\w./:@%+,-]|\$\{(?:deps|outs|lists)\.[\w./-]+\}| )*$/;
const special = /^(?:cd|pushd|popd|export|if|for|while|until|case|time|function|select|coproc)$/;

/** Parses a shell text. It never fails: of a text with a mistake it gives what it understands. */
export async function shellCalls(text: string): Promise<ShellCall[]> {
  const words = text.trim().split(/ +/);
  if (plain.test(text.trim()) && !words.some((word) => special.test(word)))
    return [{ words: words.map((word) => ({ texts: [word] })), folders: ['.'] }];
  const { forEachChild, parse } = await import('unbash');
  const walk = new Walk(forEachChild);
  walk.statements(parse(text).commands, newState());
  walk.uncalled();
  return walk.calls;
}

interface State {
  folders: string[];
  elsewhere: boolean;
  readonly stack: { folders: string[]; elsewhere: boolean }[];
  readonly variables: Map<string, readonly string[]>;
}

const newState = (): State => ({ folders: ['.'], elsewhere: false, stack: [], variables: new Map() });

const copyOf = (state: State): State => ({
  ...state,
  folders: [...state.folders],
  stack: [...state.stack],
  variables: new Map(state.variables),
});

/** More alternatives than this are not followed one by one. */
const most = 64;

const unique = <T>(list: readonly T[]): T[] => [...new Set(list)].slice(0, most);

class Walk {
  readonly calls: ShellCall[] = [];
  readonly #forEachChild: (node: SyntaxNode, visit: (child: SyntaxNode) => void) => void;
  readonly #functions = new Map<string, { body: SyntaxNode; state: State; called: boolean }>();
  #depth = 0;

  constructor(forEachChild: (node: SyntaxNode, visit: (child: SyntaxNode) => void) => void) {
    this.#forEachChild = forEachChild;
  }

  statements(statements: readonly Statement[], state: State): void {
    for (const { command, background } of statements)
      this.#node(command, background === true ? copyOf(state) : state);
  }

  /** Functions that nothing called in this text may be called by what sources it. */
  uncalled(): void {
    for (const fn of this.#functions.values()) if (!fn.called) this.#node(fn.body, fn.state);
  }

  #node(node: SyntaxNode, state: State): void {
    switch (node.type) {
      case 'Command':
        this.#command(node, state);
        return;
      case 'AndOr':
        for (const part of node.commands) this.#node(part, state);
        return;
      case 'Pipeline':
        this.#pipeline(node.commands, state);
        return;
      case 'Subshell':
        this.statements(node.body.commands, copyOf(state));
        return;
      case 'BraceGroup':
        this.statements(node.body.commands, state);
        return;
      case 'CompoundList':
        this.statements(node.commands, state);
        return;
      case 'Redirected':
        this.#redirected(node.redirects, state);
        this.#node(node.command, state);
        return;
      case 'Function':
        this.#functions.set(node.name.value, { body: node.body, state: copyOf(state), called: false });
        return;
      case 'If':
        this.#node(node.clause, state);
        this.#branches(
          [node.then, ...node.elif.flatMap((elif) => [elif.clause, elif.then]), node.else],
          state,
        );
        return;
      case 'For':
      case 'Select':
        this.#loop(node.name.value, node.wordlist ?? [], node.body, state);
        return;
      case 'While':
        this.#node(node.clause, state);
        this.#branches([node.body], state);
        return;
      case 'Case':
        this.#branches(
          node.items.map(({ body }) => body),
          state,
        );
        return;
      default:
        // Arithmetic, tests and the like run nothing but what they substitute.
        this.#substitutions(node, state);
    }
  }

  #pipeline(commands: readonly (CommandNode | PipelineNode)[], state: State): void {
    for (const command of commands) this.#node(command, commands.length > 1 ? copyOf(state) : state);
  }

  /** Any of them may run, or none. */
  #branches(lists: readonly (CompoundList | undefined)[], state: State): void {
    const folders = [...state.folders];
    for (const list of lists) {
      if (list === undefined) continue;
      const branch = copyOf(state);
      this.#node(list, branch);
      folders.push(...branch.folders);
      state.elsewhere ||= branch.elsewhere;
      for (const [name, values] of branch.variables)
        state.variables.set(name, unique([...(state.variables.get(name) ?? []), ...values]));
    }
    state.folders = unique(folders);
  }

  #loop(name: string, list: readonly Word[], body: CompoundList, state: State): void {
    const words = list.map((word) => this.#word(word, state));
    // The loop reads the files that its patterns match.
    if (words.some(({ glob }) => glob === true)) this.#add({ words: [{ texts: ['for'] }, ...words] }, state);
    state.variables.set(
      name,
      unique(words.filter(({ glob }) => glob !== true).flatMap(({ texts }) => texts)),
    );
    for (const word of list) this.#substitutions(word, state);
    this.#branches([body], state);
  }

  #redirected(redirects: readonly Redirection[], state: State): void {
    const { reads, writes } = this.#redirects(redirects, state);
    if (reads.length + writes.length > 0) this.#add({ words: [], reads, writes }, state);
  }

  #redirects(
    redirects: readonly Redirection[],
    state: State,
  ): { reads: ShellWord[]; writes: ShellWord[]; stdin: string | undefined } {
    const reads: ShellWord[] = [];
    const writes: ShellWord[] = [];
    let stdin: string | undefined;
    for (const redirect of redirects) {
      this.#substitutions(redirect, state);
      if (redirect.type === 'HereDoc') stdin = redirect.body.text;
      else if (redirect.target !== undefined) {
        const word = this.#word(redirect.target, state);
        if (redirect.type === 'HereString') stdin = word.texts[0];
        else if (redirect.operator === '<' || redirect.operator === '<>') reads.push(word);
        // `2>&1` names a descriptor.
        else if (!/^[<>]&$/.test(redirect.operator) || !/^(?:\d+-?|-)$/.test(redirect.target.value))
          writes.push(word);
      }
    }
    return { reads, writes, stdin };
  }

  #command(command: ParsedCommand, state: State): void {
    const assignments = command.prefix.filter((part): part is Assignment => part.type === 'Assignment');
    const args: readonly CommandArgument[] = command.args;
    for (const part of [...assignments, ...args, ...(command.name === undefined ? [] : [command.name])])
      this.#substitutions(part, state);
    const name = command.name && this.#word(command.name, state);
    const called = name?.texts[0];
    const scope = name === undefined ? state : copyOf(state);
    for (const assignment of assignments) this.#assign(assignment, scope);
    const { reads, writes, stdin } = this.#redirects(command.redirects, scope);
    if (name === undefined) {
      if (reads.length + writes.length > 0) this.#add({ words: [], reads, writes }, state);
      return;
    }
    if (/^(?:export|declare|local|readonly|typeset)$/.test(called ?? ''))
      for (const arg of args) if (arg.type === 'Assignment') this.#assign(arg, state);
    const rest = args.map((arg) => (arg.type === 'Word' ? this.#word(arg, state) : { texts: [arg.text] }));
    if (this.#changeFolder(called, rest, state)) return;
    const fn = called === undefined ? undefined : this.#functions.get(called);
    if (fn !== undefined && this.#depth < 8) {
      fn.called = true;
      this.#depth++;
      this.#node(fn.body, scope);
      this.#depth--;
    }
    const pythonPath = scope.variables.get('PYTHONPATH');
    this.#add(
      {
        words: [name, ...rest],
        reads,
        writes,
        ...(stdin === undefined ? {} : { stdin }),
        ...(pythonPath === undefined ? {} : { pythonPath: { texts: pythonPath } }),
      },
      state,
    );
  }

  #add(call: Pick<ShellCall, 'words' | 'reads' | 'writes' | 'stdin' | 'pythonPath'>, state: State): void {
    const { reads = [], writes = [], ...others } = call;
    this.calls.push({
      ...others,
      ...(reads.length > 0 ? { reads } : {}),
      ...(writes.length > 0 ? { writes } : {}),
      folders: [...state.folders],
      ...(state.elsewhere ? { elsewhere: true } : {}),
    });
  }

  #assign({ name, value, append }: Assignment, state: State): void {
    if (value.type === 'ArrayValue') {
      const texts = value.elements.flatMap((element) => this.#word(element, state).texts);
      state.variables.set(name, unique(texts));
      return;
    }
    const { texts } = this.#word(value, state);
    const before = append === true ? (state.variables.get(name) ?? []) : [''];
    state.variables.set(name, unique(before.flatMap((start) => texts.map((text) => start + text))));
  }

  /** Whether the command is one that changes the folder of those after it. */
  #changeFolder(called: string | undefined, args: readonly ShellWord[], state: State): boolean {
    if (called === 'popd') {
      Object.assign(state, state.stack.pop());
      return true;
    }
    if (called !== 'cd' && called !== 'pushd') return false;
    const before = { folders: state.folders, elsewhere: state.elsewhere };
    const target = args.find(({ texts }) => texts[0]?.startsWith('-') !== true || texts[0] === '-');
    if (target?.texts[0] === '-') {
      Object.assign(state, state.stack.at(-1) ?? { elsewhere: true });
      state.stack.push(before);
      return true;
    }
    state.stack.push(before);
    // If it is not known where this leads, what follows may also be meant from here.
    if (target === undefined || target.texts.length === 0) state.elsewhere = true;
    else
      state.folders = unique(
        target.texts.flatMap((text) => before.folders.map((folder) => joined(folder, text))),
      );
    return true;
  }

  /** Commands inside `$(…)`, `<(…)` and backquotes run in shells of their own. */
  #substitutions(node: SyntaxNode, state: State): void {
    this.#forEachChild(node, (child) => {
      if (child.type === 'Script') this.statements((child as ParsedScript).commands, copyOf(state));
      else this.#substitutions(child, state);
    });
  }

  #word(word: Word, state: State): ShellWord {
    const texts = word.parts === undefined ? [word.value] : this.#parts(word.parts, state);
    const glob = word.parts?.some(({ type }) => type === 'Glob' || type === 'ExtendedGlob') === true;
    return glob ? { texts, glob: true } : { texts };
  }

  #parts(parts: readonly WordPart[], state: State): string[] {
    let texts = [''];
    for (const part of parts) {
      const next = this.#part(part, state);
      texts = unique(texts.flatMap((start) => next.map((text) => start + text)));
    }
    return texts;
  }

  #part(part: WordPart, state: State): readonly string[] {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'AnsiCQuoted':
      case 'Glob':
        return [part.value];
      case 'ExtendedGlob':
        return [part.text];
      case 'DoubleQuoted':
      case 'LocaleString':
        return this.#parts(part.parts, state);
      case 'BraceExpansion':
        return braces(part.text);
      case 'SimpleExpansion':
        return variable(part.text.slice(1), state);
      case 'ParameterExpansion': {
        if (/^\$\{(?:deps|outs|lists|resume)\./.test(part.text)) return [part.text];
        if (/^\$\{(?:0|BASH_SOURCE(?:\[0\])?)%\/\*\}$/.test(part.text)) return ['${self}/..'];
        const known = variable(part.parameter, state);
        if (part.operation === undefined) return known;
        if (part.operation.type !== 'Default') return [];
        return unique([...known, ...this.#word(part.operation.operand, state).texts]);
      }
      case 'CommandExpansion':
        return knownOutput(part.text);
      default:
        return [];
    }
  }
}

const joined = (folder: string, text: string): string =>
  /^(?:\/|\$\{)/.test(text) ? text : posix.join(folder, text);

function variable(name: string, { variables }: State): readonly string[] {
  if (name === '0' || name === 'BASH_SOURCE') return ['${self}'];
  // What a script is given, its caller names.
  if (/^(?:[@*]|\d+)$/.test(name)) return ['${args}'];
  return variables.get(name) ?? (name === 'PWD' ? ['.'] : []);
}

/** What some customary commands print. */
function knownOutput(text: string): string[] {
  const own = /dirname\s.*?(?:\$0|\$\{?BASH_SOURCE)[^)]*?\)"?((?:\/[\w.-]+)*)/.exec(text);
  if (own !== null) return [`\${self}/..${own[1]}`];
  if (/^[$`]\(?\s*pwd(?:\s+-P)?\s*[)`]$/.test(text)) return ['.'];
  return /^[$`]\(?\s*git\s+rev-parse\s+--show-toplevel\s*[)`]$/.test(text) ? ['${root}'] : [];
}

/** Alternatives of `{a,b}` and `{1..3}`; none of what is nested deeper. */
function braces(text: string): string[] {
  const inside = text.slice(1, -1);
  if (/[{}'"$`\\]/.test(inside)) return [];
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(inside);
  if (range === null) return inside.split(',').slice(0, most);
  const [from, to] = [Number(range[1]), Number(range[2])];
  return Array.from({ length: Math.min(Math.abs(to - from) + 1, most) }, (_, i) =>
    String(from + (to < from ? -i : i)),
  );
}
