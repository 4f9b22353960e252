// Whether an NVIDIA driver is in reach of TensorFlow: a look at a few files, which loads nothing and starts no program.
import { accessSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions, containers and WSL put the driver's library, besides what the linker's cache lists. */
const usualFolders = ['usr/lib/x86_64-linux-gnu', 'usr/lib64', 'usr/lib', 'usr/lib/wsl/lib'];

/**
 * Looks for the driver's kernel part and for its library. Both are needed: a container sees the host's `/proc/driver/nvidia`
 * also where it was not given the GPU, and the library may be installed on a machine without one.
 *
 * @param env `CUDA_VISIBLE_DEVICES` may hide all GPUs; `LD_LIBRARY_PATH` may hold the library
 * @param root the folder that stands for `/`
 * @returns the driver's version, such as `535.104.05`; `unknown` on WSL, which doesn't say; undefined where there is none
 */
export function nvidiaDriver(env: NodeJS.ProcessEnv = process.env, root = '/'): string | undefined {
  const visible = env.CUDA_VISIBLE_DEVICES;
  if (visible !== undefined && (visible === '' || visible.startsWith('-1'))) return undefined;
  const version = kernelVersion(root);
  return version !== undefined && hasLibrary(env, root) ? version : undefined;
}

function kernelVersion(root: string): string | undefined {
  const text = read(join(root, 'proc/driver/nvidia/version'))?.toString();
  if (text !== undefined) return /\b\d{3,}\.\d+(\.\d+)?\b/.exec(text)?.[0] ?? 'unknown';
  return exists(join(root, 'dev/dxg')) ? 'unknown' : undefined; // WSL's way to the GPU of its Windows
}

function hasLibrary(env: NodeJS.ProcessEnv, root: string): boolean {
  const name = 'libcuda.so.1';
  const asked = (env.LD_LIBRARY_PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = [...asked, ...usualFolders].map((folder) => join(root, folder));
  if (folders.some((folder) => exists(join(folder, name)))) return true;
  return read(join(root, 'etc/ld.so.cache'))?.includes(`/${name}\0`) ?? false;
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
