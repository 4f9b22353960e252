// Downloads a pinned wheel with pip, which knows the user's index, proxy and certificates, and checks its hash.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { UserError } from '../../engine/stage.ts';
import type { ProgressBar } from './progress-bar.ts';
import { pythonTag, type Wheel } from './versions.ts';

const pollInterval = 150; // milliseconds

/**
 * @param folder an empty folder for the download
 * @returns the wheel's path
 * @throws UserError where the index can't be reached or gives another file than the pinned one
 */
export async function downloadWheel(
  wheel: Wheel,
  python: string,
  folder: string,
  bar: ProgressBar,
): Promise<string> {
  const temporary = join(folder, 'pip');
  const destination = join(folder, 'wheel');
  await mkdir(temporary, { recursive: true });
  const pip = execa(python, pipArguments(wheel, destination), {
    env: { TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  // pip draws no progress into a pipe; the file that it writes grows where TMPDIR says, so that is watched instead.
  let polling = true;
  const watching = (async () => {
    while (polling) {
      bar.update(Math.min(await largestFile(folder), wheel.bytes));
      await new Promise((resolve) => setTimeout(resolve, pollInterval));
    }
  })();
  const result = await pip;
  polling = false;
  await watching;
  if (result.exitCode !== 0) throw new UserError(pipProblem(wheel, result.all));
  const [name] = await readdir(destination);
  const file = join(destination, name!);
  const sha256 = await sha256Of(file);
  if (sha256 !== wheel.sha256) {
    throw new UserError(
      `got ${name} with SHA-256 ${sha256} from the package index, but ${wheel.sha256} is pinned in training/native/versions.ts`,
    );
  }
  return file;
}

function pipArguments(wheel: Wheel, destination: string): string[] {
  return [
    '-m',
    'pip',
    'download',
    `${wheel.distribution}==${wheel.version}`,
    `--dest=${destination}`,
    '--no-deps',
    '--only-binary=:all:',
    `--platform=${wheel.platformTag}`,
    `--python-version=${pythonTag.version}`,
    `--implementation=${pythonTag.implementation}`,
    `--abi=${pythonTag.abi}`,
    '--no-cache-dir', // only the unpacked libraries stay
    '--disable-pip-version-check',
    '--progress-bar=off',
    '--no-input',
    '--retries=2',
  ];
}

/** pip's own last error, cut to its first sentence. */
function pipProblem(wheel: Wheel, output: string): string {
  const errors = output.split('\n').filter((line) => line.startsWith('ERROR:'));
  const unreachable =
    /Failed to establish|NewConnectionError|Max retries|ConnectTimeout|ReadTimeout|Temporary failure/.test(
      output,
    );
  if (unreachable)
    return `can't reach the Python package index; check the network or pip's index and proxy settings`;
  const detail = errors[0]?.replace('ERROR: ', '') ?? output.trim().split('\n').at(-1) ?? 'no message';
  return `pip could not download ${wheel.distribution} ${wheel.version}: ${detail}`;
}

async function largestFile(folder: string): Promise<number> {
  let largest = 0;
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) largest = Math.max(largest, (await stat(join(entry.parentPath, entry.name))).size);
    }
  } catch {
    // pip moved a file between the listing and the stat; the next look sees it.
  }
  return largest;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
