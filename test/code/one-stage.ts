// Projects with one stage whose command a test chooses, and which of their files make it run again.
import { expect } from 'vitest';
import { Project } from '../support/project.ts';

/**
 * A project with one stage `a`.
 * @param cmd indented here as YAML wants it
 * @param more further fields of the stage, as they are in pipeline.yaml
 */
export const oneStage = (
  cmd: string,
  files: Readonly<Record<string, string>> = {},
  more = '',
): Promise<Project> =>
  Project.create({
    'pipeline.yaml': `stages:\n  a:\n    cmd: |\n      ${cmd.replaceAll('\n', '\n      ')}\n${more}`,
    'params.yaml': '',
    ...files,
  });

/** Runs the stage, and tells which of the files, edited one by one, make it run again. */
export async function counting(project: Project, files: readonly string[]): Promise<string[]> {
  const { summary, events } = await project.repro();
  expect(summary.executed, JSON.stringify(events)).toEqual(['a']);
  expect((await project.repro()).summary.fresh).toEqual(['a']);
  const found: string[] = [];
  for (const file of files) {
    const before = await project.read(file);
    const edit = file.endsWith('.js') ? 'globalThis.edited = 1;' : '# edited';
    await project.write(file, `${before}${edit}\n`);
    const { stdout } = await project.cli('status', '--json');
    if (stdout.includes(`"file":${JSON.stringify(file)}`)) found.push(file);
    await project.write(file, before);
  }
  return found;
}
