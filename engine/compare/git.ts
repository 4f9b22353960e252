// What compare asks of git: what a name stands for, and the files of a commit.
import { join } from 'node:path';
import { execa } from 'execa';
import { byCodeUnit } from '../order.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Tree } from './tree.ts';

interface Answer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** The git repository that a project's folder lies in. */
export class Repository {
  readonly #folder: string;
  /** The project's folder relative to the repository's root: '' or `sub/folder/`. */
  readonly #prefix: string;

  private constructor(folder: string, prefix: string) {
    this.#folder = folder;
    this.#prefix = prefix;
  }

  /** The repository of `folder`; a failure where there is none, or no git. */
  static async open(folder: string): Promise<Result<Repository>> {
    const answer = await git(folder, ['rev-parse', '--show-prefix']);
    if (answer === null) {
      const hint = 'Install git, or compare with a folder: `--baseline ../other-checkout`.';
      return fail({
        reason: 'usage',
        message: 'There is no `git` on the PATH to look up a revision with.',
        hint,
      });
    }
    if (answer.exitCode !== 0) {
      // Git's own words tell a folder without repository from one whose owner it does not trust.
      const words = answer.stderr
        .trim()
        .split('\n')[0]!
        .replace(/^fatal: /, '');
      const hint = 'Run `git init` and commit, or compare with a folder: `--baseline ../other-checkout`.';
      return fail({
        reason: 'usage',
        message: `There is no git repository to take a revision from: ${words}.`,
        hint,
      });
    }
    // Of the output only its own line end goes: a folder's name may end in a space.
    return succeed(new Repository(folder, answer.stdout.toString().replace(/\n$/, '')));
  }

  /** The full hash of the commit that a revision names, null where it names none. */
  async commit(revision: string): Promise<string | null> {
    const answer = await this.#ask(
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${revision}^{commit}`,
    );
    return answer.exitCode === 0 ? answer.stdout.toString().trim() : null;
  }

  async isShallow(): Promise<boolean> {
    return (await this.#ask('rev-parse', '--is-shallow-repository')).stdout.toString().trim() === 'true';
  }

  async hasRemote(name: string): Promise<boolean> {
    return (await this.#ask('remote', 'get-url', '--', name)).exitCode === 0;
  }

  /** Names of all branches and tags, the remotes' too, in code-unit order. */
  async names(): Promise<string[]> {
    const answer = await this.#ask(
      'for-each-ref',
      '--format=%(refname:short)',
      'refs/heads',
      'refs/tags',
      'refs/remotes',
    );
    return answer.stdout.toString().split('\n').filter(Boolean).sort(byCodeUnit);
  }

  /** The files at or below the given paths that git tracks, relative to the project. */
  async tracked(paths: readonly string[]): Promise<string[]> {
    return this.#files([], paths);
  }

  /** The files at or below the given paths that git tracks or would with the next `git add`, relative to the project. */
  async notIgnored(paths: readonly string[]): Promise<string[]> {
    return this.#files(['--cached', '--others', '--exclude-standard'], paths);
  }

  async #files(which: readonly string[], paths: readonly string[]): Promise<string[]> {
    const answer = await this.#ask('--literal-pathspecs', 'ls-files', '-z', ...which, '--', ...paths);
    return answer.stdout.toString().split('\0').filter(Boolean);
  }

  /**
   * The texts that a file of the project has at the tips of refs, each text once.
   * @param refs patterns such as `refs/heads`
   */
  async textsAt(refs: readonly string[], path: string): Promise<Result<string[]>> {
    const answer = await this.#ask('for-each-ref', '--format=%(refname)', ...refs);
    const tips = answer.stdout.toString().split('\n').filter(Boolean);
    return this.#texts(tips.map((ref) => `${ref}:${this.#prefix}${path}`));
  }

  /** The texts that a file of the project has had in any commit that this clone knows, each text once. */
  async everyText(path: string): Promise<Result<string[]>> {
    const head = (await this.commit('HEAD')) === null ? [] : ['HEAD'];
    const answer = await this.#ask(
      ...[
        'log',
        '--all',
        ...head,
        '--full-history',
        '-m',
        '--raw',
        '--no-abbrev',
        '--no-renames',
        '--format=',
        '--',
        path,
      ],
    );
    if (answer.exitCode !== 0) return this.#broken('the history', answer.stderr);
    // :<mode> <mode> <old blob> <new blob> <status>
    const lines = answer.stdout.toString().split('\n');
    const blobs = lines.flatMap((line) => line.split('\t')[0]!.split(' ').slice(2, 4));
    return this.#texts([...new Set(blobs)].filter((blob) => !/^0+$/.test(blob)));
  }

