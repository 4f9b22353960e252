// Builds the cache's entry in a temporary folder and renames it into place: whole or not there.
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { UserError } from '../../engine/stage.ts';
import { bindingName, compileBinding } from './compile-binding.ts';
import { fetchRelease } from './fetch-release.ts';
import { temporaryName } from './leftovers.ts';
import { headersIn, librariesIn, type Places } from './places.ts';
import { type Build, finishedBuild, kernelsHeader } from './state.ts';
import type { Tools } from './tools.ts';
import { verifyBinding } from './verify.ts';
import type { Release } from './versions.ts';

/**
 * Downloads, unpacks, compiles and tries the native runtime, then puts it into the cache.
 *
 * Several processes may build at once: each works in its own folder, and the first to finish wins.
 *
 * @param replace put the new build in place of a finished one, too
 * @throws UserError with what went wrong; the cache is then as it was
 */
export async function buildNative(
  places: Places,
  release: Release,
  tools: Tools,
  replace: boolean,
  report: (line: string) => void,
): Promise<void> {
  const temporary = join(places.cache, temporaryName());
  const removeTemporary = (): void => rmSync(temporary, { recursive: true, force: true });
  process.once('exit', removeTemporary);
  try {
    const entry = join(temporary, 'entry');
    const libraries = librariesIn(entry, places.choice.flavour);
    const headers = headersIn(entry);
    mkdirSync(libraries, { recursive: true });
    const to = { entry, libraries, headers, downloads: join(temporary, 'download') };
    const files = await fetchRelease(release, to, tools.python, report);
    report("Compiling tfjs-node's binding");
    await compileBinding({
      compiler: tools.compiler,
      tfjsNode: places.tfjsNode,
      headers,
      libraries,
      libraryNames: release.tensorflow.libraries,
    });
    const binding = join(libraries, bindingName);
    const verification = await verifyBinding(binding);
    if (!verification.loads) {
      throw new UserError(`the binding that was compiled doesn't load: ${verification.reason}`);
    }
    await describe(entry, verification.tensorflow, [binding, join(entry, kernelsHeader), ...files]);
    await putInPlace(entry, places, replace);
  } finally {
    removeTemporary();
    process.off('exit', removeTemporary);
  }
}

/** Writes `build.json`, which makes the folder a finished build, and flushes it. */
async function describe(folder: string, tensorflow: string, files: readonly string[]): Promise<void> {
  const sizes = await Promise.all(
    files.map(async (file) => [relative(folder, file), (await stat(file)).size] as const),
  );
  const build: Build = { tensorflow, files: Object.fromEntries(sizes) };
  const binding = await open(files[0]!, 'r+'); // the compiler doesn't flush what it writes
  await binding.sync();
  await binding.close();
  const description = await open(join(folder, 'build.json'), 'wx');
  await description.writeFile(`${JSON.stringify(build, null, 2)}\n`);
  await description.sync();
  await description.close();
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
