// DVC from PyPI, the engine's peer, in a virtual environment of its own.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativePlaces } from '../training/native/places.ts';
import { makeVenv, succeeds } from './peer-python.ts';

const version = '3.67.1';

const isSupported = 'import sys, venv; raise SystemExit(sys.version_info[:2] < (3, 9))';

/**
 * Finds a Python with DVC in the per-user cache, or installs it there.
 * @returns the interpreter, to be called with `-m dvc`, or null, the reason reported, where that can't be done
 */
export async function peerDvc(report: (line: string) => void): Promise<string | null> {
  const home = join(dirname(nativePlaces().cache), 'peers', `dvc-${version}`);
  const cached = join(home, 'bin', 'python');
  if (existsSync(cached)) return cached;
  for (const python of ['python3', 'python']) {
    if (!(await succeeds(python, ['-c', isSupported]))) continue;
    report(`Installing DVC ${version} for the peer into ${home} (once)`);
    if (await makeVenv(python, home, `dvc==${version}`)) return cached;
    report(`No peer: pip could not install dvc ${version}; is there a network?`);
    return null;
  }
  report(`No peer: DVC ${version} needs Python 3.9 or newer with venv, and PATH has none.`);
  return null;
}
