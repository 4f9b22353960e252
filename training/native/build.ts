// Builds the cache's entry in a temporary folder and renames it into place: whole or not there.
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../engine/stage.ts';
import { bindingName, compileBinding } from './compile.ts';
import { downloadWheel } from './download.ts';
import { temporaryName } from './leftovers.ts';
import type { Places } from './places.ts';
import { progressBar } from './progress-bar.ts';
import { type Build, finishedBuild } from './state.ts';
import { findTools } from './tools.ts';
import { unpackWheel } from './unpack.ts';
import { verifyBinding } from './verify.ts';
import { tensorflowVersion, type Wheel } from './versions.ts';

/**
 * Downloads, unpacks, compiles and tries the native runtime, then puts it into the cache.
 *
 * Several processes may build at once: each works in its own folder, and the first to finish wins.
 *
 * @param replace put the new build in place of a finished one, too
 * @throws UserError with what is missing or went wrong; the cache is then as it was
 */
export async function buildNative(
  places: Places,
  wheel: Wheel,
  replace: boolean,
  report: (line: string) => void,
): Promise<void> {
  const tools = await findTools();
  const temporary = join(places.cache, temporaryName());
  const removeTemporary = (): void => rmSync(temporary, { recursive: true, force: true });
  process.once('exit', removeTemporary);
  try {
    mkdirSync(join(temporary, 'entry'), { recursive: true });
    const bar = progressBar(`Downloading TensorFlow ${tensorflowVersion}`, wheel.bytes, report);
    const file = await downloadWheel(wheel, tools.python, join(temporary, 'download'), bar).finally(() =>
      bar.end(),
    );
    report('Unpacking its libraries');
    const libraries = join(temporary, 'entry');
    const headers = join(temporary, 'include');
    await unpackWheel(file, wheel.libraries, { libraries, headers });
    await rm(join(temporary, 'download'), { recursive: true });
    report("Compiling tfjs-node's binding");
    await compileBinding({
      compiler: tools.compiler,
      tfjsNode: places.tfjsNode,
      headers,
      libraries,
      libraryNames: wheel.libraries,
    });
    const verification = await verifyBinding(join(libraries, bindingName));
    if (!verification.loads) {
      throw new UserError(`the binding that was compiled doesn't load: ${verification.reason}`);
    }
    await describe(libraries, verification.tensorflow, [bindingName, ...wheel.libraries]);
    await putInPlace(libraries, places, replace);
  } finally {
    removeTemporary();
    process.off('exit', removeTemporary);
  }
}

/** Writes `build.json`, which makes the folder a finished build, and flushes it. */
async function describe(folder: string, tensorflow: string, names: readonly string[]): Promise<void> {
  const sizes = await Promise.all(
    names.map(async (name) => [name, (await stat(join(folder, name))).size] as const),
  );
  const build: Build = { tensorflow, files: Object.fromEntries(sizes) };
  const binding = await open(join(folder, bindingName), 'r+');
  await binding.sync();
  await binding.close();
  const file = await open(join(folder, 'build.json'), 'wx');
  await file.writeFile(`${JSON.stringify(build, null, 2)}\n`);
  await file.sync();
  await file.close();
}

/** An entry that must go is moved aside first: a running process keeps the libraries that it has loaded. */
async function putInPlace(folder: string, places: Places, replace: boolean): Promise<void> {
  if (!replace && finishedBuild(places) !== undefined) return; // another process was first
  const aside = join(folder, '..', 'replaced');
  await mkdir(places.cache, { recursive: true });
  await rename(places.entry, aside).catch(ignoring('ENOENT'));
  // Another process may have put its own build here in the meantime: as good as ours.
  await rename(folder, places.entry).catch(ignoring('ENOTEMPTY', 'EEXIST'));
  if (finishedBuild(places) === undefined) throw new Error(`${places.entry} is not a finished build`);
}

function ignoring(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
