// Runs the C++ compiler.
import { execa } from 'execa';
import { UserError } from '../../engine/stage.ts';

/** What a shared object that Node loads is linked with; it finds the libraries beside itself, wherever the cache is. */
export const addonFlags =
  process.platform === 'darwin'
    ? ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path']
    : ['-shared', '-Wl,-rpath,$ORIGIN'];

/**
 * @param what is compiled, for the message
 * @throws UserError with the compiler's first error
 */
export async function compile(compiler: string, args: readonly string[], what: string): Promise<void> {
  const result = await execa(compiler, args, { reject: false, all: true, stdin: 'ignore' });
  if (result.exitCode === 0) return;
  const error = result.all.split('\n').find((line) => /error|cannot find/.test(line)) ?? 'no message';
  throw new UserError(`${compiler} could not compile ${what}: ${error.trim()}`);
}
