// The backend's environment fact: which rung it says, what it costs, and what it refuses.
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { backendNameOf } from '../../training/backend-name.ts';
import trainingEnvironment from '../../training/environment.ts';
import { nvidiaDriver } from '../../training/native/nvidia-driver.ts';
import { ownKernelsVersion } from '../../training/native/own-kernels.ts';
import { entryName } from '../../training/native/places.ts';
import { tensorflowVersion, tfjsVersion } from '../../training/native/versions.ts';
import { instructionSet } from '../../training/numerics.ts';
import { native } from '../support/native.ts';

let folder: string;
const lines: string[] = [];
const ask = (setup: boolean) => trainingEnvironment({ setup, report: (line) => lines.push(line) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-environment-'));
  lines.length = 0;
  // A machine without tools, binding or cache.
  vi.stubEnv('PATH', folder);
  vi.stubEnv('CXX', '');
  vi.stubEnv('RODADA_NATIVE_DIR', join(folder, 'cache'));
  vi.stubEnv('RODADA_TFJS_NODE', join(folder, 'tfjs-node-gpu'));
  vi.stubEnv('RODADA_BACKEND', '');
  vi.stubEnv('RODADA_NATIVE', 'cpu'); // also where the tests run beside a GPU
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe('the training environment', () => {
  it('is WASM where the native set-up cannot work, and says why in one line', async () => {
    expect(await ask(false)).toBe(`wasm ${tfjsVersion}`);
    expect(lines).toEqual([]);
    expect(await ask(true)).toBe(`wasm ${tfjsVersion}`);
    expect(lines).toEqual([
      expect.stringMatching(/^No native TensorFlow: needs Python with pip .*\. Training uses WASM\.$/),
    ]);
  });

  it.runIf(process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch))(
    'is native TensorFlow, in prospect, where the tools for it are there',
    async () => {
      for (const name of ['python3', 'g++']) {
        await writeFile(join(folder, name), '#!/bin/sh\nexit 1\n');
        await chmod(join(folder, name), 0o755);
      }
      expect(await ask(false)).toBe(
        `tensorflow ${tensorflowVersion} kernels ${ownKernelsVersion()} ${instructionSet()}`,
      );
    },
  );

  it.each(['wasm', 'cpu'])('is %s where RODADA_BACKEND forces it, and sets nothing up', async (name) => {
    vi.stubEnv('RODADA_BACKEND', name);
    expect(await ask(true)).toBe(`${name} ${tfjsVersion}`);
    expect(lines).toEqual([]);
  });

  it('refuses an unknown backend, and a forced one that cannot be had', async () => {
    vi.stubEnv('RODADA_BACKEND', 'cuda');
    await expect(ask(false)).rejects.toThrow(
      new UserError('RODADA_BACKEND is "cuda"; it must be one of tensorflow-gpu, tensorflow, wasm, cpu'),
    );
    vi.stubEnv('RODADA_BACKEND', 'tensorflow');
    await expect(ask(true)).rejects.toThrow(
      /^RODADA_BACKEND asks for native TensorFlow, which can't be had: needs Python/,
    );
  });

  it('refuses variables that a training would refuse, before any runs', async () => {
    vi.stubEnv('RODADA_BACKEND', 'wasm');
    for (const name of [
      'RODADA_INSTRUCTIONS',
      'RODADA_NATIVE',
      'RODADA_CHECKPOINTS',
      'TF_NUM_INTRAOP_THREADS',
    ]) {
      vi.stubEnv(name, 'wrong');
      await expect(ask(false)).rejects.toThrow(`${name} is "wrong"`);
      vi.stubEnv(name, name === 'RODADA_NATIVE' ? 'cpu' : '');
    }
    expect(await ask(false)).toBe(`wasm ${tfjsVersion}`);
  });

  it('never loads tfjs, since the engine asks at every run', async () => {
    const script = `
      const { default: ask } = await import('./training/environment.ts');
      await ask({ setup: false, report() {} });
      const { Module } = await import('node:module');
      console.log(Object.keys(Module._cache).filter((file) => file.includes('tfjs')).length);`;
    const { stdout } = await execa(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    expect(stdout).toBe('0');
  });
});

it('names the rung of each value, and refuses others', () => {
  expect(backendNameOf(`tensorflow ${tensorflowVersion}`)).toBe('tensorflow');
  expect(backendNameOf(`tensorflow ${tensorflowVersion} kernels 0a1b2c3d`)).toBe('tensorflow');
  expect(backendNameOf(`tensorflow-gpu ${tensorflowVersion}`)).toBe('tensorflow-gpu');
  expect(backendNameOf('wasm 4.22.0')).toBe('wasm');
  expect(backendNameOf('cpu 4.22.0')).toBe('cpu');
  expect(() => backendNameOf('cuda 12')).toThrow(UserError);
});

/** What loading a rung does in a process of its own, with the binding of this checkout. */
async function load(rung: string, tfjsNode = ''): Promise<string> {
  const script = `
    const { loadBackend } = await import('./training/backend.ts');
    const { label } = await loadBackend('${rung}').catch((error) => ({ label: error.constructor.name + ': ' + error.message }));
    console.log(label, process.env.CUDA_VISIBLE_DEVICES ?? 'all', process.env.TF_DETERMINISTIC_OPS ?? 'fast');`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  return (await execa(process.execPath, args, { env: { RODADA_TFJS_NODE: tfjsNode } })).stdout;
}

describe.runIf(native)('native TensorFlow (needs its set-up)', () => {
  it('never runs on a GPU where it is recorded as the CPU', async () => {
    expect(await load('tensorflow')).toMatch(
      new RegExp(`^tensorflow ${tensorflowVersion} \\(kernels for (avx512|avx2|baseline)\\) -1 fast$`),
    );
  });

  it('refuses to run without the kernels that it was recorded with', async () => {
    const [entry, tfjsNode] = [join(folder, entryName('cpu')), join(folder, 'tfjs-node-gpu')];
    await mkdir(entry);
    await mkdir(join(tfjsNode, 'lib', 'napi-v8'), { recursive: true });
    await writeFile(join(entry, 'tfjs_binding.node'), '');
    await symlink(join(entry, 'tfjs_binding.node'), join(tfjsNode, 'lib', 'napi-v8', 'tfjs_binding.node'));
    expect(await load('tensorflow', tfjsNode)).toBe(
      "UserError: rodada's kernels for TensorFlow are gone; `npm run native` makes them anew. -1 fast",
    );
  });

  it.runIf(nvidiaDriver() === undefined)(
    'refuses to run on the CPU where it is recorded as a GPU',
    async () => {
      expect(await load('tensorflow-gpu')).toBe(
        'UserError: TensorFlow finds no GPU now, and this is to run on one; `npm run native` looks again. all 1',
      );
    },
  );
});
