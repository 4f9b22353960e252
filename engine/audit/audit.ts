// Audits a run: which files of the project its commands read or write although the stage does not declare them.
import { execFile } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { basename, join, posix, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { byCodeUnit } from '../order.ts';
import type { Instance } from '../plan/instance.ts';
import { type Access, straceOptions, TraceReader } from './trace.ts';

/** What a run did without declaring it; paths are relative to the project and in code-unit order. */
export interface Audit {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** Why nothing can be audited here; undefined if it can. */
export function auditProblem(): Promise<string | undefined> {
  if (process.platform !== 'linux') return Promise.resolve('it needs Linux');
  return new Promise((resolve) => {
    execFile('strace', [...straceOptions, '-o', '/dev/null', 'true'], (error, _, stderr) => {
      if (error === null) resolve(undefined);
      else if (error.code === 'ENOENT') resolve('`strace` is not installed');
      else resolve(`\`strace\` does not work here: ${stderr.trim().split('\n')[0] ?? error.message}`);
    });
  });
}

/** Traces the commands of one run, each into a file of its own. */
export class Tracing {
  readonly #folder: string;
  readonly #files: string[] = [];

  /** @param folder for the files */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What stands before the next command. */
  prefix(): readonly string[] {
    const file = join(this.#folder, `trace${this.#files.length}`);
    this.#files.push(file);
    return ['strace', ...straceOptions, '-o', file, '--'];
  }

  /**
   * What the commands did without declaring it.
   * @param known what the instance's key was computed from
   */
  async audit(root: string, instance: Instance, known: Iterable<string>): Promise<Audit> {
    const accesses: Access[] = [];
    for (const file of this.#files) {
      const reader = new TraceReader(posix.join(root, instance.wdir));
      const lines = createInterface({
        input: createReadStream(file, 'latin1'),
        crlfDelay: Number.POSITIVE_INFINITY,
      });
      for await (const line of lines) reader.line(line);
      for (const access of reader.accesses) accesses.push(access);
    }
    return judge(root, instance, accesses, new Set(known));
  }
}

/** Files that belong to tools, and not to what a stage says. */
const tools =
  /(?:^|\/)(?:node_modules|\.git|\.venv|venv|site-packages|__pycache__)(?:\/|$)|^cache(?:\/|$)|(?:^|\/)(?:package\.json|tsconfig\.json|pyvenv\.cfg)$/;

function judge(
  root: string,
  { deps }: Instance,
  accesses: readonly Access[],
  known: ReadonlySet<string>,
): Audit {
  const declared = new Set(deps.flatMap(({ paths }) => paths));
  const isDeclared = (path: string): boolean => {
    for (let folder = path; folder !== '.'; folder = posix.dirname(folder))
      if (declared.has(folder)) return true;
    return known.has(path) || declared.has('.');
  };
  const first = new Map<string, Access['how']>();
  const reads = new Set<string>();
  const writes = new Set<string>();
  for (const { path: absolute, how } of accesses) {
    const path = relative(root, absolute);
    if (path === '' || path.startsWith('..') || tools.test(path) || basename(path) === '') continue;
    if (!first.has(path)) first.set(path, how);
    // What it has made itself it may read and remove.
    if (how === 'read' ? first.get(path) === 'read' && !isDeclared(path) : true)
      (how === 'read' ? reads : writes).add(path);
  }
  const stat = (path: string) => statSync(join(root, path), { throwIfNoEntry: false });
  return {
    reads: [...reads].filter((path) => stat(path)?.isDirectory() !== true).sort(byCodeUnit),
    // A file that it made and removed again is nobody's business.
    writes: [...writes]
      .filter((path) => stat(path)?.isFile() === true || first.get(path) !== 'write')
      .sort(byCodeUnit),
  };
}
