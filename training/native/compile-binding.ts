// Compiles tfjs-node's own binding sources against the unpacked TensorFlow.
import { join } from 'node:path';
import { addonFlags, compile } from './compiler.ts';
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
  const args = [
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
    ...addonFlags,
    '-o',
    join(job.libraries, bindingName),
  ];
  await compile(job.compiler, args, "tfjs-node's binding");
}
