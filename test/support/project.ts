// A throw-away project in a temporary directory, worked on through the real command line.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Event, Summary } from '../../engine/event.ts';
import { removeTree } from '../../engine/store/trees.ts';
import { projectRoot } from './run-stage.ts';

const program = join(projectRoot, 'engine/rodada.mjs');

const withRodada = (path: string | undefined): string =>
  `${join(projectRoot, 'test/support/bin')}${delimiter}${path}`;

/** A user's PATH on which `rodada` is this engine. */
export const pathWithRodada = withRodada(process.env.PATH);

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Project {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** A new project with the given files, removed when the test ends. */
  static async create(files: Readonly<Record<string, string>>): Promise<Project> {
    const project = await Project.createForSuite(files);
    onTestFinished(() => project.dispose());
    return project;
  }

  /** A new project for several tests; the caller disposes of it. */
  static async createForSuite(files: Readonly<Record<string, string>>): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'rodada-project-')));
    for (const [path, content] of Object.entries(files)) await project.write(path, content);
    await symlink(join(projectRoot, 'node_modules'), join(project.root, 'node_modules'));
    return project;
  }

  dispose(): Promise<void> {
    return removeTree(this.root);
  }

  path(path: string): string {
    return join(this.root, path);
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await writeFile(this.path(path), content);
  }

  read(path: string): Promise<string> {
    return readFile(this.path(path), 'utf8');
  }

  async edit(path: string, from: string, to: string): Promise<void> {
    const before = await this.read(path);
    if (!before.includes(from)) throw new Error(`${path} does not hold ${from}`);
    await this.write(path, before.replaceAll(from, to));
  }

  remove(path: string): Promise<void> {
    return rm(this.path(path), { recursive: true });
  }

  /** Runs the command line in the project. */
  cli(...args: string[]): Promise<CliRun> {
    return this.cliWith({}, ...args);
  }

  /** Runs the command line with these variables in its environment, too. */
  cliWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<CliRun> {
    return this.run(this.root, env, args);
  }

  /** Runs the command line in a folder of the project. */
  cliIn(folder: string, ...args: string[]): Promise<CliRun> {
    return this.run(this.path(folder), {}, args);
  }

  private async run(
    cwd: string,
    env: Readonly<Record<string, string>>,
    args: readonly string[],
  ): Promise<CliRun> {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...process.env, PATH: withRodada(process.env.PATH), NO_COLOR: '1', CI: 'true', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { exitCode, stdout, stderr };
  }

  /** Runs repro and gives its events; the last is the summary. */
  async repro(...args: string[]): Promise<{ exitCode: number | null; events: Event[]; summary: Summary }> {
    const { exitCode, stdout, stderr } = await this.cli('repro', '--json', ...args);
    const events = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
    const summary = events.at(-1);
    if (summary?.type !== 'summary')
      throw new Error(`no summary (exit code ${exitCode}):\n${stdout}${stderr}`);
    return { exitCode, events, summary };
  }
}
