// A file system that refuses: full, read-only, forbidden. What a test needs for that, where the machine gives it.
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** Whether a small file system can be mounted here: on Linux, as root. */
export const canMount = isRoot && process.platform === 'linux' && tryMount();

function tryMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    execFileSync('umount', ['/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether somebody without rights can run the engine: permissions don't hold for root. */
export const canBeRefused = !isRoot || isReachable(projectRoot);

function isReachable(folder: string): boolean {
  for (let path = folder; path !== '/'; path = join(path, '..'))
    if ((lstatSync(path).mode & 0o005) !== 0o005) return false;
  return true;
}

/** Puts a file system of `size` in the place of a project's folder; give the files after that. */
export function mountSmall(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
}

export const resize = (folder: string, size: string): void => {
  execFileSync('mount', ['-o', `remount,size=${size}`, folder]);
};

/** Runs the command line as somebody for whom permissions hold. */
export async function cliWithoutRights(
  project: Project,
  ...args: string[]
): Promise<{ exitCode: number | null; stdout: string }> {
  if (isRoot) give(project.root);
  const child = spawn(process.execPath, [join(projectRoot, 'engine/rodada.mjs'), ...args], {
    cwd: project.root,
    env: { ...process.env, NO_COLOR: '1', CI: 'true', HOME: project.root },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { exitCode, stdout: stdout + stderr };
}

function give(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chownSync(path, nobody, nobody);
  if (stat.isDirectory()) for (const name of readdirSync(path)) give(join(path, name));
}

/** Takes from a folder, and from those in it, the right to change what they hold, until the test gives it back or ends. */
export function forbid(folder: string): () => void {
  const folders = [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter((path) =>
    lstatSync(path).isDirectory(),
  );
  for (const path of folders) chmodSync(path, 0o555);
  const allow = (): void => {
    for (const path of folders) chmodSync(path, 0o755);
  };
  onTestFinished(() => {
    try {
      accessSync(folder, constants.F_OK);
      allow();
    } catch {
      // The project was removed before.
    }
  });
  return allow;
}
