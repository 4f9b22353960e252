// Our own kernels for native TensorFlow: what they are compiled from, and where this checkout's build of them lies.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { napiVersion } from './places.ts';

/** The folder of the sources. */
export const kernelSources = fileURLToPath(new URL('../kernels/native', import.meta.url));

/** The instruction sets that `kernels.cc` is compiled for; `targets.cc` chooses among them when it is loaded. */
export const kernelTargets: Readonly<Record<string, readonly string[]>> = {
  baseline: [],
  ...(process.arch === 'x64'
    ? {
        avx2: ['-mavx2', '-mfma'],
        avx512: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma'],
      }
    : {}),
};

/** Contraction makes fused multiply-adds of sums of products. */
export const kernelFlags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-ffp-contract=fast',
  '-Wno-psabi',
  `-DNAPI_VERSION=${napiVersion}`,
];

/** Tells builds of different sources or flags apart: eight hexadecimal digits. */
export function ownKernelsVersion(): string {
  const hash = createHash('sha256').update(JSON.stringify([kernelFlags, kernelTargets]));
  for (const name of readdirSync(kernelSources).sort()) {
    hash.update(JSON.stringify([name, readFileSync(join(kernelSources, name), 'utf8')]));
  }
  return hash.digest('hex').slice(0, 8);
}

/** Checkouts with different sources share the cache's entry, so the file's name tells which they are. */
const fileName = () => `kernels-${ownKernelsVersion()}.node`;

/**
 * The build for this checkout beside the binding that tfjs-node loads.
 * @returns undefined where there is none, as beside somebody else's binding
 */
export function ownKernelsBeside(binding: string): string | undefined {
  try {
    const file = join(dirname(realpathSync(binding)), fileName());
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Where the build for this checkout lies in an entry of the cache. */
export const ownKernelsIn = (libraries: string): string => join(libraries, fileName());
