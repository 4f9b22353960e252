// Starts the command line as a process that a test can kill, and waits for what it says.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Event } from '../../engine/event.ts';
import type { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

export interface Started {
  readonly child: ChildProcess;
  /** The events so far; grows. */
  readonly events: readonly Event[];
  /** The first event that `is` accepts, of the past or the future. @throws where the process ends without one */
  event(is: (event: Event) => boolean): Promise<Event>;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

/**
 * Starts `rodada repro --json`.
 * @param around a program and its options that start it
 */
export function startRepro(
  project: Project,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  around: readonly string[] = [],
): Started {
  const engine = [process.execPath, join(projectRoot, 'engine/rodada.mjs')];
  const [program, ...all] = [...around, ...engine, 'repro', '--json', ...args];
  const child = spawn(program!, all, {
    cwd: project.root,
    env: { ...process.env, NO_COLOR: '1', CI: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  let open = true;
  let errors = '';
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as Event);
    tell();
  });
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (exitCode, signal) => {
      open = false;
      tell();
      resolve({ exitCode, signal });
    });
  });
  return {
    child,
    events,
    ended,
    event: (is) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = events.find(is);
          if (found !== undefined) resolve(found);
          else if (!open)
            reject(new Error(`it ended without the event:\n${JSON.stringify(events)}\n${errors}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Whether a process is there and has not ended; one that ended may wait for its parent to ask how. */
export function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^\s*[^Z\s]/.test(stdout);
}
