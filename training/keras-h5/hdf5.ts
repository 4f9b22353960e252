// HDF5 through h5wasm: opened once, errors thrown rather than printed, and files whose bytes do not tell when they were made.
import { existsSync, rmSync } from 'node:fs';
import { Dataset, File, Group, ready } from 'h5wasm/node';
import { UserError } from '../../engine/stage.ts';

export { Dataset, type File, Group };

async function hdf5(): Promise<void> {
  const module = await ready;
  module.activate_throwing_error_handler();
}

/**
 * Runs `use` on a file opened for reading.
 *
 * @throws UserError if the file is missing, is no HDF5 file, is cut short, or `use` meets what it can't read
 */
export async function readHdf5<Result>(path: string, use: (file: File) => Result): Promise<Result> {
  if (!existsSync(path)) throw new UserError(`There is no file ${path}.`);
  await hdf5();
  let file: File | undefined;
  try {
    file = new File(path, 'r');
    return use(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path} can't be read as HDF5 (${reason(error)}). It is damaged or another kind of file.`,
    );
  } finally {
    closeQuietly(file);
  }
}

/**
 * Makes a file with what `fill` puts in; the same calls give the same bytes.
 *
 * HDF5 stamps each data set with the time, and h5wasm can't turn that off, so the clock stands at 0 while it writes. `fill` is
 * synchronous, so that nothing else sees this clock.
 *
 * @throws an error of a system call if the file can't be written
 */
export async function writeHdf5(path: string, fill: (file: File) => void): Promise<void> {
  await hdf5();
  rmSync(path, { force: true });
  const now = Date.now;
  Date.now = () => 0;
  let file: File | undefined;
  try {
    file = new File(path, 'w');
    fill(file);
    file.close();
    file = undefined;
  } catch (error) {
    throw systemError(error, path) ?? error;
  } finally {
    closeQuietly(file);
    Date.now = now;
  }
}

/** What the system said when it refused HDF5 something → its code. HDF5 numbers errors as WebAssembly does. */
const codes: readonly (readonly [said: RegExp, code: string])[] = [
  [/no space left/i, 'ENOSPC'],
  [/quota/i, 'EDQUOT'],
  [/read-only file system/i, 'EROFS'],
  [/permission denied/i, 'EACCES'],
  [/not permitted/i, 'EPERM'],
  [/i\/?o error|input\/output/i, 'EIO'],
  [/too many open files/i, 'EMFILE'],
];

/** The error of the system call that HDF5's stack of errors ends with; undefined if there is none. */
function systemError(error: unknown, path: string): Error | undefined {
  const said = /errno = \d+, error message = '([^']+)'/.exec(String(error))?.[1];
  const code = said === undefined ? undefined : codes.find(([words]) => words.test(said))?.[1];
  if (code === undefined) return undefined;
  return Object.assign(new Error(`${code}: ${said}, write '${path}'`), { code, syscall: 'write', path });
}

/** The most specific line of HDF5's error stack, which stands last. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? 'unknown error').trim().replace(/^(Error|minor|major): /, '');
}

function closeQuietly(file: File | undefined): void {
  try {
    file?.close();
  } catch {
    // It never opened, is too damaged to close, or has no room for what is left: an error was thrown already.
  }
}
