// A Python with the TensorFlow that our native runtime is made of, for the peers that run in it.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { nativePlaces } from '../training/native/places.ts';
import { tensorflowVersion } from '../training/native/versions.ts';

/** The Pythons that this TensorFlow has wheels for, the newest first. */
const pythons = ['python3.11', 'python3.10', 'python3.9', 'python3', 'python'];

const hasTensorflow = `import importlib.metadata as m
names = {d.metadata['Name'].lower() for d in m.distributions()}
own = [n for n in ('tensorflow', 'tensorflow-cpu', 'tensorflow-cpu-aws') if n in names]
raise SystemExit(not any(m.version(n) == '${tensorflowVersion}' for n in own))`;

const isSupported = 'import sys, venv; raise SystemExit(not (3, 9) <= sys.version_info[:2] <= (3, 11))';

/**
 * Finds a Python with TensorFlow, or makes a virtual environment with it in the per-user cache (about 1.3 GB).
 * @returns the interpreter, or null, the reason reported, where that can't be done
 */
export async function peerPython(report: (line: string) => void): Promise<string | null> {
  const home = join(dirname(nativePlaces().cache), 'peers', `tensorflow-${tensorflowVersion}`);
  const cached = join(home, 'bin', 'python');
  if (existsSync(cached)) return cached;
  for (const python of pythons) if (await succeeds(python, ['-c', hasTensorflow])) return python;
  for (const python of pythons) {
    if (!(await succeeds(python, ['-c', isSupported]))) continue;
    report(`Installing TensorFlow ${tensorflowVersion} for the peer into ${home} (once)`);
    if (await makeVenv(python, home, `tensorflow-cpu==${tensorflowVersion}`)) return cached;
    report(`No peer: pip could not install tensorflow-cpu ${tensorflowVersion}; is there a network?`);
    return null;
  }
  report(
    `No peer: TensorFlow ${tensorflowVersion} needs Python 3.9, 3.10 or 3.11 with venv, and PATH has none.`,
  );
  return null;
}

/** Makes a virtual environment with a package at `home`, whole or not at all; its scripts don't work, `python -m` does. */
export async function makeVenv(python: string, home: string, requirement: string): Promise<boolean> {
  const unfinished = `${home}.${process.pid}`;
  await mkdir(dirname(home), { recursive: true });
  const made = await succeeds(python, ['-m', 'venv', unfinished]);
  const pip = ['-m', 'pip', 'install', '--quiet', requirement];
  if (made && (await succeeds(join(unfinished, 'bin', 'python'), pip))) {
    await rm(home, { recursive: true, force: true }); // one whose Python is gone
    await rename(unfinished, home);
    return true;
  }
  await rm(unfinished, { recursive: true, force: true });
  return false;
}

/** Whether a command ends well. */
export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const { exitCode } = await execa(command, args, { reject: false, stdin: 'ignore' });
  return exitCode === 0;
}
