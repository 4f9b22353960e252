// Understands what strace prints of a command: the files that its processes read, and those that they wrote.
import { posix } from 'node:path';

/** A file that a process opened, ran, made, moved or removed. */
export interface Access {
  /** Absolute. */
  readonly path: string;
  readonly how: 'read' | 'write' | 'remove';
}

/** Options with which strace prints what `TraceReader` understands; `-y` adds what descriptors stand for. */
export const straceOptions = [
  '-f',
  '-qq',
  '-y',
  '-e',
  'signal=none',
  '-e',
  'trace=%file,fchdir,clone,clone3,fork,vfork',
];

const call = /^(\d+)\s+(\w+)\((.*)\)\s+=\s+(-?\d+)(?:<((?:[^<>\\]|\\.)*)>)?/s;
const unfinished = /^(\d+)\s+(\w+)\((.*?)\s*<unfinished \.\.\.>$/s;
const resumed = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$/s;

/** A descriptor with its path, or a quoted text. */
const argument = /(?:AT_FDCWD|\d+)<((?:[^<>\\]|\\.)*)>|"((?:[^"\\]|\\.)*)"/g;

/** Takes strace's lines one by one. A line that is not understood says nothing. */
export class TraceReader {
  /** What the processes did, in its order. */
  readonly accesses: Access[] = [];
  readonly #start: string;
  readonly #folders = new Map<string, string>();
  readonly #open = new Map<string, string>();
  /** The process that started others last. */
  #parent = '';

  /** @param folder that the command starts in */
  constructor(folder: string) {
    this.#start = folder;
  }

  line(line: string): void {
    const begun = unfinished.exec(line);
    if (begun !== null) {
      const [, pid, name, args] = begun;
      this.#open.set(`${pid} ${name}`, args!);
      if (isStart(name!)) this.#parent = pid!;
      return;
    }
    const ended = resumed.exec(line);
    if (ended !== null) {
      const [, pid, name, rest] = ended;
      const args = this.#open.get(`${pid} ${name}`) ?? '';
      this.#open.delete(`${pid} ${name}`);
      this.#whole(`${pid} ${name}(${args}${rest}`);
    } else this.#whole(line);
  }

  #whole(line: string): void {
    const found = call.exec(line);
    if (found === null || found[4]!.startsWith('-')) return; // what failed did nothing
    const [, pid = '', name = '', args = '', result = '', opened] = found;
    if (isStart(name)) {
      this.#folders.set(result, this.#folderOf(pid));
      return;
    }
    const paths = this.#paths(pid, args);
    const last = paths.at(-1);
    switch (name) {
      case 'open':
      case 'openat':
      case 'openat2':
      case 'creat': {
        const flags = args.replaceAll(argument, '');
        if (/O_DIRECTORY|O_PATH/.test(flags)) return;
        const writes = name === 'creat' || /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(flags);
        this.#add(opened === undefined ? last : unescaped(opened), writes ? 'write' : 'read');
        return;
      }
      case 'execve':
      case 'execveat':
        this.#add(paths[0], 'read');
        return;
      case 'rename':
      case 'renameat':
      case 'renameat2':
        this.#add(paths[0], 'remove');
        this.#add(last, 'write');
        return;
      case 'unlink':
      case 'unlinkat':
        if (!args.includes('AT_REMOVEDIR')) this.#add(last, 'remove');
        return;
      case 'link':
      case 'linkat':
      case 'symlink':
      case 'symlinkat':
      case 'truncate':
        this.#add(last, 'write');
        return;
      case 'chdir':
        if (last !== undefined) this.#folders.set(pid, last);
        return;
      case 'fchdir': {
        const to = [...args.matchAll(argument)][0]?.[1];
        if (to !== undefined) this.#folders.set(pid, unescaped(to));
        return;
      }
    }
  }

  #add(path: string | undefined, how: Access['how']): void {
    if (path !== undefined) this.accesses.push({ path: path.replace(/ \(deleted\)$/, ''), how });
  }

  #folderOf(pid: string): string {
    let folder = this.#folders.get(pid);
    if (folder === undefined) {
      // Its parent's call that started it has not ended yet.
      folder = this.#folders.get(this.#parent) ?? this.#start;
      this.#folders.set(pid, folder);
    }
    return folder;
  }

  /** The paths among the arguments, absolute. */
  #paths(pid: string, args: string): string[] {
    const paths: string[] = [];
    let folder: string | undefined;
    for (const [all, descriptor, text] of args.matchAll(argument)) {
      if (text !== undefined) {
        paths.push(posix.resolve(folder ?? this.#folderOf(pid), unescaped(text)));
        folder = undefined;
      } else if (descriptor !== undefined) {
        folder = unescaped(descriptor);
        if (all.startsWith('AT_FDCWD')) this.#folders.set(pid, folder);
      }
    }
    return paths;
  }
}

const isStart = (name: string): boolean => /^(?:clone3?|v?fork)$/.test(name);

/** A text of strace's, which escapes bytes as C does. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = text.replaceAll(
    /\\(?:x([0-9a-f]{1,2})|([0-7]{1,3})|(.))/g,
    (_, hex?: string, octal?: string, letter?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return letters[letter!] ?? letter!;
    },
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' };
