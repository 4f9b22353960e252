// A copy of this project in a temporary directory, for repros of the real study through the command line.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Project } from './project.ts';
import { projectRoot } from './run-stage.ts';

/** The project's own files, without results and without history. The caller disposes of the copy. */
export async function copyStudy(): Promise<Project> {
  const project = await Project.createForSuite({});
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectRoot,
  });
  for (const file of listed.toString().split('\0')) {
    if (file === '' || /^(metrics|plots|test|docs)\/|^pipeline\.lock$/.test(file)) continue;
    mkdirSync(dirname(project.path(file)), { recursive: true });
    cpSync(join(projectRoot, file), project.path(file));
  }
  return project;
}

/** SHA-256 of every file below the given folders, by path. */
export function hashesOf(project: Project, ...folders: string[]): Record<string, string> {
  const hashes: Record<string, string> = {};
  for (const folder of folders) {
    for (const entry of readdirSync(project.path(folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      hashes[path.slice(project.root.length + 1)] = createHash('sha256')
        .update(readFileSync(path))
        .digest('hex');
    }
  }
  return hashes;
}
