// Compiles our own kernels for native TensorFlow.
import { mkdirSync } from 'node:fs';
import { mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { addonFlags, compile } from './compiler.ts';
import { temporaryName } from './leftovers.ts';
import { kernelFlags, kernelSources, kernelTargets, ownKernelsIn } from './own-kernels.ts';
import { headersIn, type Places, packageFolder } from './places.ts';

/**
 * Compiles the kernels into the cache's entry, which must be finished.
 * @throws UserError with the compiler's first error
 */
export async function buildOwnKernels(places: Places, compiler: string, framework: string): Promise<void> {
  const making = join(places.cache, temporaryName());
  mkdirSync(making, { recursive: true });
  const folder = await mkdtemp(join(making, 'kernels-'));
  const includes = [headersIn(places.entry), join(packageFolder('node-api-headers'), 'include')];
  const common = [...kernelFlags, ...includes.flatMap((each) => ['-I', each])];
  try {
    const object = async (source: string, name = source, own: readonly string[] = []): Promise<string> => {
      const file = join(folder, `${name}.o`);
      const args = [...common, ...own, '-c', join(kernelSources, `${source}.cc`), '-o', file];
      await compile(compiler, args, 'the kernels');
      return file;
    };
    const rest = (await readdir(kernelSources))
      .filter((name) => name.endsWith('.cc') && name !== 'kernels.cc')
      .map((name) => basename(name, '.cc'));
    const objects = await Promise.all([
      ...Object.entries(kernelTargets).map(([target, own]) =>
        object('kernels', target, [...own, `-DRODADA_TARGET=${target}`]),
      ),
      ...rest.map((source) => object(source)),
    ]);
    const addon = join(folder, 'kernels.node');
    const args = [...addonFlags, ...objects, join(places.libraries, framework), '-pthread', '-o', addon];
    await compile(compiler, args, 'the kernels');
    const written = await open(addon, 'r+'); // the compiler doesn't flush what it writes
    await written.sync();
    await written.close();
    await rename(addon, ownKernelsIn(places.libraries));
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}
