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
 */
export async function writeHdf5(path: string, fill: (file: File) => void): Promise<void> {
  await hdf5();
  rmSync(path, { force: true });
  const now = Date.now;
  Date.now = () => 0;
  try {
    const file = new File(path, 'w');
    fill(file);
    file.close();
  } finally {
    Date.now = now;
  }
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
    // It never opened, or is too damaged to close: there is nothing to lose in a file that is only read.
  }
}
