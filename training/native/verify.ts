// Tries a binding by loading it in a process of its own: a damaged library can end the process that loads it.
import { execa } from 'execa';
import { ownKernelsBeside } from './own-kernels.ts';

/** What a binding said when it was loaded. */
export type Verification =
  | {
      readonly loads: true;
      readonly tensorflow: string;
      /** Whether TensorFlow lists a GPU. */
      readonly gpu: boolean;
      /** What TensorFlow complained of: with a driver and without a GPU, why. */
      readonly complaint?: string;
    }
  | { readonly loads: false; readonly reason: string };

/** Loads the binding, and our kernels where they lie beside it, and asks it for its TensorFlow version and whether it has a GPU. */
export async function verifyBinding(file: string): Promise<Verification> {
  const script = `const { TF_Version: tensorflow, isUsingGpuDevice } = require(process.argv[1]);
    if (process.argv[2]) process.dlopen({ exports: {} }, process.argv[2]);
    process.stdout.write(JSON.stringify({ tensorflow, gpu: isUsingGpuDevice() }));`;
  const result = await execa(process.execPath, ['-e', script, file, ownKernelsBeside(file) ?? ''], {
    env: { TF_CPP_MIN_LOG_LEVEL: '1', NODE_OPTIONS: '' },
    reject: false,
    stdin: 'ignore',
  });
  if (result.exitCode === 0) {
    const said = JSON.parse(result.stdout) as { tensorflow: string; gpu: boolean };
    const complaint = said.gpu ? undefined : lastComplaint(result.stderr);
    return { loads: true, ...said, ...(complaint === undefined ? {} : { complaint }) };
  }
  const error = result.stderr.split('\n').find((line) => line.startsWith('Error:'));
  return {
    loads: false,
    reason: error?.replace('Error: ', '') ?? `it ended with ${result.signal ?? result.exitCode}`,
  };
}

/**
 * The last warning or error in TensorFlow's log, without time and place. Not that of factories registered twice: the wheel has
 * them in both its libraries, and says so each time.
 */
function lastComplaint(log: string): string | undefined {
  const complaints = log.split('\n').flatMap((line) => /^\S+ \S+: [WE] \S+\] (.*)$/.exec(line)?.[1] ?? []);
  return complaints.filter((text) => !text.startsWith('Unable to register')).at(-1);
}