  /** The texts of objects; one that does not exist has none. */
  async #texts(objects: readonly string[]): Promise<Result<string[]>> {
    const input = objects.map((object) => `${object}\n`).join('');
    const checked = await git(this.#folder, ['cat-file', '--batch-check=%(objectname) %(objecttype)'], input);
    const found = (checked?.stdout.toString() ?? '')
      .split('\n')
      .filter((line) => line.endsWith(' blob'))
      .map((line) => line.split(' ')[0]!);
    const unique = [...new Set(found)];
    const batch = await git(
      this.#folder,
      ['cat-file', '--batch'],
      unique.map((hash) => `${hash}\n`).join(''),
    );
    const contents = batch === null || batch.exitCode !== 0 ? null : batchContents(batch.stdout);
    if (contents === null || contents.length !== unique.length)
      return this.#broken('the history', batch?.stderr ?? '');
    return succeed(contents);
  }

  /** The files of a commit as they are in the project's folder. */
  tree(commit: string, label: string): Tree {
    return { label, read: (paths, wanted) => this.#read(commit, paths, wanted) };
  }

  /**
   * Writes the files of a commit into an empty folder, as a checkout would have them.
   * @returns where the project is in it
   */
  async writeFiles(commit: string, folder: string): Promise<Result<string>> {
    const env = { GIT_INDEX_FILE: join(folder, '.index') };
    const top = await this.#ask('rev-parse', '--show-toplevel');
    const root = top.stdout.toString().replace(/\n$/, '');
    const read = await git(root, ['read-tree', commit], undefined, env);
    const files = join(folder, 'files');
    const written =
      read?.exitCode === 0
        ? await git(root, ['checkout-index', '--all', `--prefix=${files}/`], undefined, env)
        : read;
    if (written?.exitCode !== 0) return this.#broken(`commit ${commit.slice(0, 8)}`, written?.stderr ?? '');
    return succeed(join(files, this.#prefix));
  }

  async #read(
    commit: string,
    paths: readonly string[],
    wanted: (path: string) => boolean,
  ): Promise<Result<Map<string, string>>> {
    const within = paths.map((path) => this.#prefix + path);
    const listing = await this.#ask('ls-tree', '-r', '-z', '--full-tree', commit, '--', ...within);
    if (listing.exitCode !== 0) return this.#broken(`commit ${commit.slice(0, 8)}`, listing.stderr);
    const blobs = new Map<string, string>();
    for (const entry of listing.stdout.toString().split('\0').filter(Boolean)) {
      const [mode, , hash] = entry.slice(0, entry.indexOf('\t')).split(' ');
      const path = entry.slice(entry.indexOf('\t') + 1 + this.#prefix.length);
      if (mode!.startsWith('100') && wanted(path)) blobs.set(path, hash!);
    }
    const sorted = [...blobs].sort(([a], [b]) => byCodeUnit(a, b));
    // One process for all of them: a study may have hundreds of metrics files.
    const batch = await git(
      this.#folder,
      ['cat-file', '--batch'],
      sorted.map(([, hash]) => `${hash}\n`).join(''),
    );
    const contents = batch === null || batch.exitCode !== 0 ? null : batchContents(batch.stdout);
    if (contents === null || contents.length !== sorted.length)
      return this.#broken(`commit ${commit.slice(0, 8)}`, batch?.stderr ?? '');
    return succeed(new Map(sorted.map(([path], i) => [path, contents[i]!])));
  }

  #broken(what: string, stderr: string): Result<never> {
    const words = stderr
      .trim()
      .split('\n')[0]!
      .replace(/^fatal: /, '');
    const message = `Git can't read ${what}${words === '' ? '' : `: ${words}`}.`;
    return fail({
      reason: 'usage',
      message,
      hint: '`git fsck` says what is missing; `git fetch` may bring it back.',
    });
  }

  async #ask(...args: string[]): Promise<Answer> {
    return (
      (await git(this.#folder, args)) ?? { exitCode: 127, stdout: Buffer.alloc(0), stderr: 'git is gone' }
    );
  }
}

/** Runs git; null where it is not installed. Git's words are in English whatever the user's language. */
async function git(
  cwd: string,
  args: readonly string[],
  input?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Answer | null> {
  const result = await execa('git', args, {
    cwd,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    env: { ...env, LC_ALL: 'C' },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  if (result.exitCode === undefined && result.code === 'ENOENT') return null;
  const stderr = Buffer.from(result.stderr).toString();
  return { exitCode: result.exitCode ?? 1, stdout: Buffer.from(result.stdout), stderr };
}

/** The texts in the output of `git cat-file --batch`: `<hash> blob <bytes>\n<content>\n` each; null where one is missing. */
function batchContents(output: Buffer): string[] | null {
  const texts: string[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const [, type, size] = output.toString('latin1', at, end).split(' ');
    if (type !== 'blob') return null;
    const start = end + 1;
    texts.push(output.toString('utf8', start, start + Number(size)));
    at = start + Number(size) + 1;
  }
  return texts;
}
