// Which build of native TensorFlow is chosen, beside which driver and wish, and what is known of a GPU afterwards.
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import trainingEnvironment from '../../training/environment.ts';
import { chooseFlavour } from '../../training/native/flavour.ts';
import { nvidiaDriver } from '../../training/native/nvidia-driver.ts';
import { ownKernelsIn, ownKernelsVersion } from '../../training/native/own-kernels.ts';
import { nativePlaces, withFlavour } from '../../training/native/places.ts';
import { nativeState, recordLoads } from '../../training/native/state.ts';
import { verifyBinding } from '../../training/native/verify.ts';
import { cudaReleases, tensorflowVersion } from '../../training/native/versions.ts';
import { instructionSet } from '../../training/numerics.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rodada-flavour-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

async function put(file: string, text = ''): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}

const kernelPart = (version = '535.104.05') =>
  put(
    'proc/driver/nvidia/version',
    `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Sat Aug 19 01:15:15 UTC 2023\nGCC version: gcc 12.3.0\n`,
  );
const library = (folder = 'usr/lib/x86_64-linux-gnu') => put(join(folder, 'libcuda.so.1'));

describe('the NVIDIA driver', () => {
  const driver = (env = {}) => nvidiaDriver(env, root);

  it('is found by its kernel part and its library together', async () => {
    expect(driver()).toBeUndefined();
    await kernelPart();
    expect(driver(), 'a container without the GPU').toBeUndefined();
    await library();
    expect(driver()).toBe('535.104.05');
  });

  it('is not found by its library alone', async () => {
    await library();
    expect(driver()).toBeUndefined();
  });

  it("is found through LD_LIBRARY_PATH and through the linker's cache", async () => {
    await kernelPart('550.54.15');
    await library('usr/local/nvidia/lib64');
    expect(driver()).toBeUndefined();
    expect(driver({ LD_LIBRARY_PATH: '/nowhere:/usr/local/nvidia/lib64' })).toBe('550.54.15');
    await put('etc/ld.so.cache', 'ld.so-1.7.0\0/opt/nvidia/libcuda.so\0');
    expect(driver()).toBeUndefined();
    await put('etc/ld.so.cache', 'ld.so-1.7.0\0libcuda.so.1\0/opt/nvidia/libcuda.so.1\0');
    expect(driver()).toBe('550.54.15');
  });

  it('is found on WSL, which names no version', async () => {
    await put('dev/dxg');
    await library('usr/lib/wsl/lib');
    expect(driver()).toBe('unknown');
  });

  it.each(['', '-1', '-1,0'])('does not count where CUDA_VISIBLE_DEVICES is "%s"', async (visible) => {
    await kernelPart();
    await library();
    expect(driver({ CUDA_VISIBLE_DEVICES: visible })).toBeUndefined();
    expect(driver({ CUDA_VISIBLE_DEVICES: '0' })).toBe('535.104.05');
  });
});

