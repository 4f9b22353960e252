// The real set-up for NVIDIA GPUs, 2.1 GB of downloads: each library that TensorFlow opens for a GPU is found.
import { cp, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nativePlaces, type Places, packageFolder } from '../../training/native/places.ts';
import { setUpNative } from '../../training/native/setup.ts';
import { finishedBuild } from '../../training/native/state.ts';
import { verifyBinding } from '../../training/native/verify.ts';

const wanted = process.env.RODADA_CUDA === '1' && process.platform === 'linux' && process.arch === 'x64';
if (!wanted) console.log('CUDA is not set up for real: RODADA_CUDA=1 asks for that, on Linux x64 (2.1 GB).');

let root: string;
let places: Places;
let entry: string;
let probe: string;
const built = (file: string) => join(root, file);
const fixture = (file: string) => join(import.meta.dirname, '..', 'fixtures', 'cuda', file);

/** No search path but the libraries' own. */
const bare = { env: { TF_CPP_MIN_LOG_LEVEL: '3' }, extendEnv: false } as const;
/** TensorFlow's own loaders, as its library exports them. */
const loaders = [
  '_ZN3tsl8internal9DsoLoader22TryDlopenCUDALibrariesEv',
  '_ZN3tsl8internal9DsoLoader17GetCuptiDsoHandleEv',
];

async function look(...args: string[]): Promise<string[]> {
  return (await execa(probe, args, bare)).stdout.split('\n');
}

/** What of the cache's entry is mapped, relative to it. */
const mapped = (lines: string[]) =>
  lines
    .filter((line) => line.startsWith('mapped '))
    .map((line) => relative(entry, line.slice('mapped '.length)))
    .filter((file) => !file.startsWith('..'));

describe.runIf(wanted)('TensorFlow with CUDA (needs RODADA_CUDA=1)', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rodada-cuda-'));
    await cp(join(packageFolder('@tensorflow/tfjs-node-gpu'), 'binding'), built('tfjs/binding'), {
      recursive: true,
    });
    places = nativePlaces({ ...process.env, RODADA_TFJS_NODE: built('tfjs'), RODADA_NATIVE: 'cuda' });
    const result = await setUpNative({ places, report: console.log });
    expect(result).toMatchObject({ kind: 'ready' });
    entry = await realpath(places.entry);
    probe = built('probe');
    await execa('gcc', ['-O1', '-o', probe, fixture('probe.c'), '-ldl']);
    await mkdir(built('driver'));
    const driver = built('driver/libcuda.so.1');
    await execa('gcc', ['-shared', '-fPIC', '-Wl,-soname,libcuda.so.1', '-o', driver, fixture('driver.c')]);
  }, 1_800_000);

  afterAll(() => rm(root, { recursive: true, force: true }));

  it("opens CUDA's libraries by its own loaders without a search path from outside", async () => {
    const lines = await look(join(entry, 'tensorflow/libtensorflow_cc.so.2'), 'run', ...loaders);
    expect(lines.filter((line) => line.startsWith('ran '))).toEqual(loaders.map((name) => `ran ${name}: ok`));
    expect(
      mapped(lines)
        .filter((file) => file.startsWith('nvidia/'))
        .sort(),
    ).toEqual([
      'nvidia/cublas/lib/libcublas.so.12',
      'nvidia/cublas/lib/libcublasLt.so.12',
      'nvidia/cuda_cupti/lib/libcupti.so.12',
      'nvidia/cuda_runtime/lib/libcudart.so.12',
      'nvidia/cudnn/lib/libcudnn.so.8',
      'nvidia/cufft/lib/libcufft.so.11',
      'nvidia/cusolver/lib/libcusolver.so.11',
      'nvidia/cusparse/lib/libcusparse.so.12',
      'nvidia/nvjitlink/lib/libnvJitLink.so.12',
    ]);
  });

  it('has cuDNN open its parts, which it does when they are first called', async () => {
    const parts = ['Ops', 'Cnn', 'Adv'].flatMap((part) => [`${part}Infer`, `${part}Train`]);
    const checks = parts.map((part) => `cudnn${part}VersionCheck`);
    const files = mapped(await look(join(entry, 'nvidia/cudnn/lib/libcudnn.so.8'), 'run', ...checks));
    for (const part of parts) {
      const name = part.replace(/(?<!^)[A-Z]/, (letter) => `_${letter}`).toLowerCase();
      expect(files).toContain(`nvidia/cudnn/lib/libcudnn_${name}.so.8`);
    }
  });

  it('has cuDNN look for NVRTC where it is', async () => {
    const folders = (await look(join(entry, 'nvidia/cudnn/lib/libcudnn_ops_infer.so.8'), 'path'))
      .filter((line) => line.startsWith('path '))
      .map((line) => join(line.slice('path '.length), '.'));
    expect(folders).toContain(join(entry, 'nvidia/nvrtc/lib'));
  });

  it('needs no library that is missing', async () => {
    const files = Object.keys(finishedBuild(places)!.files).filter((file) => file.includes('.so'));
    expect(files.length).toBe(19);
    for (const file of files) expect(mapped(await look(join(entry, file), 'open'))).toContain(file);
  });

  it('asks the driver for a GPU as soon as the binding is loaded, and gives its answer', async () => {
    vi.stubEnv('LD_LIBRARY_PATH', built('driver'));
    const verification = await verifyBinding(places.binding);
    vi.unstubAllEnvs();
    expect(verification).toMatchObject({
      loads: true,
      gpu: false,
      complaint: 'failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected',
    });
  });
});
