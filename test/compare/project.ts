// A small project in a git repository of its own, for the tests of compare and check.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';

const command = fileURLToPath(new URL('../../engine/rodada.mjs', import.meta.url));

export interface Answer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

// biome-ignore lint/suspicious/noExplicitAny: what a program reads out of JSON
type Json = any;

export class Project {
  /** The project's folder. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** An empty folder that is removed after the test. */
  static async folder(name = 'project'): Promise<Project> {
    const temporary = await mkdtemp(join(tmpdir(), 'compare-'));
    onTestFinished(() => rm(temporary, { recursive: true, force: true }));
    const folder = join(temporary, name);
    await mkdir(folder, { recursive: true });
    return new Project(folder);
  }

  /** The same with a git repository whose first branch is `main`. */
  static async repository(name?: string): Promise<Project> {
    const project = await Project.folder(name);
    await project.git('init', '-q', '-b', 'main');
    return project;
  }

  /** A project in a folder below this one, of the same repository. */
  async below(name: string): Promise<Project> {
    const folder = join(this.folder, name);
    await mkdir(folder, { recursive: true });
    return new Project(folder);
  }

  async write(files: Record<string, unknown>): Promise<this> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    }
    return this;
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.folder, path), { recursive: true });
  }

  async git(...args: string[]): Promise<string> {
    const identity = [
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=ada@example.org',
      '-c',
      'protocol.file.allow=always',
    ];
    const { stdout } = await execa('git', [...identity, ...args], { cwd: this.folder });
    return stdout;
  }

  /** Commits everything in the folder and gives the commit's hash. */
  async commit(message = 'Change'): Promise<string> {
    await this.git('add', '-A', '.');
    await this.git('commit', '-q', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  async repro(...args: string[]): Promise<void> {
    const { exitCode, stdout, stderr } = await this.rodada(['repro', ...args]);
    if (exitCode !== 0) throw new Error(`repro ended with ${exitCode}:\n${stdout}${stderr}`);
  }

  /** The last event of a verb with `--json`. */
  async json(
    verb: 'compare' | 'check',
    ...args: string[]
  ): Promise<{ exitCode: number | undefined; event: Json }> {
    const { exitCode, stdout } = await this.rodada([verb, '--json', ...args]);
    return { exitCode, event: JSON.parse(stdout.split('\n').at(-1)!) as Json };
  }

  /** Runs the command line in the project. */
  async rodada(args: readonly string[], env: Record<string, string> = {}): Promise<Answer> {
    const options = { cwd: this.folder, reject: false, env: { NO_COLOR: '1', CI: 'true', ...env } } as const;
    const { exitCode, stdout, stderr } = await execa(process.execPath, [command, ...args], options);
    return { exitCode, stdout, stderr: stripVTControlCharacters(stderr) };
  }
}

/** A metrics file with an accuracy of `right` out of 400, and a loss. */
export const metrics = (right: number, loss = 0.5): object => ({
  accuracy: right / 400,
  loss,
  perClass: { car: { f1: right / 500, support: 200 } },
  confusion: {
    labels: ['bus', 'car'],
    matrix: [
      [right - 200, 400 - right],
      [0, 200],
    ],
  },
});

export const params = (gates: string, size = 32): string =>
  `seed: 20\nresize:\n  size: ${size}\n  fit: contain\ngates:\n${gates}\n`;

export const accuracyGate = '  - { metric: "**:accuracy", better: higher, tolerance: 0.02 }';

/** A metric that several seeds gave: the values of seeds 20, 21, …. */
export function replicated(values: readonly (number | null)[], first = 20): object {
  const known = values.filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sd = known.length < 2 ? null : Math.sqrt(squares / (known.length - 1));
  return {
    mean: known.length === 0 ? null : mean,
    sd,
    n: known.length,
    values: Object.fromEntries(values.map((value, i) => [String(first + i), value])),
  };
}