describe('the flavour', () => {
  const choose = (env = {}, platform = 'linux-x64') => chooseFlavour(env, platform, root);

  it('is cpu without a driver, and says nothing', () => {
    expect(choose()).toEqual({ flavour: 'cpu', wished: false, gpus: undefined });
  });

  it('is cuda beside a driver, unless RODADA_NATIVE asks for cpu', async () => {
    await kernelPart();
    await library();
    expect(choose()).toEqual({ flavour: 'cuda', wished: false, gpus: '535.104.05 all' });
    expect(choose({ CUDA_VISIBLE_DEVICES: '1' }).gpus).toBe('535.104.05 1');
    expect(choose({ RODADA_NATIVE: 'cpu' })).toEqual({ flavour: 'cpu', wished: true, gpus: undefined });
    expect(choose({}, 'linux-arm64').flavour).toBe('cpu');
  });

  it.each([
    ['470.223.02', 'cpu'],
    ['525.60.11', 'cpu'],
    ['525.60.13', 'cuda'],
    ['525.105.17', 'cuda'],
    ['1000.2', 'cuda'],
  ])('beside driver %s is %s', async (version, flavour) => {
    await kernelPart(version);
    await library();
    expect(choose().flavour).toBe(flavour);
    if (flavour === 'cpu') {
      expect(choose().note).toBe(
        `The NVIDIA driver ${version} is older than 525.60.13, which CUDA 12 needs; taking the CPU's TensorFlow`,
      );
    }
  });

  it('is cuda where RODADA_NATIVE asks for it, with a warning where there is no driver', async () => {
    expect(choose({ RODADA_NATIVE: 'cuda' })).toEqual({
      flavour: 'cuda',
      wished: true,
      gpus: undefined,
      note: 'RODADA_NATIVE asks for CUDA, but no NVIDIA driver with a GPU is in reach; TensorFlow will run on the CPU',
    });
    await kernelPart();
    await library();
    expect(choose({ RODADA_NATIVE: 'cuda' }).note).toBeUndefined();
    expect(choose({ RODADA_NATIVE: 'cuda' }, 'darwin-arm64')).toMatchObject({
      flavour: 'cpu',
      note: expect.stringContaining('linux-x64'),
    });
  });

  it('refuses any other wish', () => {
    expect(() => choose({ RODADA_NATIVE: 'gpu' })).toThrow(
      new UserError('RODADA_NATIVE is "gpu"; it must be one of cpu, cuda'),
    );
  });

  it('has an entry of its own in the cache, and leaves that of the CPU where it was', () => {
    const cpu = nativePlaces({ RODADA_NATIVE_DIR: root, RODADA_NATIVE: 'cpu' });
    const name = `tensorflow-2.15.1-tfjs-4.22.0-${process.platform}-${process.arch}`;
    expect([cpu.entry, cpu.libraries]).toEqual([join(root, name), join(root, name)]);
    const cuda = withFlavour(cpu, 'cuda');
    expect(cuda.entry).toBe(join(root, `${name}-cuda`));
    expect(cuda.libraries).toBe(join(root, `${name}-cuda`, 'tensorflow'));
  });
});

it('pins each wheel once, whole', () => {
  const { tensorflow, nvidia } = cudaReleases['linux-x64']!;
  const all = [tensorflow, ...nvidia];
  expect(new Set(all.map(({ sha256 }) => sha256)).size).toBe(all.length);
  for (const { sha256, bytes, libraries } of all) {
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(bytes).toBeGreaterThan(100_000);
    expect(libraries.length).toBeGreaterThan(0);
  }
  const names = nvidia.flatMap(({ libraries }) => libraries);
  expect(new Set(names).size).toBe(names.length);
});

