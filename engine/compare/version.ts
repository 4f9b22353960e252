// Finds what `--baseline` and `--against` name: a revision of the project's repository, a folder, or the workspace.
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { nearest } from '../config/nearest.ts';
import { fail, type Result, succeed } from '../result.ts';
import { Repository } from './git.ts';
import { folderTree, type Tree } from './tree.ts';

const remote = 'origin';

/** How many digits of a commit's hash messages show. */
const shortHash = 8;

/** The word for the project's folder as it is now. */
export const workspaceName = 'workspace';

/** One of the two versions that are compared. */
export interface Version {
  readonly tree: Tree;
  /** Its folder; undefined for a revision. */
  readonly folder?: string;
  /** Writes the files of a revision into an empty folder. @returns where the project is in it */
  readonly writeFiles?: (folder: string) => Promise<Result<string>>;
}

/**
 * The version that `name` stands for.
 *
 * `workspace` is the project's folder as it is. A name that looks like a path (`./x`, `../x`, `/x`) is a folder. Any other is
 * a revision, else the same branch of `origin`, else a folder of that name.
 *
 * @param root the project's folder
 * @param name what the option says: a branch, a tag, a commit, `HEAD~2`, a folder or `workspace`
 * @param option the option, for messages
 * @param typedIn the folder that a folder's name is relative to
 */
export async function findVersion(
  root: string,
  name: string,
  option: string,
  typedIn = root,
): Promise<Result<Version>> {
  if (name === '') {
    // An unset variable in a script, which as a path would be the project itself.
    const hint = 'Name a branch, tag, commit or folder.';
    return fail({ reason: 'usage', message: `${option} is empty.`, hint });
  }
  const folder = resolve(typedIn, name);
  if (name === workspaceName || folder === root)
    return succeed({ tree: folderTree(root, 'the workspace'), folder: root });
  const asFolder: Version = { tree: folderTree(folder, name), folder };
  if (looksLikePath(name)) {
    if (isFolder(folder)) return succeed(asFolder);
    const hint = 'Give the path of another checkout, or of a folder with `metrics/` in it.';
    return fail({ reason: 'usage', message: `There is no folder \`${name}\` to compare with.`, hint });
  }
  const repository = await Repository.open(root);
  if (repository.ok) {
    const commit = await repository.value.commit(name);
    if (commit !== null) return succeed(revision(repository.value, commit, revisionLabel(name, commit)));
    const tracked = `${remote}/${name}`;
    const remoteCommit = await repository.value.commit(`refs/remotes/${tracked}`);
    if (remoteCommit !== null) {
      const label = `${revisionLabel(tracked, remoteCommit)}, as there is no local ${name}`;
      return succeed(revision(repository.value, remoteCommit, label));
    }
  }
  if (isFolder(folder)) return succeed(asFolder);
  return repository.ok ? unknownRevision(repository.value, name, option) : repository;
}

const revision = (repository: Repository, commit: string, label: string): Version => ({
  tree: repository.tree(commit, label),
  writeFiles: (folder) => repository.writeFiles(commit, folder),
});

const looksLikePath = (name: string): boolean => /^\.\.?([/\\]|$)/.test(name) || isAbsolute(name);

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const isHash = (name: string): boolean => /^[0-9a-f]{7,64}$/.test(name);

const revisionLabel = (name: string, commit: string): string =>
  commit.startsWith(name) ? commit.slice(0, shortHash) : `${name} (${commit.slice(0, shortHash)})`;

async function unknownRevision(repository: Repository, name: string, option: string): Promise<Result<never>> {
  const message = `There is no revision or folder \`${name}\``;
  const hasRemote = await repository.hasRemote(remote);
  if ((await repository.isShallow()) && hasRemote) {
    return fail({
      reason: 'usage',
      message: `${message} in this shallow clone.`,
      hint: `Run \`${fetchCommand(name)}\`.`,
    });
  }
  if ((await repository.commit('HEAD')) === null) {
    const hint = 'Commit first, or compare with a folder: `--baseline ../other-checkout`.';
    return fail({ reason: 'usage', message: `${message}: this repository has no commit yet.`, hint });
  }
  const known = nearest(name, await repository.names());
  const fetch = hasRemote ? `Run \`${fetchCommand(name)}\` if ${remote} has it, or name` : 'Name';
  const hint =
    known !== undefined
      ? `Did you mean \`${known}\`?`
      : `${fetch} a branch, tag, commit or folder with ${option}.`;
  return fail({ reason: 'usage', message: `${message}.`, hint });
}

/** What brings a revision into a clone that lacks it: by name into `origin/…`, whatever the clone is set up to fetch. */
function fetchCommand(name: string): string {
  if (/[~^@]/.test(name)) return 'git fetch --unshallow';
  if (isHash(name)) return `git fetch --depth=1 ${remote} ${name}`;
  const branch = name.startsWith(`${remote}/`) ? name.slice(remote.length + 1) : name;
  return `git fetch --depth=1 ${remote} ${branch}:refs/remotes/${remote}/${branch}`;
}
