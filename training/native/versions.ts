// What the native set-up builds from: the TensorFlow release, and its pinned wheel for each platform.
// To move to another release: download each platform's wheel with pip, then pin its size and `pip hash` here. NVIDIA's wheels are
// those that the METADATA of the `tensorflow` wheel names for its extra `and-cuda`.

/** The release whose libraries and C headers are used. */
export const tensorflowVersion = '2.15.1';

/** The release of @tensorflow/tfjs-node-gpu whose binding is compiled; the lockfile installs this one. */
export const tfjsVersion = '4.22.0';

/** A wheel on the Python package index. */
export interface Wheel {
  /** Name of the distribution. */
  readonly distribution: string;
  readonly version: string;
  /** pip's tag of the platform. */
  readonly platformTag: string;
  /** Size of the wheel in bytes. */
  readonly bytes: number;
  /** SHA-256 of the wheel, as `pip hash` prints it. */
  readonly sha256: string;
}

/** A wheel of TensorFlow. */
export interface TensorflowWheel extends Wheel {
  /** The shared libraries in its `tensorflow/` folder, the one to link against first. */
  readonly libraries: readonly [string, string];
}

/** A wheel of NVIDIA's libraries. */
export interface NvidiaWheel extends Wheel {
  /** The folder in `nvidia/` whose `lib` has the libraries. */
  readonly folder: string;
  /** The folder in `nvidia/` where they are looked for, if it is another one. */
  readonly soughtIn?: string;
  /** Those libraries that TensorFlow opens, or that these need in turn. */
  readonly libraries: readonly string[];
}

/**
 * The wheels are built for CPython, but only their C libraries are used: any Python with pip can download them, and
 * which CPython they are for doesn't matter.
 */
export const pythonTag = { version: '3.11', implementation: 'cp', abi: 'cp311' } as const;

const linux = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;
const macos = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'] as const;

/** By `process.platform` and `process.arch`. Linux x64 is what the project's tests run on; the others are built the same way. */
export const wheels: Readonly<Record<string, TensorflowWheel>> = {
  'linux-x64': {
    distribution: 'tensorflow-cpu',
    version: tensorflowVersion,
    platformTag: 'manylinux_2_17_x86_64',
    bytes: 207_208_420,
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    libraries: linux,
  },
  'linux-arm64': {
    distribution: 'tensorflow-cpu-aws', // the wheel that `tensorflow` itself depends on for this platform
    version: tensorflowVersion,
    platformTag: 'manylinux_2_17_aarch64',
    bytes: 211_874_120,
    sha256: 'd4c3a3a9363bf42999adedbbd514e3a133be2d62f61fee9cfa46aaefb087c09e',
    libraries: linux,
  },
  'darwin-arm64': {
    distribution: 'tensorflow',
    version: tensorflowVersion,
    platformTag: 'macosx_12_0_arm64',
    bytes: 205_736_374,
    sha256: 'aa926114d1e13ffe5b2ea59c3f195216f26646d7fe36e9e5207b291e4b7902ff',
    libraries: macos,
  },
  'darwin-x64': {
    distribution: 'tensorflow',
    version: tensorflowVersion,
    platformTag: 'macosx_10_15_x86_64',
    bytes: 236_482_723,
    sha256: '6761efe511e6ee0f893f60738fefbcc51d6dc386eeaaafea59d21899ef369ffd',
    libraries: macos,
  },
};

/** TensorFlow, and what it needs of CUDA. */
export interface Release {
  readonly tensorflow: TensorflowWheel;
  readonly nvidia: readonly NvidiaWheel[];
}

/** The first driver that runs all of CUDA 12, by NVIDIA's table of minor version compatibility. */
export const oldestDriver = '525.60.13';

const nvidiaTag = 'manylinux1_x86_64';

/**
 * By `process.platform` and `process.arch`: `tensorflow[and-cuda]` for the same release, less what no library in here opens. NCCL is
 * linked into TensorFlow, and serves several GPUs; cuRAND and TensorRT are not used; ptxas and libdevice (nvidia-cuda-nvcc) are for
 * XLA, which tfjs never asks for. TensorFlow's own kernels come compiled, or as PTX that the driver compiles.
 */
