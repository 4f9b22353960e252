// Runs git in a project, whoever the user is and whatever their settings say about signing.
import { execFileSync } from 'node:child_process';
import type { Project } from './project.ts';

/** What git prints. @throws where git fails */
export function git({ root }: Pick<Project, 'root'>, ...args: readonly string[]): string {
  const settings = ['user.name=t', 'user.email=t@example.org', 'commit.gpgsign=false'].flatMap((setting) => [
    '-c',
    setting,
  ]);
  return execFileSync('git', [...settings, ...args], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
}
