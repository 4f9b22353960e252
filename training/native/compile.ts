// Compiles tfjs-node's own binding sources against the unpacked TensorFlow.
import { join } from 'node:path';
import { execa } from 'execa';
import { UserError } from '../../engine/stage.ts';
import { napiVersion, packageFolder } from './places.ts';

/** The binding's file name, in the cache and where tfjs-node looks. */
export const bindingName = 'tfjs_binding.node';

/** What a compilation reads and writes. */
export interface Compilation {
  readonly compiler: string;
  /** The folder of @tensorflow/tfjs-node-gpu. */
  readonly tfjsNode: string;
  /** The unpacked headers. */
  readonly headers: string;
  /** The folder of the libraries, where the binding goes too. */
  readonly libraries: string;
  readonly libraryNames: readonly string[];
}

/** @throws UserError with the compiler's first error */
export async function compileBinding(job: Compilation): Promise<void> {
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(job.tfjsNode, 'binding', name));
  const result = await execa(
    job.compiler,
    [
      '-std=c++17',
      '-O2',
      '-fPIC',
      `-DNAPI_VERSION=${napiVersion}`,
      '-I',
      join(packageFolder('node-api-headers'), 'include'),
      '-I',
      job.headers,
      ...sources,
      ...job.libraryNames.map((name) => join(job.libraries, name)),
      // The libraries lie beside the binding, wherever the cache is; node resolves the link before it loads.
      ...(process.platform === 'darwin'
        ? ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path']
        : ['-shared', '-Wl,-rpath,$ORIGIN']),
      '-o',
      join(job.libraries, bindingName),
    ],
    { reject: false, all: true, stdin: 'ignore' },
  );
  if (result.exitCode === 0) return;
  const error = result.all.split('\n').find((line) => /error|cannot find/.test(line)) ?? 'no message';
  throw new UserError(`${job.compiler} could not compile tfjs-node's binding: ${error.trim()}`);
}