describe('a binding that was tried', () => {
  const driver = { flavour: 'cuda', wished: false, gpus: '535.104.05 all' } as const;
  const placesFor = (choice = {}) =>
    nativePlaces(
      { RODADA_NATIVE_DIR: join(root, 'cache'), RODADA_TFJS_NODE: join(root, 'tfjs') },
      { ...driver, ...choice },
    );

  async function link(flavour: 'cpu' | 'cuda'): Promise<void> {
    const { binding, libraries } = withFlavour(placesFor(), flavour);
    await mkdir(libraries, { recursive: true });
    await writeFile(join(libraries, 'tfjs_binding.node'), '');
    await writeFile(ownKernelsIn(libraries), '');
    await mkdir(dirname(binding), { recursive: true });
    await symlink(join(libraries, 'tfjs_binding.node'), binding);
  }

  const loaded = { tensorflow: tensorflowVersion, gpu: true };

  it('is known to have had a GPU as long as the driver and what may be used of it are the same', async () => {
    await link('cuda');
    expect(nativeState(placesFor())).toEqual({ kind: 'untried' });
    recordLoads(placesFor(), loaded);
    expect(nativeState(placesFor())).toEqual({ kind: 'ready', ...loaded });
    for (const gpus of ['550.54.15 all', '535.104.05 1', undefined]) {
      expect(nativeState(placesFor({ gpus })), gpus).toEqual({ kind: 'untried' });
    }
  });

  it('with CUDA stays where the driver is gone, but not where the CPU is asked for', async () => {
    await link('cuda');
    recordLoads(placesFor({ gpus: undefined }), { ...loaded, gpu: false });
    expect(nativeState(placesFor({ flavour: 'cpu', gpus: undefined }))).toMatchObject({ kind: 'ready' });
    expect(nativeState(placesFor({ flavour: 'cpu', wished: true, gpus: undefined }))).toEqual({
      kind: 'absent',
    });
  });

  it('without CUDA does not do beside a driver, unless CUDA could not be had and nobody asks for it', async () => {
    await link('cpu');
    recordLoads(withFlavour(placesFor(), 'cpu'), { ...loaded, gpu: false });
    expect(nativeState(placesFor())).toEqual({ kind: 'absent' });
    expect(nativeState(placesFor({ flavour: 'cpu' }))).toMatchObject({ kind: 'ready', gpu: false });
    recordLoads(withFlavour(placesFor(), 'cpu'), { ...loaded, gpu: false, withoutCuda: 'the disk is full' });
    expect(nativeState(placesFor())).toMatchObject({ kind: 'ready', withoutCuda: 'the disk is full' });
    expect(nativeState(placesFor({ wished: true }))).toEqual({ kind: 'absent' });
  });

  it("of a checkout with other kernels lacks this one's", async () => {
    await link('cpu');
    const places = withFlavour(placesFor(), 'cpu');
    recordLoads(places, { ...loaded, gpu: false });
    expect(nativeState(places)).toMatchObject({ kind: 'ready' });
    await rename(ownKernelsIn(places.libraries), join(places.libraries, 'kernels-00000000.node'));
    expect(nativeState(places)).toEqual({ kind: 'absent' }); // the cache's entry isn't finished
    const header = join('include', 'tensorflow', 'c', 'kernels.h');
    await mkdir(dirname(join(places.entry, header)), { recursive: true });
    await writeFile(join(places.entry, header), '');
    await writeFile(join(places.entry, 'build.json'), JSON.stringify({ files: { [header]: 0 } }));
    expect(nativeState(places)).toEqual({ kind: 'unlinked' });
  });

  it("of somebody else's is left alone", async () => {
    const { binding } = placesFor();
    await mkdir(dirname(binding), { recursive: true });
    await writeFile(binding, '');
    recordLoads(placesFor(), loaded);
    expect(nativeState(placesFor())).toEqual({ kind: 'ready', ...loaded });
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'gives the training stages a fact that tells a GPU from the CPU',
    async () => {
      const stub = (name: string, value: string) => vi.stubEnv(name, value);
      stub('RODADA_NATIVE_DIR', join(root, 'cache'));
      stub('RODADA_TFJS_NODE', join(root, 'tfjs'));
      stub('RODADA_NATIVE', 'cuda');
      stub('RODADA_BACKEND', '');
      const ask = () => trainingEnvironment({ setup: true, report: () => {} });
      await link('cuda');
      recordLoads(nativePlaces(), loaded);
      expect(await ask()).toBe(`tensorflow-gpu ${tensorflowVersion}`);
      stub('RODADA_BACKEND', 'tensorflow');
      const fact = `tensorflow ${tensorflowVersion} kernels ${ownKernelsVersion()} ${instructionSet()}`;
      expect(await ask()).toBe(fact);
      recordLoads(nativePlaces(), { ...loaded, gpu: false });
      stub('RODADA_BACKEND', '');
      expect(await ask()).toBe(fact);
      stub('RODADA_BACKEND', 'tensorflow-gpu');
      await expect(ask()).rejects.toThrow(
        /^RODADA_BACKEND asks for a GPU, and native TensorFlow finds none; `npm run native` says more$/,
      );
    },
  );
});

describe('trying a binding', () => {
  /** A module that says of itself what a binding says, and writes TensorFlow's log. */
  async function tryBinding(gpu: boolean, log: string[]) {
    const file = join(root, 'binding.cjs');
    const lines = JSON.stringify(log.map((line) => `${line}\n`).join(''));
    await writeFile(
      file,
      `process.stderr.write(${lines});
       module.exports = { TF_Version: '2.15.1', isUsingGpuDevice: () => ${gpu} };`,
    );
    return verifyBinding(file);
  }

  const stamp = '2026-11-24 02:56:29.1234: ';
  const noise = `${stamp}E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:9261] Unable to register cuDNN factory: twice`;

  it('gives the reason why there is no GPU as TensorFlow says it', async () => {
    const driver = `${stamp}E external/local_xla/xla/stream_executor/cuda/cuda_driver.cc:274] failed call to cuInit: CUDA_ERROR_NO_DEVICE`;
    expect(await tryBinding(false, [noise, driver, 'and more', noise])).toEqual({
      loads: true,
      tensorflow: '2.15.1',
      gpu: false,
      complaint: 'failed call to cuInit: CUDA_ERROR_NO_DEVICE',
    });
  });

  it('complains of nothing where there is a GPU, or no reason', async () => {
    expect(await tryBinding(true, [noise])).toEqual({ loads: true, tensorflow: '2.15.1', gpu: true });
    expect(await tryBinding(false, [noise])).toEqual({ loads: true, tensorflow: '2.15.1', gpu: false });
  });
});
