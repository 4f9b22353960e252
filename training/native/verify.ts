// Tries a binding by loading it in a process of its own: a damaged library can end the process that loads it.
import { execa } from 'execa';

/** What a binding said when it was loaded. */
export type Verification =
  | { readonly loads: true; readonly tensorflow: string }
  | { readonly loads: false; readonly reason: string };

/** Loads the binding and asks it for its TensorFlow version. */
export async function verifyBinding(file: string): Promise<Verification> {
  const script = 'process.stdout.write(String(require(process.argv[1]).TF_Version))';
  const result = await execa(process.execPath, ['-e', script, file], {
    env: { TF_CPP_MIN_LOG_LEVEL: '3', NODE_OPTIONS: '' },
    reject: false,
    stdin: 'ignore',
  });
  if (result.exitCode === 0) return { loads: true, tensorflow: result.stdout };
  const error = result.stderr.split('\n').find((line) => line.startsWith('Error:'));
  return {
    loads: false,
    reason: error?.replace('Error: ', '') ?? `it ended with ${result.signal ?? result.exitCode}`,
  };
}
