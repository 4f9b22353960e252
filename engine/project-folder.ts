// Finds the project that the user works on: the nearest folder with a pipeline.yaml, from where they are upwards.
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { dvcFilesHint } from './config/dvc-words.ts';
import { pipelineFile } from './config/pipeline.ts';
import type { Failure, UsageFailure } from './failure.ts';
import { foldersUp, startFolder, typed } from './invocation.ts';
import { fail, type Result, succeed } from './result.ts';

/** What people call the file by mistake. */
const otherName = 'pipeline.yml';

/** Changes to the project's folder, so that all paths are relative to it. @returns its path */
export function enterProject(): Result<string> {
  const start = startFolder();
  if (start === undefined) return fail(gone);
  const folder = projectAround(start);
  return folder === undefined ? fail(noProject(start)) : succeed(enter(folder));
}

/** Like `enterProject`; if there is no project, the user's folder, which may have metrics without a pipeline. */
export function enterProjectOrFolder(): Result<string> {
  const start = startFolder();
  return start === undefined ? fail(gone) : succeed(enter(projectAround(start) ?? start));
}

/** The nearest folder that holds a pipeline.yaml, `start` or one above it. */
export const projectAround = (start: string): string | undefined =>
  foldersUp(start).find((folder) => isThere(join(folder, pipelineFile)));

function enter(folder: string): string {
  if (process.cwd() === folder) return folder;
  process.chdir(folder);
  // A command's shell would find out that it is wrong, other programs would not.
  process.env.PWD = folder;
  return folder;
}

/** A link that leads nowhere is there, too: reading it says what is wrong. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a folder above that this user may not enter
  }
}

export const gone: UsageFailure = {
  reason: 'usage',
  message: 'The current folder no longer exists.',
  hint: 'Change to another one.',
};

function noProject(start: string): UsageFailure {
  const folders = foldersUp(start);
  const [here, ...above] = folders;
  const searched = above.length === 0 ? here! : `${here} or a folder above it (${above.join(', ')})`;
  const misnamed = folders.map((folder) => join(folder, otherName)).find((path) => existsSync(path));
  const hint =
    misnamed === undefined
      ? (folders.map(dvcFilesHint).find((each) => each !== undefined) ??
        `Change to a project's folder, or run \`${typed('init')}\` to start a project here.`)
      : `Rename ${misnamed} to ${pipelineFile}.`;
  return { reason: 'usage', message: `There is no ${pipelineFile} in ${searched}.`, hint };
}

/** Says what paths in messages are relative to, if that is not the folder in which the user is. */
export const placeText = (root: string): string | undefined =>
  startFolder() === root ? undefined : `Paths are relative to the project's folder, ${root}.`;

const withoutPaths: ReadonlySet<Failure['reason']> = new Set(['usage', 'locked', 'lost-lock', 'interrupted']);

/** Whether a failure may name files of the project. */
export const namesPaths = ({ reason }: Failure): boolean => !withoutPaths.has(reason);
