// What the native set-up builds from: the TensorFlow release, and its pinned wheel for each platform.
// To move to another release: download each platform's wheel with pip, then pin its size and `pip hash` here.

/** The release whose libraries and C headers are used. */
export const tensorflowVersion = '2.15.1';

/** The release of @tensorflow/tfjs-node-gpu whose binding is compiled; the lockfile installs this one. */
export const tfjsVersion = '4.22.0';

/** A wheel on the Python package index. */
export interface Wheel {
  /** Name of the distribution. */
  readonly distribution: string;
  /** pip's tag of the platform. */
  readonly platformTag: string;
  /** Size of the wheel in bytes. */
  readonly bytes: number;
  /** SHA-256 of the wheel, as `pip hash` prints it. */
  readonly sha256: string;
  /** The shared libraries in its `tensorflow/` folder, the one to link against first. */
  readonly libraries: readonly [string, string];
}

/**
 * The wheels are built for CPython, but only their C libraries are used: any Python with pip can download them, and
 * which CPython they are for doesn't matter.
 */
export const pythonTag = { version: '3.11', implementation: 'cp', abi: 'cp311' } as const;

const linux = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;
const macos = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'] as const;

/** By `process.platform` and `process.arch`. Linux x64 is what the project's tests run on; the others are built the same way. */
export const wheels: Readonly<Record<string, Wheel>> = {
  'linux-x64': {
    distribution: 'tensorflow-cpu',
    platformTag: 'manylinux_2_17_x86_64',
    bytes: 207_208_420,
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    libraries: linux,
  },
  'linux-arm64': {
    distribution: 'tensorflow-cpu-aws', // the wheel that `tensorflow` itself depends on for this platform
    platformTag: 'manylinux_2_17_aarch64',
    bytes: 211_874_120,
    sha256: 'd4c3a3a9363bf42999adedbbd514e3a133be2d62f61fee9cfa46aaefb087c09e',
    libraries: linux,
  },
  'darwin-arm64': {
    distribution: 'tensorflow',
    platformTag: 'macosx_12_0_arm64',
    bytes: 205_736_374,
    sha256: 'aa926114d1e13ffe5b2ea59c3f195216f26646d7fe36e9e5207b291e4b7902ff',
    libraries: macos,
  },
  'darwin-x64': {
    distribution: 'tensorflow',
    platformTag: 'macosx_10_15_x86_64',
    bytes: 236_482_723,
    sha256: '6761efe511e6ee0f893f60738fefbcc51d6dc386eeaaafea59d21899ef369ffd',
    libraries: macos,
  },
};