export const cudaReleases: Readonly<Record<string, Release>> = {
  'linux-x64': {
    tensorflow: {
      distribution: 'tensorflow',
      version: tensorflowVersion,
      platformTag: 'manylinux_2_17_x86_64',
      bytes: 475_258_663,
      sha256: 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4',
      libraries: linux,
    },
    nvidia: [
      {
        distribution: 'nvidia-cublas-cu12',
        version: '12.2.5.6',
        platformTag: nvidiaTag,
        bytes: 417_825_305,
        sha256: 'f448d8db463f9a2c7dd9a1e607c0961d3e95f825b86839c5882f7d073d406df0',
        folder: 'cublas',
        libraries: ['libcublas.so.12', 'libcublasLt.so.12'],
      },
      {
        distribution: 'nvidia-cuda-cupti-cu12',
        version: '12.2.142',
        platformTag: nvidiaTag,
        bytes: 13_900_552,
        sha256: 'ce68d1009dd14215e38ed49643d31374c71d6fea381181cb0b9da7f19dfd1624',
        folder: 'cuda_cupti',
        libraries: ['libcupti.so.12'],
      },
      {
        distribution: 'nvidia-cuda-nvrtc-cu12',
        version: '12.2.140',
        platformTag: nvidiaTag,
        bytes: 23_430_053,
        sha256: 'b1cdcae6443cb7cdcfb5d1bf51896a148c9f82f9e65b27db9ab095eaed689aa7',
        folder: 'cuda_nvrtc',
        soughtIn: 'nvrtc', // cuDNN's RUNPATH says so; the wheel has them where nothing looks
        libraries: ['libnvrtc.so.12', 'libnvrtc-builtins.so.12.2'],
      },
      {
        distribution: 'nvidia-cuda-runtime-cu12',
        version: '12.2.140',
        platformTag: nvidiaTag,
        bytes: 845_802,
        sha256: 'acb9cb7e44594a3512533497ea790d9f0b0e399abcc888584c157d1ffa080e41',
        folder: 'cuda_runtime',
        libraries: ['libcudart.so.12'],
      },
      {
        distribution: 'nvidia-cudnn-cu12',
        version: '8.9.4.25',
        platformTag: nvidiaTag,
        bytes: 720_096_787,
        sha256: '9f882d5b11753c566fd32427839089eb4f8ba7a58c28446ad359e32c40229723',
        folder: 'cudnn',
        libraries: [
          'libcudnn.so.8',
          'libcudnn_ops_infer.so.8',
          'libcudnn_ops_train.so.8',
          'libcudnn_cnn_infer.so.8',
          'libcudnn_cnn_train.so.8',
          'libcudnn_adv_infer.so.8',
          'libcudnn_adv_train.so.8',
        ],
      },
      {
        distribution: 'nvidia-cufft-cu12',
        version: '11.0.8.103',
        platformTag: nvidiaTag,
        bytes: 98_570_970,
        sha256: '72e961e578f9be9e316ccb4db8652c421dd0b57442624faa71061d452f449a67',
        folder: 'cufft',
        libraries: ['libcufft.so.11'],
      },
      {
        distribution: 'nvidia-cusolver-cu12',
        version: '11.5.2.141',
        platformTag: nvidiaTag,
        bytes: 124_890_758,
        sha256: '5a85c4653ce34339a5688137f494a0f903e0f0532418550998167f00844161da',
        folder: 'cusolver',
        libraries: ['libcusolver.so.11'],
      },
      {
        distribution: 'nvidia-cusparse-cu12',
        version: '12.1.2.141',
        platformTag: nvidiaTag,
        bytes: 195_268_625,
        sha256: '4e13d6a51d2303dcb2a023ba09546811161f0334fc64e13689397bbd3b1eb126',
        folder: 'cusparse',
        libraries: ['libcusparse.so.12'],
      },
      {
        distribution: 'nvidia-nvjitlink-cu12',
        version: '12.2.140',
        platformTag: nvidiaTag,
        bytes: 20_177_273,
        sha256: '95635cafbf9f96c38bea5200ab145a2e6aefbb5405e0b04c1e4ba54df2d84ec9',
        folder: 'nvjitlink',
        libraries: ['libnvJitLink.so.12'],
      },
    ],
  },
};
